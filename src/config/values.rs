//! What serde cannot check: words from a fixed list, versions, patterns, names. The file is read once
//! more as a tree that knows where everything stands, so that each mistake is told with its place.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::settings::valid::{self, Wrong};
use crate::settings::{CapacityType, Feature};
use crate::source::SourceId;
use crate::words::nearest_word;

use super::{span, version_satisfied};

/// A value of the file.
type Value<'t> = &'t Spanned<DeValue<'t>>;

/// A file whose keys and types serde has taken.
struct File<'f> {
    name: &'f str,
    source: SourceId,
}

/// Checks the values of a file that has the right shape.
pub(super) fn check(name: &str, source: SourceId, text: &str) -> Result<(), Error> {
    let Ok(tree) = DeTable::parse(text) else { return Ok(()) };
    let file = File { name, source };
    let root = tree.get_ref();
    file.top(root)?;
    if let Some(settings) = root.get("settings").and_then(|value| value.get_ref().as_table()) {
        file.settings(settings)?;
    }
    file.controllers(root)?;
    for table in tables(root, "ignore") {
        if let Some(rule) = table.get("rule") {
            let known: Vec<&str> = crate::lints::ids().collect();
            file.word(rule, "rule", &known)?;
        }
    }
    Ok(())
}

impl File<'_> {
    fn wrong(&self, value: Value<'_>, message: String) -> Error {
        let range = value.span();
        Error::file(self.name, Some(span(self.source, range.start, range.end)), message)
    }

    /// A value that has a form.
    fn valid(
        &self,
        value: Value<'_>,
        check: impl Fn(&str) -> Result<(), Wrong>,
    ) -> Result<(), Error> {
        let Some(text) = value.get_ref().as_str() else { return Ok(()) };
        check(text).map_err(|wrong| Error {
            help: wrong.help.map(str::to_owned),
            ..self.wrong(value, wrong.message)
        })
    }

    /// A word of a fixed list.
    fn word(&self, value: Value<'_>, what: &str, known: &[&str]) -> Result<(), Error> {
        let Some(word) = value.get_ref().as_str() else { return Ok(()) };
        if known.contains(&word) {
            return Ok(());
        }
        let error = self.wrong(value, format!("`{word}` is not a {what}"));
        Err(match nearest_word(word, known.iter().copied()) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None if known.len() > 12 => error,
            None => error.with_help(format!("known: {}", known.join(", "))),
        })
    }

    fn top(&self, root: &DeTable<'_>) -> Result<(), Error> {
        if let Some(value) = root.get("required-version")
            && let Some(required) = value.get_ref().as_str()
        {
            match version_satisfied(required) {
                Some(true) => {}
                Some(false) => {
                    let ours = env!("CARGO_PKG_VERSION");
                    let message = format!(
                        "this is karplint {ours}, but `required-version` asks for `{required}`"
                    );
                    return Err(self.wrong(value, message));
                }
                None => {
                    let error = self.wrong(value, format!("`{required}` asks for no version"));
                    return Err(error.with_help("write `>=0.1`, `0.1` or `=0.1.0`"));
                }
            }
        }
        if let Some(value) = root.get("fail-on") {
            self.word(value, "level", &["error", "warning", "note", "never"])?;
        }
        for value in items(root, "exclude") {
            let Some(pattern) = value.get_ref().as_str() else { continue };
            if let Err(error) = glob::Pattern::new(pattern) {
                let message = format!("`{pattern}` is not a pattern: {}", error.msg);
                return Err(self.wrong(value, message));
            }
        }
        Ok(())
    }

    fn settings(&self, table: &DeTable<'_>) -> Result<(), Error> {
        let one = |key: &str, check: fn(&str) -> Result<(), Wrong>| {
            table.get(key).map_or(Ok(()), |value| self.valid(value, check))
        };
        one("account", valid::account)?;
        one("cluster-name", valid::cluster)?;
        one("region", valid::region)?;
        one("partition", valid::partition)?;
        one("interruption-queue", valid::queue)?;
        for value in items(table, "node-roles") {
            self.valid(value, valid::role)?;
        }
        for value in items(table, "node-pools") {
            self.valid(value, |name| valid::object(name, "a NodePool"))?;
        }
        for value in items(table, "node-classes") {
            self.valid(value, |name| valid::object(name, "an EC2NodeClass"))?;
        }
        let kinds = CapacityType::ALL.map(CapacityType::name);
        for value in items(table, "capacity-types") {
            self.word(value, "capacity type", &kinds)?;
        }
        let features = Feature::ALL.map(Feature::name);
        for value in items(table, "features") {
            self.word(value, "feature", &features)?;
        }
        Ok(())
    }

    fn controllers(&self, root: &DeTable<'_>) -> Result<(), Error> {
        let Some(list) = root.get("controller").and_then(|value| value.get_ref().as_array()) else {
            return Ok(());
        };
        let mut seen = BTreeSet::new();
        for item in list.iter() {
            let Some(table) = item.get_ref().as_table() else { continue };
            let name = table.get("name").filter(|name| name.get_ref().as_str() != Some(""));
            let Some(name) = name else {
                let message = "this [[controller]] has no `name`".to_owned();
                return Err(self.wrong(item, message));
            };
            let text = name.get_ref().as_str().unwrap_or_default();
            if !seen.insert(text) {
                let message = format!("another [[controller]] is called `{text}` too");
                return Err(self.wrong(name, message));
            }
            if let Some(value) = table.get("service-account")
                && let Some(account) = value.get_ref().as_str()
                && !account.split_once('/').is_some_and(|(namespace, name)| {
                    !namespace.is_empty() && !name.is_empty() && !name.contains('/')
                })
            {
                let error = self.wrong(value, format!("`{account}` is not a service account"));
                return Err(error.with_help("write NAMESPACE/NAME: `kube-system/karpenter`"));
            }
        }
        Ok(())
    }
}

fn items<'t>(table: &'t DeTable<'t>, key: &str) -> impl Iterator<Item = Value<'t>> {
    table.get(key).and_then(|value| value.get_ref().as_array()).into_iter().flat_map(|a| a.iter())
}

fn tables<'t>(table: &'t DeTable<'t>, key: &str) -> impl Iterator<Item = &'t DeTable<'t>> {
    items(table, key).filter_map(|item| item.get_ref().as_table())
}
