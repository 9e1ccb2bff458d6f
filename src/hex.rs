//! Bytes as lower-case hex digits.

/// Two digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

/// The bytes of as many digits as make them, in either case.
pub(crate) fn decode<const LENGTH: usize>(digits: &str) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    if digits.len() != 2 * LENGTH {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let digit = |index: usize| char::from(digits[index]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_digits_and_back() {
        assert_eq!(encode(&[0, 0x1f, 0xa9, 0xff]), "001fa9ff");
        assert_eq!(decode("001fA9ff"), Some([0, 0x1f, 0xa9, 0xff]));
        for wrong in ["", "001fa9f", "001fa9fff", "001fa9fg", "+1+1+1+1", "éééé"] {
            assert_eq!(decode::<4>(wrong), None, "{wrong}");
        }
    }
}
