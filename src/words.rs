//! Words that were probably meant.

/// The known word that is nearest to `written`, if one is near enough to be meant.
#[must_use]
pub(crate) fn nearest_word<'a>(
    written: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // No known word is that long.
    if written.len() > 100 {
        return None;
    }
    let limit = (written.chars().count() / 3).clamp(1, 3);
    let lower = written.to_lowercase();
    known
        // A word of another length cannot be near, and there are thousands.
        .filter(|word| word.len().abs_diff(written.len()) <= limit)
        .map(|word| (strsim::osa_distance(&lower, &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, word)| word)
}
