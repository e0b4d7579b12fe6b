//! Texts of the data that is embedded in the binary. They all stand in one text ([`crate::texts`]), each once, and
//! the data says where: nobody has to look at them, or to copy them, when the program starts. Shared with the build
//! script.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::texts;

/// A string of the embedded data, by its place in the text of all.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Where it starts, in bytes.
    pub start: u32,
    /// Its length in bytes.
    pub len: u32,
}

impl Kept {
    /// The string.
    #[must_use]
    pub fn text(self) -> &'static str {
        texts::at(self).unwrap_or_default()
    }
}

impl Deref for Kept {
    type Target = str;

    fn deref(&self) -> &str {
        self.text()
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}
