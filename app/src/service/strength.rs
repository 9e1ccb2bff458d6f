//! How strong a passphrase is, in words.
//!
//! Plakar takes any passphrase from its configuration; at its own prompt it asks for 80 bits by the
//! kinds of letters in it, by which `password1234567890` is strong. zxcvbn counts the guesses of one
//! who knows words, names, dates and keyboards.

use std::fmt;

/// How many guesses it takes to find a passphrase. Plakar makes each cost what Argon2id costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Under 100 million.
    Weak,
    /// Under 10,000 million.
    Fair,
    /// More.
    Strong,
}

impl Strength {
    /// That of a passphrase. `known` are words that whoever guesses tries first, such as the name of
    /// the app.
    pub fn of(passphrase: &str, known: &[&str]) -> Self {
        let known: Vec<&str> = known.iter().copied().chain(["plakar", "opendrive"]).collect();
        match zxcvbn::zxcvbn(passphrase, &known).score() {
            zxcvbn::Score::Four => Self::Strong,
            zxcvbn::Score::Three => Self::Fair,
            _ => Self::Weak,
        }
    }

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Fair => "fair",
            Self::Strong => "strong",
        }
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_guessed_first_are_weak_however_long() {
        for weak in
            ["", "documents", "password1234567890", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "qwertyuiop123"]
        {
            assert_eq!(Strength::of(weak, &["documents"]), Strength::Weak, "{weak}");
        }
        for strong in ["correct horse battery staple", "Tr9#kx!vQ2mZ8w"] {
            assert_eq!(Strength::of(strong, &[]), Strength::Strong, "{strong}");
        }
        let (name, own) = ("my-green-bicycle", Strength::of("my-green-bicycle", &[]));
        assert!(Strength::of(name, &[name]) < own, "the app's own name is known");
    }
}
