//! Questions that were answered with "nothing is wrong". In a tree of policies most resources, and most
//! lists of actions and resources, stand in many of them, and need be looked at once.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::policy::Element;
use crate::syntax::{Part, Text};

/// More questions than these are not remembered.
const MOST: usize = 20_000;
/// Nor one that is longer, in bytes.
const LONGEST: usize = 8_192;

type Question = Box<[u8]>;

/// The questions of a run. They hold all that the answer hangs on, and no places. Who works takes a set
/// and brings it back, so that there are as many sets as threads and none waits for another.
#[derive(Debug, Default)]
pub struct Right(Mutex<Vec<HashSet<Question>>>);

impl Right {
    fn sets(&self) -> MutexGuard<'_, Vec<HashSet<Question>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The questions that one document asks.
    pub(super) fn asking(&self) -> Asking {
        Asking { known: self.sets().pop().unwrap_or_default(), new: RefCell::default() }
    }

    /// Takes a set back, and remembers what is new in it if the answer was that nothing is wrong.
    pub(super) fn take_back(&self, asking: Asking, nothing_wrong: bool) {
        let Asking { mut known, new } = asking;
        let new = new.into_inner().questions;
        if nothing_wrong && known.len() + new.len() <= MOST {
            known.extend(new);
        }
        self.sets().push(known);
    }
}

/// The questions of one document.
#[derive(Debug)]
pub(super) struct Asking {
    known: HashSet<Question>,
    new: RefCell<New>,
}

#[derive(Debug, Default)]
struct New {
    /// The question at hand.
    text: Vec<u8>,
    questions: Vec<Question>,
}

/// What a question is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum About<'t> {
    Text(&'t Text),
    Element(&'t Element),
}

impl Asking {
    /// Whether the answer is known: nothing is wrong. `check` tells checks apart.
    pub(super) fn is_right(&self, check: u8, about: &[About<'_>]) -> bool {
        let mut new = self.new.borrow_mut();
        let New { text, questions } = &mut *new;
        text.clear();
        text.push(check);
        for about in about {
            match about {
                About::Text(one) => write(one, text),
                About::Element(element) => {
                    text.push(if element.negated { NEGATED } else { START });
                    element.values.iter().for_each(|value| write(value, text));
                }
            }
        }
        if self.known.contains(text.as_slice()) {
            return true;
        }
        if text.len() <= LONGEST {
            questions.push(text.as_slice().into());
        }
        false
    }
}

// Bytes that no UTF-8 text holds.
const START: u8 = 0xff;
const NEGATED: u8 = 0xfe;
const END: u8 = 0xfd;
const LITERAL: u8 = 0xfc;
const HOLE: u8 = 0xfb;

fn write(text: &Text, out: &mut Vec<u8>) {
    for part in &text.parts {
        let (kind, part) = match part {
            Part::Literal(_, part) => (LITERAL, part),
            Part::Hole(_, part) => (HOLE, part),
        };
        out.push(kind);
        out.extend_from_slice(part.as_bytes());
    }
    out.push(END);
}
