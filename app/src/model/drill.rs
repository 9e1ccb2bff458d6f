//! Which files a restore drill takes, and what its pace says of a whole restore.

use serde::{Deserialize, Serialize};

use super::words::{count_text, size_text};

/// What a restore drill came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillFigures {
    /// Files that were restored and are as they were backed up.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How long that took, without opening the store.
    pub seconds: f64,
    /// How long it takes to open the store.
    pub opening_seconds: f64,
    /// Of how many the content has the MD5 that the drive listed.
    pub listed: u64,
    /// What the files were chosen by.
    pub seed: u32,
}

impl DrillFigures {
    /// How long a restore of so many bytes would take at this pace, in seconds; none if nothing was
    /// measured. An estimate.
    pub fn whole_restore(&self, bytes: u64) -> Option<u64> {
        if self.bytes == 0 {
            return None;
        }
        let seconds = self.opening_seconds + self.seconds * (bytes as f64 / self.bytes as f64);
        // What is too long for a number is as long as that.
        seconds.is_finite().then(|| seconds.ceil() as u64)
    }

    /// `5 files, 12 MiB, in 3.2 s`.
    pub fn words(&self) -> String {
        format!(
            "{}, {}, in {:.1} s",
            count_text(self.files, "file"),
            size_text(self.bytes),
            self.seconds
        )
    }
}

/// A time of an estimate: `about 3 h`.
pub fn about_text(seconds: u64) -> String {
    match seconds {
        0..60 => "less than a minute".to_owned(),
        60..5_400 => format!("about {} min", (seconds + 30) / 60),
        5_400..129_600 => format!("about {} h", (seconds + 1_800) / 3_600),
        _ => format!("about {} days", (seconds + 43_200) / 86_400),
    }
}

/// Chooses so many files at random, by a seed, of at most so many bytes together: every second one
/// with a chance by its size, so that large files come to it too. Empty ones are left out.
pub fn choose(
    files: impl Iterator<Item = (String, u64)>,
    count: usize,
    max_bytes: u64,
    seed: u32,
) -> Vec<(String, u64)> {
    let mut random = Random(u64::from(seed));
    let (mut by_number, mut by_size) = (Lot::new(count), Lot::new(count));
    for (path, size) in files.filter(|(_, size)| (1..=max_bytes).contains(size)) {
        let (chance, other) = (random.next(), random.next());
        by_number.take(chance, &path, size);
        // The greatest of u^(1/w) is each one with a chance of its share of all weights.
        by_size.take(other.powf(1.0 / size as f64), &path, size);
    }
    let (mut by_number, mut by_size) = (by_number.best(), by_size.best());
    let (mut chosen, mut left): (Vec<(String, u64)>, u64) = (Vec::new(), max_bytes);
    while chosen.len() < count {
        let lot = if chosen.len().is_multiple_of(2) { &mut by_size } else { &mut by_number };
        let Some((path, size)) = lot.next().or_else(|| by_number.next()).or_else(|| by_size.next())
        else {
            break;
        };
        if size <= left && !chosen.iter().any(|(other, _)| *other == path) {
            left -= size;
            chosen.push((path, size));
        }
    }
    chosen
}

/// Those with the greatest keys.
struct Lot {
    room: usize,
    kept: Vec<(f64, String, u64)>,
}

impl Lot {
    /// Twice as many as are wanted: some may be too large together, or in both lots.
    fn new(count: usize) -> Self {
        Self { room: count.saturating_mul(2), kept: Vec::new() }
    }

    fn take(&mut self, key: f64, path: &str, size: u64) {
        if self.kept.len() >= self.room && self.kept.last().is_none_or(|(least, ..)| key <= *least)
        {
            return;
        }
        let place = self.kept.partition_point(|(other, ..)| *other >= key);
        self.kept.insert(place, (key, path.to_owned(), size));
        self.kept.truncate(self.room);
    }

    fn best(self) -> impl Iterator<Item = (String, u64)> {
        self.kept.into_iter().map(|(_, path, size)| (path, size))
    }
}

/// SplitMix64: the same numbers on each machine. Nobody's secrets depend on it.
struct Random(u64);

impl Random {
    /// From 0 to 1, and neither.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((mixed >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files(sizes: &[u64]) -> Vec<(String, u64)> {
        sizes.iter().enumerate().map(|(number, size)| (format!("/{number}"), *size)).collect()
    }

    proptest! {
        #[test]
        fn no_more_than_wanted_and_each_once(
            sizes in proptest::collection::vec(0u64..2000, 0..60), count in 1usize..12, max in 1u64..5000, seed: u32
        ) {
            let all = files(&sizes);
            let chosen = choose(all.clone().into_iter(), count, max, seed);
            prop_assert_eq!(&chosen, &choose(all.clone().into_iter(), count, max, seed));
            prop_assert!(chosen.len() <= count && chosen.iter().map(|(_, size)| size).sum::<u64>() <= max);
            for (place, one) in chosen.iter().enumerate() {
                prop_assert!(all.contains(one) && one.1 > 0 && !chosen[..place].contains(one));
            }
            let fits = sizes.iter().any(|size| (1..=max).contains(size));
            prop_assert_eq!(chosen.is_empty(), !fits);
        }
    }

    #[test]
    fn all_of_few_and_in_the_long_run_each_one() {
        let all = files(&[5, 7, 9]);
        assert_eq!(choose(all.clone().into_iter(), 5, 100, 1).len(), 3);
        let mut seen = std::collections::BTreeSet::new();
        let many = files(&[10; 40]);
        for seed in 0..200 {
            seen.extend(choose(many.clone().into_iter(), 2, 100, seed));
        }
        assert_eq!(seen.len(), 40);
        // A large one among many small ones is taken as its share of the bytes is.
        let mut mixed = files(&[1; 999]);
        mixed.push(("/large".into(), 1_000_000));
        let with = |seed| {
            choose(mixed.clone().into_iter(), 2, 2_000_000, seed)
                .iter()
                .any(|(path, _)| path == "/large")
        };
        assert!((0..20).filter(|seed| with(*seed)).count() >= 19);
    }

    #[test]
    fn the_pace_is_that_of_what_was_restored() {
        let figures = DrillFigures {
            files: 5,
            bytes: 10 << 20,
            seconds: 4.0,
            opening_seconds: 1.0,
            ..DrillFigures::default()
        };
        assert_eq!(figures.whole_restore(100 << 20), Some(41));
        assert_eq!(DrillFigures::default().whole_restore(7), None);
        assert_eq!(figures.words(), "5 files, 10 MiB, in 4.0 s");
        for (seconds, text) in [
            (3, "less than a minute"),
            (150, "about 3 min"),
            (10_900, "about 3 h"),
            (200_000, "about 2 days"),
        ] {
            assert_eq!(about_text(seconds), text);
        }
    }
}
