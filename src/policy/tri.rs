//! Truth in three values (Kleene). It stands in this room because patterns already need it; `eval`
//! re-exports it.

use std::ops::Not;

/// True, false, or not to be known from the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tri {
    /// Certainly not.
    False,
    /// It hangs on something that nobody can know from the files.
    Unknown,
    /// Certainly.
    True,
}

impl Tri {
    /// Both must hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            // One condition that certainly fails settles it, whatever the other is.
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            // The other could still fail.
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }

    /// One suffices.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            // One that certainly holds settles it.
            (Self::True, _) | (_, Self::True) => Self::True,
            (Self::False, Self::False) => Self::False,
            // The other could still hold.
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
        }
    }

    /// What holds in both of two cases, of which nobody knows which is the case.
    #[must_use]
    pub fn either(self, other: Self) -> Self {
        if self == other { self } else { Self::Unknown }
    }

    /// Whether all hold; stops at the first that certainly fails.
    pub fn all(items: impl IntoIterator<Item = Self>) -> Self {
        let mut out = Self::True;
        for item in items {
            out = out.and(item);
            if out == Self::False {
                break;
            }
        }
        out
    }

    /// Whether one holds; stops at the first that certainly does.
    pub fn any(items: impl IntoIterator<Item = Self>) -> Self {
        let mut out = Self::False;
        for item in items {
            out = out.or(item);
            if out == Self::True {
                break;
            }
        }
        out
    }

    /// What holds in every case; of no case at all, nothing is known.
    pub fn agreed(items: impl IntoIterator<Item = Self>) -> Self {
        let mut items = items.into_iter();
        let Some(first) = items.next() else { return Self::Unknown };
        if items.all(|item| item == first) { first } else { Self::Unknown }
    }
}

impl Not for Tri {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            // Unknown stays unknown: its opposite is no better known.
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Tri {
    fn from(known: bool) -> Self {
        if known { Self::True } else { Self::False }
    }
}
