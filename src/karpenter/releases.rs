//! From what people write to a release.

use super::{Minor, Rules, Version};
use crate::error::Error;

/// A release, and what to tell about how it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The release.
    pub version: Version,
    /// One sentence, where the data does not have what was asked for.
    pub note: Option<String>,
}

impl Rules {
    /// The newest release that the data knows.
    #[must_use]
    pub fn latest(&self) -> Version {
        self.minors.last().map(|minor| minor.newest).unwrap_or_default()
    }

    /// The oldest release that the data knows.
    #[must_use]
    pub fn oldest(&self) -> Version {
        let first = self.minors.first().map(|minor| minor.newest).unwrap_or_default();
        Version { patch: 0, ..first }
    }

    /// The newest release of each minor, oldest first.
    pub fn newest_of_minors(&self) -> impl DoubleEndedIterator<Item = Version> {
        self.minors.iter().map(|minor| minor.newest)
    }

    /// The newest patch of the minor that `version` belongs to.
    #[must_use]
    pub fn newest_patch(&self, version: Version) -> Option<Version> {
        self.newest_of_minors()
            .find(|known| (known.major, known.minor) == (version.major, version.minor))
    }

    /// Whether there is such a release.
    #[must_use]
    pub fn is_released(&self, version: Version) -> bool {
        self.minors.iter().any(|minor| {
            (minor.newest.major, minor.newest.minor) == (version.major, version.minor)
                && version.patch <= minor.newest.patch
                && !minor.missing.contains(&version.patch)
        })
    }

    /// The release that `text` means: `1.4` is the newest patch of that minor, `latest` the newest of
    /// all. What is newer than the data is taken as the newest that it knows, and told.
    ///
    /// # Errors
    /// A text that is no version, a release that never was, and anything before 0.32.
    pub fn resolve(&self, text: &str) -> Result<Release, Error> {
        let latest = self.latest();
        let found = |version| Ok(Release { version, note: None });
        if text.trim().eq_ignore_ascii_case("latest") {
            return found(latest);
        }
        let Some((major, minor, patch)) = Version::parse_partial(text) else {
            return Err(Error::usage(format!("`{text}` is not a version of Karpenter"))
                .with_help("write `1.4`, `1.4.2`, `v1.4.2` or `latest`"));
        };
        let wanted = match patch {
            Some(patch) => format!("{major}.{minor}.{patch}"),
            None => format!("{major}.{minor}"),
        };
        let oldest = self.oldest();
        if (major, minor) < (oldest.major, oldest.minor) {
            return Err(Error::usage(format!("Karpenter {wanted} is not supported"))
                .with_help(format!("the oldest release that karplint knows is {oldest}")));
        }
        if (major, minor) > (latest.major, latest.minor) {
            let note = format!("Karpenter {wanted} is newer than this data, checked as {latest}");
            return Ok(Release { version: latest, note: Some(note) });
        }
        let same = |known: &&Minor| (known.newest.major, known.newest.minor) == (major, minor);
        let Some(known) = self.minors.iter().find(same) else {
            let before =
                self.newest_of_minors().rfind(|known| (known.major, known.minor) < (major, minor));
            let error = Error::usage(format!("there is no Karpenter {wanted}"));
            return Err(match before {
                Some(before) => error.with_help(format!("the minor before it ended with {before}")),
                None => error,
            });
        };
        match patch {
            None => found(known.newest),
            Some(patch) if known.missing.contains(&patch) => {
                Err(Error::usage(format!("Karpenter {wanted} was never released"))
                    .with_help(format!("the newest patch of {major}.{minor} is {}", known.newest)))
            }
            Some(patch) if patch > known.newest.patch => {
                let note = format!(
                    "Karpenter {wanted} is newer than this data, checked as {}, the newest patch of {major}.{minor} it knows",
                    known.newest
                );
                Ok(Release { version: known.newest, note: Some(note) })
            }
            Some(patch) => found(Version { major, minor, patch }),
        }
    }
}
