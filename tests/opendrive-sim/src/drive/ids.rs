//! Ids as the API spells them: opaque, so that nobody can count on how they are made.

use super::Refusal;
use super::entries::{Id, ROOT};
use crate::texts;

/// What an id stands for. A file's never equals a folder's, so that mixing them up shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder = 0,
    File = 1,
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Digits of an id; the real ones are as long.
const LENGTH: usize = 22;

pub(crate) fn file_id(id: Id) -> String {
    spell(id, Kind::File)
}

pub(crate) fn folder_id(id: Id) -> String {
    if id == ROOT { "0".into() } else { spell(id, Kind::Folder) }
}

pub(crate) fn parse_file_id(text: &str) -> Result<Id, Refusal> {
    parse(text, Kind::File).ok_or_else(|| Refusal::new(404, texts::NO_FILE))
}

pub(crate) fn parse_folder_id(text: &str) -> Result<Id, Refusal> {
    if text == "0" {
        return Ok(ROOT);
    }
    parse(text, Kind::Folder).ok_or_else(|| Refusal::new(404, texts::NO_FOLDER))
}

fn spell(id: Id, kind: Kind) -> String {
    let number = mix(id << 1 | kind as u64);
    let number = u128::from(mix(!number)) << 64 | u128::from(number);
    (0..LENGTH).map(|at| DIGITS[(number >> (6 * at)) as usize & 63] as char).collect()
}

fn parse(text: &str, kind: Kind) -> Option<Id> {
    if text.len() != LENGTH {
        return None;
    }
    let mut number = 0;
    for (at, byte) in text.bytes().enumerate() {
        let digit = DIGITS.iter().position(|&digit| digit == byte)?;
        number |= (digit as u128) << (6 * at);
    }
    let id = unmix(number as u64);
    // All digits count: what is spelled in another way, another kind of id among it, is no id of
    // ours.
    (spell(id >> 1, kind) == text).then_some(id >> 1)
}

const FACTORS: [u64; 2] = [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb];

/// The inverses of the factors, modulo 2^64.
const INVERSES: [u64; 2] = [inverse(FACTORS[0]), inverse(FACTORS[1])];

const fn inverse(odd: u64) -> u64 {
    // Newton's method doubles the number of right bits each time, from three.
    let mut x = odd;
    let mut round = 0;
    while round < 5 {
        x = x.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(x)));
        round += 1;
    }
    x
}

/// The steps of SplitMix64, each of which can be undone.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(FACTORS[0]);
    z = (z ^ (z >> 27)).wrapping_mul(FACTORS[1]);
    z ^ (z >> 31)
}

fn unmix(mut z: u64) -> u64 {
    z = unshift(z, 31).wrapping_mul(INVERSES[1]);
    z = unshift(z, 27).wrapping_mul(INVERSES[0]);
    unshift(z, 30).wrapping_sub(0x9e37_79b9_7f4a_7c15)
}

/// Undoes `z ^ (z >> bits)`.
fn unshift(z: u64, bits: u32) -> u64 {
    let mut undone = z;
    for _ in 0..64 / bits {
        undone = z ^ (undone >> bits);
    }
    undone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_opaque_and_lead_back() {
        for id in (1..2000).chain([u64::MAX >> 1, 1 << 40]) {
            let (file, folder) = (file_id(id), folder_id(id));
            assert_eq!(
                (parse_file_id(&file).ok(), parse_folder_id(&folder).ok()),
                (Some(id), Some(id))
            );
            assert!(parse_file_id(&folder).is_err() && parse_folder_id(&file).is_err());
            assert!(parse_file_id(&file.to_lowercase()).is_err(), "case counts");
        }
        let (one, next) = (file_id(1), file_id(2));
        let shared = one.chars().zip(next.chars()).filter(|(a, b)| a == b).count();
        assert!(shared < LENGTH / 2, "{one} and {next}");
        for text in ["", "0", "1", "F1", "nonsense", &one[1..], &format!("{one}A")] {
            assert!(parse_file_id(text).is_err(), "{text:?}");
        }
    }
}
