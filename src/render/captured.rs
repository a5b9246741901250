//! Bytes that a command wrote, as JSON can hold them.

use crate::diagnostic::Captured;

/// What a command wrote to one stream: its first `bytes` of `size`. Text that was cut off in the middle
/// of a character loses what is there of it.
pub fn captured(bytes: Vec<u8>, size: u64) -> Captured {
    let truncated = (bytes.len() as u64) < size;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(error) if truncated && error.error_len().is_none() => {
            Some(String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned())
        }
        Err(_) => None,
    };
    let base64 = if text.is_none() { Some(base64(&bytes)) } else { None };
    Captured { text, base64, size, truncated }
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            if digit <= chunk.len() {
                let index = (group >> (18 - 6 * digit)) & 63;
                out.push(char::from(DIGITS[index as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_standard() {
        let vectors = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let encoded = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (plain, encoded) in vectors.iter().zip(encoded) {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfb]), "//77");
    }

    #[test]
    fn text_may_end_in_the_middle_of_a_character_only_where_it_was_cut_off() {
        let cut = captured("a\u{e9}".as_bytes()[..2].to_vec(), 3);
        assert_eq!(cut.text.as_deref(), Some("a"));
        let whole = captured(vec![b'a', 0xc3], 2);
        assert_eq!((whole.text, whole.base64.as_deref()), (None, Some("YcM=")));
    }
}
