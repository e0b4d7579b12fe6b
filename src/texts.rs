//! The text in which all strings of the embedded data stand. The build script makes it and has a module of the same
//! name, which keeps texts where this one finds them.

use crate::embedded::Kept;

static ALL: &str = include_str!(concat!(env!("OUT_DIR"), "/texts.txt"));

/// The text at a place.
#[must_use]
pub(crate) fn at(place: Kept) -> Option<&'static str> {
    let start = place.start as usize;
    ALL.get(start..start + place.len as usize)
}

/// The place of a text that is to be kept: the program keeps none.
#[cfg(feature = "cli")]
#[must_use]
pub(crate) fn keep(_: &str) -> Option<Kept> {
    None
}
