//! Pixels in rows from the upper left, and what is done with them.

use crate::exports::company::image_processor::images::{Area, Error, Format, Size};

pub struct Image {
    pub format: Format,
    pub size: Size,
    /// Row by row, `depth` bytes a pixel, nothing between.
    pub bytes: Vec<u8>,
}

/// Where a row or column of a new size begins and ends in the old one, in units of 1/`new` of an old pixel.
fn span(at: u32, old: u32) -> (u64, u64) {
    let old = u64::from(old);
    (u64::from(at) * old, (u64::from(at) + 1) * old)
}

impl Image {
    /// Bytes a pixel.
    pub fn depth(&self) -> usize {
        match self.format {
            Format::Graymap => 1,
            Format::Pixmap | Format::Bitmap => 3,
        }
    }

    fn pixel(&self, x: u64, y: u64) -> &[u8] {
        let at = (y * u64::from(self.size.width) + x) as usize * self.depth();
        &self.bytes[at..at + self.depth()]
    }

    /// An image of this size, whose pixels are made one by one.
    fn with(&self, size: Size, mut pixel: impl FnMut(u32, u32, &mut Vec<u8>)) -> Image {
        let count = u64::from(size.width) * u64::from(size.height);
        let mut bytes = Vec::with_capacity(count as usize * self.depth());
        for y in 0..size.height {
            for x in 0..size.width {
                pixel(x, y, &mut bytes);
            }
        }
        Image { format: self.format, size, bytes }
    }

    pub fn crop(&self, area: Area) -> Result<Image, Error> {
        let beyond = |start: u32, length: u32, end: u32| {
            start.checked_add(length).is_none_or(|last| last > end)
        };
        if beyond(area.x, area.size.width, self.size.width)
            || beyond(area.y, area.size.height, self.size.height)
        {
            return Err(Error::Outside(self.size));
        }
        Ok(self.with(area.size, |x, y, bytes| {
            bytes.extend_from_slice(self.pixel((area.x + x).into(), (area.y + y).into()));
        }))
    }

    pub fn nearest(&self, to: Size) -> Image {
        // The old pixel under the middle of the new one.
        let under = |at: u32, old: u32, new: u32| {
            let (start, end) = span(at, old);
            (start + end) / 2 / u64::from(new)
        };
        self.with(to, |x, y, bytes| {
            let x = under(x, self.size.width, to.width);
            let y = under(y, self.size.height, to.height);
            bytes.extend_from_slice(self.pixel(x, y));
        })
    }

    pub fn average(&self, to: Size) -> Image {
        // The old pixels that a new one covers, and how much of each.
        let covered = |at: u32, old: u32, new: u32| {
            let (start, end) = span(at, old);
            let new = u64::from(new);
            (start / new..end.div_ceil(new))
                .map(move |old| (old, end.min((old + 1) * new) - start.max(old * new)))
        };
        let whole = u64::from(self.size.width) * u64::from(self.size.height);
        self.with(to, |x, y, bytes| {
            let mut sums = [0; 3];
            for (y, height) in covered(y, self.size.height, to.height) {
                for (x, width) in covered(x, self.size.width, to.width) {
                    for (sum, value) in sums.iter_mut().zip(self.pixel(x, y)) {
                        *sum += u64::from(*value) * width * height;
                    }
                }
            }
            // All that a new pixel covers weighs as much as the old image has pixels.
            bytes.extend(sums[..self.depth()].iter().map(|sum| ((sum + whole / 2) / whole) as u8));
        })
    }
}
