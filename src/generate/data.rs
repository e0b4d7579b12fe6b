//! `rules/karpenter/generate.toml`: how statements are put together, and what things are called.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::karpenter::Version;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Data {
    pub(super) dense: Dense,
    pub(super) names: Names,
    pub(super) policy: Vec<PolicyName>,
    pub(super) order: Order,
    pub(super) sid: Vec<SidRow>,
    pub(super) queue: Queue,
}

/// Where statements are put together more closely.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dense {
    before: String,
    /// The name of a statement for several services.
    pub(super) sid: String,
}

/// Names of upstream's template.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub(super) whole: String,
    pub(super) controller: String,
    pub(super) node: String,
}

/// A policy of several.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyName {
    pub(super) name: String,
    actions: Vec<String>,
}

/// In which order policies stand.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    policies: Vec<String>,
}

/// The name of a statement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SidRow {
    pub(super) sid: String,
    pub(super) action: String,
    pub(super) tags: String,
}

/// Who writes to the queue.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    pub(super) service: String,
    pub(super) action: String,
    pub(super) source: String,
}

/// The file as it is embedded.
const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/karpenter/generate.json"));

/// The file.
pub(super) fn data() -> &'static Data {
    static READ: OnceLock<Data> = OnceLock::new();
    // A test reads the file, so a mistake in it does not come as far as this.
    READ.get_or_init(|| serde_json::from_str(TEXT).unwrap_or_default())
}

impl Data {
    /// Whether the statements for a version are put together more closely.
    pub(super) fn is_dense(&self, version: Version) -> bool {
        self.dense.before.parse().is_ok_and(|before: Version| version < before)
    }

    /// The policy that takes an action: its place in the order, and its name.
    pub(super) fn policy_of(&self, action: &str) -> (usize, &str) {
        let fits = |row: &&PolicyName| row.actions.iter().any(|pattern| covers(pattern, action));
        let name = self.policy.iter().find(fits).map_or("", |row| row.name.as_str());
        let place = self.order.policies.iter().position(|part| name.contains(part.as_str()));
        (place.unwrap_or(usize::MAX), name)
    }
}

/// Whether a pattern of the file, a name with `*` at most at its end, covers an action.
fn covers(pattern: &str, action: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(front) => action.starts_with(front),
        None => pattern == action,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_names_what_there_is() {
        let data: Data = serde_json::from_str(TEXT).unwrap();
        for row in &data.sid {
            assert!(["none", "request", "resource", "both"].contains(&row.tags.as_str()));
            assert!(crate::aws::authorization(&row.action).is_some(), "{}", row.action);
        }
        for row in &crate::karpenter::Rules::builtin().limits.purposes {
            assert!(crate::aws::key_exists(&row.key), "{}", row.key);
        }
        for row in &data.policy {
            assert!(data.order.policies.iter().any(|part| row.name.contains(part.as_str())));
        }
        assert_eq!(data.policy_of("iam:PassRole").1, "KarpenterControllerIAMIntegrationPolicy");
        assert_eq!(data.policy_of("kms:Decrypt").1, "KarpenterControllerNodeLifecyclePolicy");
    }
}
