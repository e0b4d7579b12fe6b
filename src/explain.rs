//! What people meet in metrics, logs and conditions, in words: files under `rules/explain`.

pub mod event;

use std::sync::OnceLock;

use serde::Deserialize;

/// A word of metrics and logs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// What people may type; the first is the heading.
    pub ids: Vec<String>,
    /// The answer in one sentence.
    pub title: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// Lines to paste.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Ids to read on.
    #[serde(default)]
    pub also: Vec<String>,
    /// Where it is documented.
    #[serde(default)]
    pub reference: Option<String>,
}

/// The reason of a Kubernetes condition.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The reason.
    pub id: String,
    /// Where it stands.
    pub condition: String,
    /// What it means.
    pub title: String,
    /// What to do.
    pub then: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Topics {
    topic: Vec<Topic>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reasons {
    reason: Vec<Reason>,
}

/// All topics.
#[must_use]
pub fn topics() -> &'static [Topic] {
    static TOPICS: OnceLock<Vec<Topic>> = OnceLock::new();
    const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/explain/topics.json"));
    // A test reads both files, so a mistake in them does not come as far as this.
    TOPICS.get_or_init(|| serde_json::from_str::<Topics>(TEXT).unwrap_or_default().topic)
}

/// All reasons.
#[must_use]
pub fn reasons() -> &'static [Reason] {
    static REASONS: OnceLock<Vec<Reason>> = OnceLock::new();
    const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/explain/reasons.json"));
    REASONS.get_or_init(|| serde_json::from_str::<Reasons>(TEXT).unwrap_or_default().reason)
}

/// The topic called `id`, in any case.
#[must_use]
pub fn topic(id: &str) -> Option<&'static Topic> {
    topics().iter().find(|topic| topic.ids.iter().any(|known| known.eq_ignore_ascii_case(id)))
}

/// The reason called `id`, in any case.
#[must_use]
pub fn reason(id: &str) -> Option<&'static Reason> {
    reasons().iter().find(|reason| reason.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read_and_every_cross_reference_leads_somewhere() {
        assert!(topics().len() > 4 && reasons().len() > 10);
        for id in topics().iter().flat_map(|topic| &topic.also) {
            let known = topic(id).is_some() || reason(id).is_some();
            assert!(known || crate::lints::find(id).is_some(), "{id}");
        }
    }
}
