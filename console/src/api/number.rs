//! Numbers and ids of an address, which are digits and nothing else.

use serde::de::{Deserialize, Deserializer, Error};

/// A whole number from `MIN` to `MAX`, without sign or leading zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number<const MIN: u64, const MAX: u64>(pub u64);

/// What every reader of JSON takes without loss.
const MAX_EXACT_INTEGER: u64 = (1 << 53) - 1;

/// An id of the database.
pub(super) type Id = Number<1, MAX_EXACT_INTEGER>;

/// Where a page or a log begins.
pub(super) type Offset = Number<0, MAX_EXACT_INTEGER>;

/// How many items a page has.
pub(super) type Limit = Number<1, 1000>;

impl Id {
    pub(super) fn get(self) -> i64 {
        self.0.cast_signed()
    }
}

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'));
        let number = if plain { text.parse().ok() } else { None };
        match number {
            Some(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            _ => Err(Error::custom(format!("write a number from {MIN} to {MAX}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_digits() {
        let read = |text: &str| {
            serde_json::from_value::<Number<1, 1000>>(text.into()).map(|number| number.0).ok()
        };
        assert_eq!(["1", "1000"].map(read), [Some(1), Some(1000)]);
        assert_eq!(
            [
                "",
                "0",
                "1001",
                "+1",
                "-1",
                "01",
                " 1",
                "1 ",
                "1.0",
                "1e3",
                "٣",
                "18446744073709551616"
            ]
            .map(read),
            [None; 12]
        );
    }
}
