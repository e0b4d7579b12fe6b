//! Texts with `${name}` in them, and what the names stand for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::text::Str;
use super::version::Versions;

/// A text with placeholders. Each of these is one character of the private use area, so that the
/// text needs no other form in the binary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Template(Str);

/// One piece of a [`Template`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'t> {
    /// Known text.
    Text(&'t str),
    /// Index into [`super::Rules::placeholders`].
    Hole(u8),
}

/// The character of the first placeholder.
const FIRST: u32 = 0xE000;

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
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| after.to_owned())?;
            let place = place(name).and_then(|place| char::from_u32(FIRST + u32::from(place)));
            out.push_str(before);
            out.push(place.ok_or_else(|| name.to_owned())?);
            rest = after;
        }
        out.push_str(rest);
        Ok(Self(out.into()))
    }

    /// The pieces, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            if let Some(place) = hole(first) {
                rest = rest.get(first.len_utf8()..)?;
                return Some(Part::Hole(place));
            }
            // Most texts are ASCII, which no hole begins like.
            let end = rest.bytes().position(|byte| !byte.is_ascii());
            let end = end.and_then(|from| {
                let holes = rest.get(from..)?.char_indices();
                let mut holes = holes.filter(|(_, c)| hole(*c).is_some());
                holes.next().map(|(at, _)| from + at)
            });
            let (text, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            rest = after;
            Some(Part::Text(text))
        })
    }

    /// The text, if it holds no placeholder.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        self.0.is_ascii().then_some(&*self.0)
    }

    /// The text with `${name}`.
    #[must_use]
    pub fn display(&self, placeholders: &[Placeholder]) -> String {
        let mut out = String::new();
        for part in self.parts() {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Hole(place) => {
                    let name =
                        placeholders.get(usize::from(place)).map_or("?", |known| &known.name);
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
        let mut chars = self.0.chars();
        let first = chars.next().and_then(hole);
        first.filter(|_| chars.next().is_none())
    }

    /// Adds the placeholders of the text to `found`.
    pub fn holes(&self, found: &mut BTreeSet<u8>) {
        found.extend(self.0.chars().filter_map(hole));
    }
}

/// The placeholder that a character stands for.
fn hole(c: char) -> Option<u8> {
    u32::from(c).checked_sub(FIRST).and_then(|place| u8::try_from(place).ok())
}
