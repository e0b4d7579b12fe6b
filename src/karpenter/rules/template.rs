//! Texts with `${name}` in them, and what the names stand for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::version::Versions;
use crate::embedded::Str;

/// A text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Template(pub Vec<Part>);

/// One piece of a [`Template`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub enum Part {
    /// Known text.
    Text(Str),
    /// Index into [`super::Rules::placeholders`].
    Hole(u8),
}

/// What a `${name}` stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Placeholder {
    /// `nodepool`.
    pub name: Str,
    /// In words.
    pub meaning: Str,
    /// The settings hold the value, if they have one.
    pub from_settings: bool,
    /// The value is a whole ARN of this resource type.
    pub arn: Option<Str>,
    /// Other values for some versions; the first that fits.
    pub by_version: Vec<(Versions, Source)>,
    /// The value.
    pub source: Source,
    /// What it looks like when nobody knows it.
    pub shape: Option<Shape>,
}

/// Where a value comes from, settings aside.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub enum Source {
    /// Nobody knows it.
    Unknown,
    /// This text.
    Text(Template),
    /// One of these.
    OneOf(Vec<Str>),
    /// By the partition; `*` is any other.
    ByPartition(Vec<(Str, Str)>),
    /// By the beginning of the region; `*` is any other.
    ByRegion(Vec<(Str, Str)>),
}

/// What an unknown value looks like.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Shape {
    /// Known text in front: `lt-`.
    pub prefix: Str,
    /// The characters that follow.
    pub class: Class,
    /// Fewest characters.
    pub min: u16,
    /// Most characters.
    pub max: u16,
}

/// Classes of characters: those of a symbol's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Class {
    /// Any character.
    Any,
    /// Kubernetes names, regions.
    Name,
    /// Clusters, queues.
    Word,
    /// Digits.
    Digits,
    /// Resource ids after their prefix.
    Hex,
    /// Paths.
    Path,
}

impl Class {
    /// The class by its name in the rule files.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "any" => Self::Any,
            "name" => Self::Name,
            "word" => Self::Word,
            "digits" => Self::Digits,
            "hex" => Self::Hex,
            "path" => Self::Path,
            _ => return None,
        })
    }
}

impl Template {
    /// Reads a text with `${name}`; the error is the name that `place` does not know, or the text
    /// after an unclosed `${`.
    pub fn parse(text: &str, place: impl Fn(&str) -> Option<u8>) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| after.to_owned())?;
            if !before.is_empty() {
                parts.push(Part::Text(before.into()));
            }
            parts.push(Part::Hole(place(name).ok_or_else(|| name.to_owned())?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self(parts))
    }

    /// The text with `${name}`.
    #[must_use]
    pub fn display(&self, placeholders: &[Placeholder]) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Hole(place) => {
                    let name =
                        placeholders.get(usize::from(*place)).map_or("?", |known| &known.name);
                    out.push_str("${");
                    out.push_str(name);
                    out.push('}');
                }
            }
        }
        out
    }

    /// The placeholder that is the whole text.
    #[must_use]
    pub fn alone(&self) -> Option<u8> {
        match self.0.as_slice() {
            [Part::Hole(place)] => Some(*place),
            _ => None,
        }
    }

    /// Adds the placeholders of the text to `found`.
    pub fn holes(&self, found: &mut BTreeSet<u8>) {
        found.extend(self.0.iter().filter_map(|part| match part {
            Part::Hole(place) => Some(*place),
            Part::Text(_) => None,
        }));
    }
}
