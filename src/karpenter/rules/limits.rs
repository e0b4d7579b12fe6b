//! What limits a grant to what Karpenter asks, as `limits.toml` says.

use serde::{Deserialize, Serialize};

use super::files::{RuleError, Table, Value};
use super::text::Str;

/// The conditions of the least policy.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Limits {
    /// Tags that a request sends.
    pub request_tags: TagLimits,
    /// Tags that a resource has.
    pub resource_tags: TagLimits,
    /// Where the keys of tags are limited.
    pub tag_keys: TagKeys,
    /// Keys that say what a grant is for.
    pub purposes: Vec<Purpose>,
    /// Which calls stay in the region.
    pub region: Region,
}

/// Tags that limit a grant, with `${cluster}` for the cluster's name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct TagLimits {
    /// They have to have the value that Karpenter sends.
    pub equal: Vec<Str>,
    /// The first of them that is sent has to be there.
    pub present: Vec<Str>,
    /// Who asks for one of these needs none of the others.
    pub alone: Vec<Str>,
}

/// Where the keys of tags are limited.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct TagKeys {
    /// The actions that write tags.
    pub actions: Vec<Str>,
    /// The key of requests that create what they tag.
    pub unless: Str,
}

/// A key that says what a grant is for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Purpose {
    /// The key.
    pub key: Str,
    /// The operator that compares it.
    pub operator: Str,
    /// The resource says the same.
    pub implied: bool,
}

/// Which calls stay in the region.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Region {
    /// Patterns of actions, with `*` at most at the end.
    pub actions: Vec<Str>,
    /// The key that holds the region.
    pub key: Str,
}

impl Region {
    /// Whether calls of the action stay in the region.
    #[must_use]
    pub fn holds(&self, action: &str) -> bool {
        self.actions.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(front) => action.starts_with(front),
            None => *pattern == *action,
        })
    }
}

impl Limits {
    /// Reads `limits.toml`.
    pub(super) fn load(file: &Table<'_>) -> Result<Self, RuleError> {
        file.only(&["request_tags", "resource_tags", "tag_keys", "purpose", "region"])?;
        let keys = file.need("tag_keys")?.fields(&["actions", "unless"])?;
        let region = file.need("region")?.fields(&["actions", "key"])?;
        let purposes = file.need("purpose")?.list()?;
        Ok(Self {
            request_tags: tags(file.need("request_tags")?)?,
            resource_tags: tags(file.need("resource_tags")?)?,
            tag_keys: TagKeys { actions: texts(&keys, "actions")?, unless: text(&keys, "unless")? },
            purposes: purposes.iter().map(purpose).collect::<Result<_, _>>()?,
            region: Region { actions: texts(&region, "actions")?, key: text(&region, "key")? },
        })
    }
}

fn text(table: &Table<'_>, name: &str) -> Result<Str, RuleError> {
    Ok(table.need(name)?.text()?.into())
}

fn texts(table: &Table<'_>, name: &str) -> Result<Vec<Str>, RuleError> {
    Ok(table.need(name)?.texts()?.into_iter().map(Str::from).collect())
}

fn tags(value: &Value<'_>) -> Result<TagLimits, RuleError> {
    let table = value.fields(&["equal", "present", "alone"])?;
    let alone = table.texts("alone")?.into_iter().map(Str::from).collect();
    Ok(TagLimits { equal: texts(&table, "equal")?, present: texts(&table, "present")?, alone })
}

fn purpose(value: &Value<'_>) -> Result<Purpose, RuleError> {
    let table = value.fields(&["key", "operator", "implied"])?;
    let operator = table.need("operator")?;
    if !["StringEquals", "Bool"].contains(&operator.text()?) {
        return Err(operator.error("expected `StringEquals` or `Bool`"));
    }
    Ok(Purpose {
        key: text(&table, "key")?,
        operator: text(&table, "operator")?,
        implied: table.flag("implied")?,
    })
}
