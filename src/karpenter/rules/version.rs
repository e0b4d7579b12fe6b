//! Versions of the Karpenter AWS provider and ranges of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A release: `1.4.2`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl Version {
    /// `major.minor.patch`.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads `1.4`, `1.4.2` or `v1.4.2`; without a third number the patch is `None`.
    #[must_use]
    pub fn parse_partial(text: &str) -> Option<(u32, u32, Option<u32>)> {
        let text = text.trim();
        let mut numbers = text.strip_prefix(['v', 'V']).unwrap_or(text).split('.');
        let mut number = || numbers.next().map(parse_number);
        let (major, minor, patch) = (number()??, number()??, number());
        match (patch, numbers.next()) {
            (None, _) => Some((major, minor, None)),
            (Some(patch), None) => Some((major, minor, Some(patch?))),
            _ => None,
        }
    }
}

// `str::parse` takes a sign.
fn parse_number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAVersion;

impl fmt::Display for NotAVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a version such as `1.4.2`, `v1.4.2` or `1.4`")
    }
}

impl std::error::Error for NotAVersion {}

/// `1.4` reads as `1.4.0`.
impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let (major, minor, patch) = Self::parse_partial(text).ok_or(NotAVersion)?;
        Ok(Self { major, minor, patch: patch.unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Half-open ranges of releases; none at all is every release.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Versions(pub Vec<(Version, Option<Version>)>);

impl Versions {
    /// Whether `version` lies in one of the ranges.
    #[must_use]
    pub fn contain(&self, version: Version) -> bool {
        let inside = |(from, to): &(Version, Option<Version>)| {
            *from <= version && to.is_none_or(|to| version < to)
        };
        self.0.is_empty() || self.0.iter().any(inside)
    }

    /// The first release, and the first one after the last range if that has an end.
    #[must_use]
    pub fn bounds(&self) -> Option<(Version, Option<Version>)> {
        Some((self.0.first()?.0, self.0.last()?.1))
    }
}

/// `1.3.5..1.4.0`, `1.6.4..`.
impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (from, to)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{from}..")?;
            if let Some(to) = to {
                write!(f, "{to}")?;
            }
        }
        Ok(())
    }
}
