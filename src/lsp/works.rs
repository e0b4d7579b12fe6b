//! What a Karpenter version asks for and sends, by action and by condition key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::karpenter::{Rules, Version, needs};
use crate::settings::infer::Resolved;

/// What a project is asked for.
pub(super) struct Works {
    pub(super) rules: &'static Rules,
    pub(super) version: Version,
    /// The calls behind each action that is asked under the settings.
    pub(super) actions: BTreeMap<String, BTreeSet<String>>,
    /// What is sent for a key, by how AWS spells it; values, and the actions that have them.
    pub(super) sent: BTreeMap<String, BTreeMap<Vec<String>, BTreeSet<String>>>,
}

impl Works {
    pub(super) fn new(rules: &'static Rules, resolved: Resolved) -> Self {
        let version = resolved.settings.karpenter;
        let (settings, mut symbols) = (resolved.settings, resolved.symbols);
        let needs = needs(rules, &settings, Arc::make_mut(&mut symbols));
        let mut actions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut sent: BTreeMap<String, BTreeMap<Vec<String>, BTreeSet<String>>> = BTreeMap::new();
        for need in &needs {
            let call = need.rule.call.split_once(':').map_or(&*need.rule.call, |(_, call)| call);
            for entry in &need.entries {
                let action = entry.request.action.to_string();
                for (key, values) in entry.sent(rules, &settings, &symbols) {
                    sent.entry(key).or_default().entry(values).or_default().insert(action.clone());
                }
                actions.entry(action).or_default().insert(call.to_owned());
            }
        }
        Self { rules, version, actions, sent }
    }

    /// The key as it is sent, whatever its case.
    pub(super) fn sent(&self, key: &str) -> Option<&BTreeMap<Vec<String>, BTreeSet<String>>> {
        self.sent.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, sent)| sent)
    }
}
