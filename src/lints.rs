//! What each rule is about: one file a rule under `rules/lints`, read by reports and by explanations.

use std::sync::OnceLock;

use serde::Deserialize;

/// One rule, as its file says.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lint {
    /// Stable id; the name of the file.
    pub id: String,
    /// What is wrong, as a heading.
    pub title: String,
    /// The severity at its worst.
    pub severity: String,
    /// Why it matters.
    pub why: String,
    /// A line that shows it.
    pub example: String,
    /// What to do.
    pub remedy: String,
    /// Where AWS or Karpenter says so.
    pub reference: String,
}

/// Ids and texts of the files; the build of this table fails when a file is missing.
macro_rules! files {
    ($($id:literal),* $(,)?) => {
        &[$(($id, include_str!(concat!(env!("OUT_DIR"), "/lints/", $id, ".json")))),*]
    };
}

const FILES: &[(&str, &str)] = files![
    "action-resource-mismatch",
    "cluster-name-mismatch",
    "condition-mismatch",
    "dry-run-blind",
    "dry-run-denied",
    "duplicate-key",
    "duplicate-sid",
    "empty-element",
    "explicit-deny",
    "invalid-arn",
    "invalid-principal",
    "invalid-version",
    "missing-permission",
    "operator-type-mismatch",
    "over-permissive",
    "partition-mismatch",
    "pass-role-service",
    "policy-size",
    "resource-level-unsupported",
    "resource-mismatch",
    "syntax",
    "trust-policy",
    "unknown-action",
    "unknown-condition-key",
    "unknown-operator",
    "unknown-service",
    "unreachable-statement",
    "unsettled",
    "unused-permission",
    "unused-suppression",
    "wildcard-in-equals",
];

/// All ids, sorted.
pub fn ids() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(id, _)| *id)
}

/// Whether there is a rule called `id`.
#[must_use]
pub fn is_known(id: &str) -> bool {
    FILES.binary_search_by_key(&id, |(known, _)| known).is_ok()
}

/// The rule called `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static Lint> {
    let place = FILES.binary_search_by_key(&id, |(known, _)| known).ok()?;
    static PARSED: [OnceLock<Option<Lint>>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
    let text = FILES.get(place)?.1;
    PARSED.get(place)?.get_or_init(|| serde_json::from_str(text).ok()).as_ref()
}

/// Where the rule comes from; empty for an id that nobody knows.
#[must_use]
pub fn reference(id: &str) -> &'static str {
    find(id).map_or("", |lint| &lint.reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_file_is_registered_sorted_and_says_its_own_id() {
        let on_disk =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/lints")).unwrap();
        let mut names: Vec<String> = on_disk
            .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".toml", ""))
            .collect();
        names.sort_unstable();
        assert_eq!(ids().collect::<Vec<_>>(), names);
        for id in ids() {
            let lint = find(id).unwrap_or_else(|| panic!("{id} does not parse"));
            assert_eq!(lint.id, id);
            assert!(["error", "warning", "note"].contains(&lint.severity.as_str()), "{id}");
            assert!(lint.reference.starts_with("https://"), "{id}");
        }
    }
}
