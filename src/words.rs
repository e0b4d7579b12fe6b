//! Words that were probably meant.

/// The known word that is nearest to `written`, if one is near enough to be meant.
#[must_use]
#[cfg_attr(not(feature = "cli"), expect(unreachable_pub, reason = "`config` passes it on"))]
pub fn nearest_word<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (written.chars().count() / 3).clamp(1, 3);
    known
        .map(|word| (strsim::osa_distance(&written.to_lowercase(), &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, word)| word)
}
