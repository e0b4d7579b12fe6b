//! The classes into which patterns divide all texts: two texts are in one class if the same patterns
//! match both. There are finitely many, and all are found by following every pattern at once, one
//! character after another.

use std::collections::HashSet;

use super::matching::Tok;

/// A pattern without variables and symbols.
#[derive(Debug, Clone)]
pub(crate) struct Automaton {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    set: Set,
    repeated: bool,
}

#[derive(Debug, Clone, Copy)]
enum Set {
    This(char),
    /// This letter in either case.
    Folded(char),
    Any,
    NoColon,
}

/// A character as a pattern has it.
pub(crate) fn literal(c: char) -> Tok {
    Tok::Char(c)
}

/// More work than this is not done.
const STATES: usize = 4096;
const WORK: usize = 1_000_000;

impl Automaton {
    /// A pattern of characters and wildcards; `None` if case is ignored beyond ASCII.
    pub(crate) fn new(tokens: &[Tok], fold: bool) -> Option<Self> {
        let step = |tok: &Tok| {
            let (set, repeated) = match tok {
                Tok::Char(c) if fold && !c.is_ascii() => return None,
                Tok::Char(c) if fold => (Set::Folded(c.to_ascii_lowercase()), false),
                Tok::Char(c) => (Set::This(*c), false),
                Tok::One => (Set::Any, false),
                Tok::Star => (Set::Any, true),
                Tok::Symbol(_) | Tok::Wild(_) | Tok::Free | Tok::Var(_) => return None,
            };
            Some(Step { set, repeated })
        };
        Some(Self { steps: tokens.iter().map(step).collect::<Option<_>>()? })
    }

    /// A pattern of an ARN: wildcards stay in front of or behind the first five colons.
    pub(crate) fn arn(tokens: &[Tok]) -> Option<Self> {
        let mut out = Self::new(tokens, false)?;
        let mut colons = 0;
        for step in &mut out.steps {
            match step.set {
                Set::This(':') => colons += 1,
                Set::Any if colons < 5 => step.set = Set::NoColon,
                _ => {}
            }
        }
        Some(out)
    }

    /// Adds `place` and what can be reached from it without a character.
    fn reach(&self, own: u32, place: u32, into: &mut Vec<(u32, u32)>) {
        let mut place = place;
        loop {
            into.push((own, place));
            match self.steps.get(place as usize) {
                Some(step) if step.repeated => place += 1,
                _ => return,
            }
        }
    }
}

impl Set {
    fn contains(self, c: char) -> bool {
        match self {
            Self::This(own) => own == c,
            Self::Folded(own) => own == c.to_ascii_lowercase() || (own == 'k' && c == KELVIN),
            Self::Any => true,
            Self::NoColon => c != ':',
        }
    }
}

/// The one character beyond ASCII whose lower case is in it.
const KELVIN: char = '\u{212a}';

/// The places reached in each automaton, from which state, and by which character.
type State = (Vec<(u32, u32)>, usize, char);

/// One text of each class, the shortest; `None` if there is too much to follow.
pub(crate) fn representatives(automata: &[Automaton]) -> Option<Vec<String>> {
    let alphabet = alphabet(automata)?;
    let mut start = Vec::new();
    for (own, automaton) in (0..).zip(automata) {
        automaton.reach(own, 0, &mut start);
    }
    let mut states: Vec<State> = vec![(start.clone(), 0, ' ')];
    let mut known = HashSet::from([start]);
    let mut classes = HashSet::new();
    let mut out = Vec::new();
    let mut work = 0;
    let mut at = 0;
    while let Some((state, ..)) = states.get(at) {
        let state = state.clone();
        let accepts = |(own, place): &(u32, u32)| {
            let automaton = automata.get(*own as usize)?;
            (automaton.steps.len() == *place as usize).then_some(*own)
        };
        let class: Vec<u32> = state.iter().filter_map(accepts).collect();
        if classes.insert(class) {
            out.push(spell(&states, at));
        }
        for c in &alphabet {
            work += state.len() + 1;
            let mut next = Vec::with_capacity(state.len());
            for (own, place) in &state {
                let Some(automaton) = automata.get(*own as usize) else { continue };
                match automaton.steps.get(*place as usize) {
                    Some(step) if step.set.contains(*c) => {
                        let place = if step.repeated { *place } else { place + 1 };
                        automaton.reach(*own, place, &mut next);
                    }
                    _ => {}
                }
            }
            next.sort_unstable();
            next.dedup();
            if known.insert(next.clone()) {
                states.push((next, at, *c));
            }
        }
        if states.len() > STATES || work > WORK {
            return None;
        }
        at += 1;
    }
    Some(out)
}

