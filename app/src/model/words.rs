//! Sizes and times in words, for every front end alike.

use chrono::TimeDelta;

/// `1 day`, `2 days`.
pub fn count_text(count: u64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// `1 entry`, `2 entries`.
pub fn entries_text(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// `1.2 GiB`.
pub fn size_text(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    // What would be shown as 1024 is 1 of the next.
    while size >= 1023.5 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if size < 9.95 {
        format!("{size:.1} {}", UNITS[unit])
    } else {
        format!("{size:.0} {}", UNITS[unit])
    }
}

/// `0.9 s`, `12 s`, `5 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration_text(time: TimeDelta) -> String {
    let milliseconds = time.num_milliseconds().max(0);
    // What took any time at all did not take none.
    let tenths = ((milliseconds + 50) / 100).max(i64::from(milliseconds > 0));
    if tenths < 100 && tenths % 10 > 0 {
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = (milliseconds + 500) / 1000;
    let two = |first: i64, one: &str, second: i64, other: &str| {
        if second == 0 {
            format!("{first} {one}")
        } else {
            format!("{first} {one} {second} {other}")
        }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// A text of which nothing moves a terminal's cursor or begins a line, and which is not longer
/// than this, in letters.
pub fn plain_text(text: &str, max: usize) -> String {
    let plain = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    let mut letters = text.chars().map(plain);
    let mut plain: String = letters.by_ref().take(max).collect();
    if letters.next().is_some() {
        plain.pop();
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_digits_and_the_right_unit() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (10_200, "10 KiB"),
            (1_048_000, "1023 KiB"),
            (1_048_570, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
    }

    #[test]
    fn times_are_told_by_their_two_largest_units() {
        for (milliseconds, text) in
            [(1, "0.1 s"), (940, "0.9 s"), (1_960, "2 s"), (9_940, "9.9 s"), (10_400, "10 s")]
        {
            assert_eq!(duration_text(TimeDelta::milliseconds(milliseconds)), text);
        }
        for (seconds, text) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (320, "5 min 20 s"),
            (7_500, "2 h 5 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration_text(TimeDelta::seconds(seconds)), text);
        }
    }

    #[test]
    fn a_long_text_is_cut_where_letters_end() {
        assert_eq!(plain_text("a\nb\u{1b}", 9), "a\u{fffd}b\u{fffd}");
        assert_eq!(plain_text("äöü", 3), "äöü");
        assert_eq!(plain_text("äöüß", 3), "äö…");
    }
}
