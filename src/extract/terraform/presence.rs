//! On which conditions something is there: a decision diagram, so that what hangs on nothing, or on
//! less than it seems, is seen to.

use std::rc::Rc;

/// How some conditions turn out, each by its number.
pub(super) type Case = Vec<(usize, bool)>;

/// The cases in which something is there. One value has one form, so equal ones are the same cases.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Presence {
    Never,
    Always,
    /// By a condition: what holds if it does, and if it does not. The ones below have higher numbers.
    By(usize, Rc<(Presence, Presence)>),
}

impl Presence {
    /// There in this case.
    pub(super) fn of(case: &[(usize, bool)]) -> Self {
        let mut sorted = case.to_vec();
        sorted.sort_unstable();
        sorted.iter().rev().fold(Self::Always, |below, (condition, holds)| match holds {
            true => Self::by(*condition, below, Self::Never),
            false => Self::by(*condition, Self::Never, below),
        })
    }

    fn by(condition: usize, yes: Self, no: Self) -> Self {
        if yes == no { yes } else { Self::By(condition, Rc::new((yes, no))) }
    }

    /// There in the cases of either.
    pub(super) fn or(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Never, any) | (any, Self::Never) => any.clone(),
            _ => self.split(other, Self::or),
        }
    }

    /// There in the cases of both.
    pub(super) fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::Always, any) | (any, Self::Always) => any.clone(),
            _ => self.split(other, Self::and),
        }
    }

    /// The simplest that is the same wherever `care` is there (Coudert and Madre, *restrict*).
    pub(super) fn within(&self, care: &Self) -> Self {
        match (self, care) {
            (Self::Never | Self::Always, _) | (_, Self::Never | Self::Always) => self.clone(),
            (Self::By(own, below), Self::By(other, cares)) => {
                if own < other {
                    return Self::by(*own, below.0.within(care), below.1.within(care));
                }
                let (yes, no) = match own == other {
                    true => (&below.0, &below.1),
                    // This does not hang on it.
                    false => return self.within(&cares.0.or(&cares.1)),
                };
                match (&cares.0, &cares.1) {
                    (Self::Never, care) => no.within(care),
                    (care, Self::Never) => yes.within(care),
                    (some, others) => Self::by(*own, yes.within(some), no.within(others)),
                }
            }
        }
    }

    /// Cases that exclude each other and are all in which it is there.
    pub(super) fn cases(&self) -> Vec<Case> {
        let mut out = Vec::new();
        self.walk(&mut Vec::new(), &mut out);
        out
    }

    fn walk(&self, path: &mut Case, out: &mut Vec<Case>) {
        match self {
            Self::Never => {}
            Self::Always => out.push(path.clone()),
            Self::By(condition, below) => {
                for (holds, next) in [(true, &below.0), (false, &below.1)] {
                    path.push((*condition, holds));
                    next.walk(path, out);
                    path.pop();
                }
            }
        }
    }

    fn split(&self, other: &Self, act: impl Fn(&Self, &Self) -> Self) -> Self {
        let top = |of: &Self| match of {
            Self::By(condition, _) => *condition,
            Self::Never | Self::Always => usize::MAX,
        };
        let first = top(self).min(top(other));
        let side = |of: &Self, holds: bool| match of {
            Self::By(condition, below) if *condition == first => {
                if holds {
                    below.0.clone()
                } else {
                    below.1.clone()
                }
            }
            _ => of.clone(),
        };
        let half = |holds| act(&side(self, holds), &side(other, holds));
        Self::by(first, half(true), half(false))
    }
}

#[cfg(test)]
mod tests {
    use super::Presence;

    #[test]
    fn what_is_there_in_all_cases_hangs_on_nothing() {
        let of = Presence::of;
        let all =
            of(&[(0, true)]).or(&of(&[(1, true), (0, false)])).or(&of(&[(0, false), (1, false)]));
        assert_eq!(all, Presence::Always);
        let second = of(&[(0, true), (1, true)]).or(&of(&[(0, false), (1, true)]));
        assert_eq!(second.cases(), [[(1, true)]]);
        let either = of(&[(0, true)]).or(&of(&[(1, true)]));
        assert_eq!(either.cases(), [vec![(0, true)], vec![(0, false), (1, true)]]);
        assert_eq!(of(&[(0, true)]).and(&of(&[(0, false)])), Presence::Never);
        // Of a role that is there only then, what is there then always is.
        assert_eq!(of(&[(0, true), (1, true)]).within(&of(&[(0, true)])), of(&[(1, true)]));
        assert_eq!(of(&[(1, true)]).within(&of(&[(1, true), (2, true)])), Presence::Always);
        assert_eq!(
            of(&[(2, true)]).within(&of(&[(0, true)]).or(&of(&[(2, true)]))),
            of(&[(2, true)])
        );
    }
}
