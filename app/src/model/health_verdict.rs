//! The verdict on an app, in a word.

use serde::{Deserialize, Serialize};

/// The verdict on an app, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HealthVerdict {
    /// It needs no protection.
    #[serde(rename = "excluded")]
    Excluded,
    /// It has a backup that is new enough, and nothing speaks against it.
    #[serde(rename = "protected")]
    Protected,
    /// It has one, and somebody has to look.
    #[serde(rename = "at risk")]
    AtRisk,
    /// It has none that one could rely on.
    #[serde(rename = "not protected")]
    NotProtected,
}

impl HealthVerdict {
    /// All of them, the worst first: as lists show them.
    pub const ALL: [Self; 4] = [Self::NotProtected, Self::AtRisk, Self::Protected, Self::Excluded];

    /// The words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::Protected => "protected",
            Self::AtRisk => "at risk",
            Self::NotProtected => "not protected",
        }
    }
}
