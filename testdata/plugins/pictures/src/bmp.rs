//! BMP with 24 bits a pixel: a file header of 14 bytes, a description of 40 or more, rows padded to four
//! bytes, from the bottom up unless the height is negative, blue before green before red.

use crate::count;
use crate::exports::company::image_processor::images::{Error, Format, Size};
use crate::pixels::Image;

/// Both headers as they are written here.
const HEADERS: usize = 54;

fn cut_off(file: &[u8], needed: u64) -> Error {
    Error::CutOff((file.len() as u64, needed))
}

/// A number of the headers, which are there.
fn number(file: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]])
}

fn stride(width: u32) -> u64 {
    (u64::from(width) * 3).next_multiple_of(4)
}

pub fn read(file: &[u8]) -> Result<Image, Error> {
    if file.len() < HEADERS {
        return Err(cut_off(file, HEADERS as u64));
    }
    let unsupported = |what: String| Err(Error::Unsupported(what));
    if number(file, 14) < 40 {
        return unsupported(format!("a description of {} bytes", number(file, 14)));
    }
    let (width, height) = (number(file, 18) as i32, number(file, 22) as i32);
    if width < 0 {
        return Err(Error::Malformed(("negative width".into(), 18)));
    }
    let size = Size { width: width.unsigned_abs(), height: height.unsigned_abs() };
    let pixels = count(size)?;
    let bits = number(file, 28) & 0xffff;
    if bits != 24 {
        return unsupported(format!("{bits} bits a pixel"));
    }
    if number(file, 30) != 0 {
        return unsupported("compression".into());
    }

    let (start, stride) = (u64::from(number(file, 10)), stride(size.width));
    if start < HEADERS as u64 {
        return Err(Error::Malformed(("pixels in the headers".into(), 10)));
    }
    let end = start + stride * u64::from(size.height);
    if end > file.len() as u64 {
        return Err(cut_off(file, end));
    }
    let rows = file[start as usize..end as usize].chunks_exact(stride as usize);
    let mut bytes = Vec::with_capacity(pixels * 3);
    let mut row = |row: &[u8]| {
        for pixel in row[..size.width as usize * 3].chunks_exact(3) {
            bytes.extend([pixel[2], pixel[1], pixel[0]]);
        }
    };
    if height < 0 {
        rows.for_each(&mut row);
    } else {
        rows.rev().for_each(&mut row);
    }
    Ok(Image { format: Format::Bitmap, size, bytes })
}

pub fn write(image: &Image) -> Vec<u8> {
    let Size { width, height } = image.size;
    let stride = stride(width) as usize;
    let length = stride * height as usize;
    let mut file = Vec::with_capacity(HEADERS + length);
    file.extend(*b"BM");
    for header in [
        (HEADERS + length) as u32,
        0,
        HEADERS as u32,
        // The description: its length, the size, one plane of 24 bits, no compression, 2835 pixels a metre.
        40,
        width,
        height,
        1 | 24 << 16,
        0,
        length as u32,
        2835,
        2835,
        0,
        0,
    ] {
        file.extend(header.to_le_bytes());
    }
    for row in image.bytes.chunks_exact(width as usize * 3).rev() {
        let start = file.len();
        for pixel in row.chunks_exact(3) {
            file.extend([pixel[2], pixel[1], pixel[0]]);
        }
        file.resize(start + stride, 0);
    }
    file
}
