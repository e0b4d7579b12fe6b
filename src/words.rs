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

/// Whether `written` is `known` with a slip of the pen.
#[cfg(feature = "cli")]
#[must_use]
pub(crate) fn is_near(written: &str, known: &str) -> bool {
    written != known && nearest_word(written, std::iter::once(known)).is_some()
}

/// The first hundred characters of a text that somebody else wrote.
#[cfg(feature = "cli")]
#[must_use]
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(100) {
        Some((at, _)) => format!("{}\u{2026}", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
