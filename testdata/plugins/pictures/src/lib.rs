//! A plugin of company:image-processor@1.0.0 without imports: reads and writes PGM, PPM and BMP, and trusts
//! none of what it reads.

mod bmp;
mod pixels;
mod pnm;

use crate::exports::company::image_processor::images::{
    Area, Error, Filter, Format, Guest, Info, Size,
};
use pixels::Image;

wit_bindgen::generate!({
    path: "../../../compositions/image-processor/wit",
    world: "image-processor",
});

struct Pictures;

/// The most pixels of one image: what fits a plugin's memory a few times over.
const MOST: u64 = 4 << 20;

/// The number of an image's pixels, which is not none and not too many.
fn count(size: Size) -> Result<usize, Error> {
    let count = u64::from(size.width) * u64::from(size.height);
    if count == 0 || count > MOST {
        return Err(Error::BadSize(size));
    }
    Ok(count as usize)
}

fn read(file: &[u8]) -> Result<Image, Error> {
    match file {
        [b'P', b'5' | b'6', ..] => pnm::read(file),
        [b'B', b'M', ..] => bmp::read(file),
        _ => Err(Error::UnknownFormat),
    }
}

fn write(image: &Image) -> Vec<u8> {
    match image.format {
        Format::Graymap | Format::Pixmap => pnm::write(image),
        Format::Bitmap => bmp::write(image),
    }
}

impl Guest for Pictures {
    fn get_info(file: Vec<u8>) -> Result<Info, Error> {
        let Image { format, size, .. } = read(&file)?;
        Ok(Info { format, size })
    }

    fn resize(file: Vec<u8>, to: Size, filter: Filter) -> Result<Vec<u8>, Error> {
        count(to)?;
        let image = read(&file)?;
        Ok(write(&match filter {
            Filter::Nearest => image.nearest(to),
            Filter::Average => image.average(to),
        }))
    }

    fn crop(file: Vec<u8>, area: Area) -> Result<Vec<u8>, Error> {
        count(area.size)?;
        Ok(write(&read(&file)?.crop(area)?))
    }
}

export!(Pictures);
