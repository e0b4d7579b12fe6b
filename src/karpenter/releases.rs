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

    /// The releases that `text` means: one, `1.3..1.6` (both ends, and the newest patch of every minor
    /// between them), or `all`: the newest patch of every minor.
    ///
    /// # Errors
    /// As [`Self::resolve`], and a range whose ends are the wrong way round.
    pub fn resolve_many(&self, text: &str) -> Result<Vec<Release>, Error> {
        let known = |version| Release { version, note: None };
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(self.newest_of_minors().map(known).collect());
        }
        let Some((from, to)) = text.split_once("..") else {
            return Ok(vec![self.resolve(text)?]);
        };
        let (from, to) = (self.resolve(from)?, self.resolve(to)?);
        if from.version > to.version {
            return Err(Error::usage(format!("`{text}` is the wrong way round"))
                .with_help(format!("write `{}..{}`", to.version, from.version)));
        }
        let minor = |version: Version| (version.major, version.minor);
        let (first, last) = (minor(from.version), minor(to.version));
        let between: Vec<Release> = self
            .newest_of_minors()
            .filter(|version| minor(*version) > first && minor(*version) < last)
            .map(known)
            .collect();
        let one = from.version == to.version;
        let mut all = vec![from];
        all.extend(between);
        all.extend((!one).then_some(to));
        Ok(all)
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
        if text.contains("..") || text.trim().eq_ignore_ascii_case("all") {
            return Err(Error::usage(format!("`{text}` is several versions; this takes one"))
                .with_help("`karplint check` and `karplint preflight` take a range"));
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
