//! PGM and PPM: <https://netpbm.sourceforge.net/doc/ppm.html>. Of several images in a file, the first one.

use crate::count;
use crate::exports::company::image_processor::images::{Error, Format, Size};
use crate::pixels::Image;

struct Header<'a> {
    file: &'a [u8],
    at: usize,
}

impl Header<'_> {
    fn next(&mut self) -> Result<u8, Error> {
        let end = self.file.len() as u64;
        let byte = *self.file.get(self.at).ok_or(Error::CutOff((end, end + 1)))?;
        self.at += 1;
        Ok(byte)
    }

    fn malformed(&self, what: &str) -> Error {
        Error::Malformed((what.into(), self.at as u64 - 1))
    }

    /// White space, with comments to the ends of their lines, then digits, then one white space.
    fn number(&mut self) -> Result<u32, Error> {
        let mut number = loop {
            match self.next()? {
                b'#' => while !matches!(self.next()?, b'\n' | b'\r') {},
                digit if digit.is_ascii_digit() => break u32::from(digit - b'0'),
                space if space.is_ascii_whitespace() => {}
                _ => return Err(self.malformed("number expected")),
            }
        };
        loop {
            match self.next()? {
                digit if digit.is_ascii_digit() => {
                    number = number
                        .checked_mul(10)
                        .and_then(|number| number.checked_add(u32::from(digit - b'0')))
                        .ok_or_else(|| self.malformed("number too large"))?;
                }
                space if space.is_ascii_whitespace() => return Ok(number),
                _ => return Err(self.malformed("white space expected")),
            }
        }
    }
}

pub fn read(file: &[u8]) -> Result<Image, Error> {
    let (format, depth) = match file[1] {
        b'5' => (Format::Graymap, 1),
        _ => (Format::Pixmap, 3),
    };
    let mut header = Header { file, at: 2 };
    let (width, height) = (header.number()?, header.number()?);
    let size = Size { width, height };
    let length = count(size)? * depth;
    match header.number()? {
        255 => {}
        0 => return Err(header.malformed("no shades")),
        most => return Err(Error::Unsupported(format!("{most} as the brightest value"))),
    }
    let (start, end) = (header.at, header.at + length);
    let bytes = file.get(start..end).ok_or(Error::CutOff((file.len() as u64, end as u64)))?;
    Ok(Image { format, size, bytes: bytes.into() })
}

pub fn write(image: &Image) -> Vec<u8> {
    let kind = if image.depth() == 1 { "P5" } else { "P6" };
    let Size { width, height } = image.size;
    let mut file = format!("{kind}\n{width} {height}\n255\n").into_bytes();
    file.extend_from_slice(&image.bytes);
    file
}