/// The characters that some pattern tells from others, and one that none does.
fn alphabet(automata: &[Automaton]) -> Option<Vec<char>> {
    let mut out = Vec::new();
    for step in automata.iter().flat_map(|automaton| &automaton.steps) {
        match step.set {
            Set::This(c) => out.push(c),
            Set::Folded(c) => out.extend([c, c.to_ascii_uppercase()]),
            Set::Any => {}
            Set::NoColon => out.push(':'),
        }
        if matches!(step.set, Set::Folded('k')) {
            out.push(KELVIN);
        }
    }
    out.sort_unstable();
    out.dedup();
    let plain = ('a'..='z').chain('0'..='9').chain('A'..='Z').chain(['\u{a1}', '\u{e000}']);
    let other =
        plain.into_iter().rev().find(|c| out.iter().all(|known| !known.eq_ignore_ascii_case(c)))?;
    out.push(other);
    Some(out)
}

fn spell(states: &[State], mut at: usize) -> String {
    let mut out = Vec::new();
    while at != 0 {
        let Some((_, from, c)) = states.get(at) else { break };
        out.push(*c);
        at = *from;
    }
    out.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::pattern::{Filled, Pattern, Syntax};
    use crate::policy::request::Context;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn automaton(pattern: &str, fold: bool) -> (Pattern, Automaton) {
        let pattern = Pattern::new(&pattern.into(), Syntax { fold, ..Syntax::WILDCARDS });
        let (Filled::Tokens(tokens), fold) = pattern.filled(&Context::default()) else {
            panic!("no symbols");
        };
        let automaton = Automaton::new(&tokens, fold).unwrap();
        (pattern, automaton)
    }

    fn classes(patterns: &[(&str, bool)], texts: &[String]) -> BTreeSet<Vec<bool>> {
        let patterns: Vec<_> = patterns.iter().map(|(p, fold)| automaton(p, *fold).0).collect();
        let class = |text: &String| {
            let each = patterns.iter().map(|pattern| {
                pattern.matches_str(text, &Context::default()) == crate::policy::tri::Tri::True
            });
            each.collect()
        };
        texts.iter().map(class).collect()
    }

    fn found(patterns: &[(&str, bool)]) -> Vec<String> {
        let automata: Vec<_> = patterns.iter().map(|(p, fold)| automaton(p, *fold).1).collect();
        representatives(&automata).unwrap()
    }

    #[test]
    fn each_literal_is_a_class_and_the_rest_is_one() {
        let texts = found(&[("a", false), ("bc", false)]);
        assert_eq!(texts.len(), 3);
        assert!(texts.contains(&"a".to_owned()) && texts.contains(&"bc".to_owned()));
    }

    #[test]
    fn overlapping_patterns_have_a_text_in_common() {
        let patterns = [("m5.*", false), ("*.large", false), ("m5.large", false)];
        let texts = found(&patterns);
        assert_eq!(classes(&patterns, &texts).len(), 5, "{texts:?}");
    }

    proptest! {
        #[test]
        fn every_text_is_in_a_class_that_was_found(
            patterns in prop::collection::vec(("[ab*?]{0,4}", any::<bool>()), 1..4),
            texts in prop::collection::vec("[abAc]{0,6}", 20),
        ) {
            let patterns: Vec<_> = patterns.iter().map(|(p, fold)| (p.as_str(), *fold)).collect();
            let representatives = found(&patterns);
            let known = classes(&patterns, &representatives);
            prop_assert_eq!(known.len(), representatives.len(), "each class once");
            for class in classes(&patterns, &texts) {
                prop_assert!(known.contains(&class));
            }
        }
    }
}
