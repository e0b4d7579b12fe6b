//! The classes of values of one key.

use crate::eval::compile::Prepared;
use crate::eval::operators::{Line, Named, Test, Typed};
use crate::eval::operators::{addresses, dates, numbers};
use crate::policy::classes::{Automaton, representatives};
use crate::policy::condition::{Kind, Operator};
use crate::policy::pattern::Filled;
use crate::policy::request::{Context, Key, Seen, Status, Values};
use crate::policy::symbolic::Symbolic;
use crate::policy::tri::Tri;

/// A text that no typed operator can read.
const JUNK: &str = "other";

/// All that `key` may be, as far as the statements can tell; `None` if that has no end or is more than
/// `limit`.
pub(super) fn choices(
    key: &Key,
    statements: &[&Prepared],
    context: &Context,
    limit: usize,
) -> Option<Vec<Status>> {
    let mut lines: Vec<(&Line, Operator)> = Vec::new();
    for statement in statements {
        // The value of the key goes into a pattern: there is no telling which values differ.
        let patterns = statement.resource.iter().flat_map(|resource| &resource.patterns);
        let of_resource = patterns.flat_map(|pattern| pattern.variables());
        let tests = statement.lines.iter().flat_map(|line| &line.tests);
        let mut variables = of_resource.chain(tests.flat_map(Test::variables));
        if variables.any(|variable| variable.key == *key) {
            return None;
        }
        for line in statement.lines.iter().filter(|line| line.key == *key) {
            match line.operator {
                Named::Operator(operator) => lines.push((line, operator)),
                Named::Nothing => {}
                Named::Open => return None,
            }
        }
    }
    let texts = match context.seen(key) {
        Seen::Known(Values::OneOf(values)) if !values.is_empty() => {
            let known = values.iter().all(|value| value.as_literal().is_some());
            let one = |value: &Symbolic| Status::Known(Values::One(value.clone()));
            return known.then(|| values.iter().map(one).collect());
        }
        Seen::Absent | Seen::Known(Values::One(_) | Values::Many(_)) => return None,
        Seen::Present | Seen::Unknown | Seen::Known(Values::OneOf(_)) => classes(&lines, context)?,
    };
    let one = |text: &String| Status::Known(Values::One(Symbolic::literal(text)));
    let mut out = Vec::new();
    // What is known to be there is not null, and empty texts are (*Single-valued vs. multivalued
    // context keys*).
    let may_be_null = context.seen(key) != Seen::Present;
    if context.seen(key) == Seen::Unknown {
        out.push(Status::Absent);
    }
    let single = matches!(context.seen(key), Seen::Known(_));
    let multivalued = !single && lines.iter().any(|(line, _)| line.multivalued());
    let sets = lines.iter().any(|(_, operator)| operator.set.is_some());
    // To a set operator, one value is a list of one.
    let plain = |operator: &Operator| operator.set.is_none() && operator.kind != Kind::Null;
    if !multivalued || lines.iter().any(|(_, operator)| plain(operator)) {
        out.extend(texts.iter().filter(|text| may_be_null || !text.is_empty()).map(one));
    }
    if multivalued || (!single && sets) {
        // Only set operators look at what is in a list; to others, all that are not null are alike.
        let members = texts.iter().filter(|text| sets || !text.is_empty());
        let texts: Vec<&String> = members.take(if sets { texts.len() } else { 1 }).collect();
        let subsets = 1_usize.checked_shl(u32::try_from(texts.len()).ok()?)?;
        if subsets > limit {
            return None;
        }
        for subset in 0..subsets {
            let member = |(place, _): &(usize, &&String)| subset >> place & 1 == 1;
            let texts = texts.iter().enumerate().filter(member);
            let values: Vec<_> = texts.map(|(_, text)| Symbolic::literal(text)).collect();
            if !may_be_null && values.iter().all(|value| value.as_literal() == Some("")) {
                continue;
            }
            out.push(Status::Known(Values::Many(values)));
        }
    }
    (out.len() <= limit).then_some(out)
}

/// One text of each class that the lines tell apart.
fn classes(lines: &[(&Line, Operator)], context: &Context) -> Option<Vec<String>> {
    let compared = lines.iter().filter(|(_, operator)| operator.kind != Kind::Null);
    let tests: Vec<&Test> = compared.flat_map(|(line, _)| &line.tests).collect();
    // That a value is empty counts for every operator.
    let mut automata = vec![Automaton::new(&[], false)?];
    let (mut decimals, mut instants, mut ranges, mut bytes) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut texts = false;
    for test in &tests {
        match test {
            Test::Text(pattern) => {
                texts = true;
                match pattern.filled(context) {
                    (Filled::Tokens(tokens), fold) => automata.push(Automaton::new(&tokens, fold)?),
                    (Filled::Nothing, _) => {}
                    (Filled::Open, _) => return None,
                }
            }
            Test::Arn(pattern) => {
                texts = true;
                match pattern.filled(context) {
                    Filled::Tokens(tokens) => automata.push(Automaton::arn(&tokens)?),
                    Filled::Nothing => {}
                    Filled::Open => return None,
                }
            }
            Test::Bool(Typed::Value(value)) => {
                texts = true;
                let word: Vec<_> = if *value { "true" } else { "false" }
                    .chars()
                    .map(crate::policy::classes::literal)
                    .collect();
                automata.push(Automaton::new(&word, true)?);
            }
            Test::Number(_, Typed::Value(value)) => decimals.push(value),
            Test::Date(_, Typed::Value(value)) => instants.push(*value),
            Test::Address(Typed::Value(value)) => ranges.push(*value),
            Test::Bytes(Typed::Value(value)) => bytes.push(value),
            // Matches nothing, whatever the value.
            Test::Bool(Typed::Junk)
            | Test::Number(_, Typed::Junk)
            | Test::Date(_, Typed::Junk)
            | Test::Address(Typed::Junk)
            | Test::Bytes(Typed::Junk) => {}
            _ => return None,
        }
    }
    let families = [texts, !decimals.is_empty(), !instants.is_empty(), !ranges.is_empty()];
    let families = families.into_iter().chain([!bytes.is_empty()]).filter(|used| *used).count();
    if families > 1 {
        // Which texts of one class are numbers of another would have to be known.
        return None;
    }
    let mut candidates = if texts { representatives(&automata)? } else { Vec::new() };
    if !texts {
        candidates.extend([String::new(), JUNK.to_owned()]);
    }
    if !decimals.is_empty() {
        candidates.extend(numbers::representatives(&decimals)?);
    }
    if !instants.is_empty() {
        candidates.extend(dates::representatives(&instants)?);
    }
    if !ranges.is_empty() {
        candidates.extend(addresses::representatives(&ranges));
    }
    let decoded = bytes.iter().filter_map(|bytes| std::str::from_utf8(bytes).ok());
    candidates.extend(decoded.map(str::to_owned));
    // Of those in one class, one is enough.
    let mut seen: Vec<(bool, Vec<Tri>)> = Vec::new();
    candidates.retain(|text| {
        let value = Symbolic::literal(text);
        let matches = tests.iter().map(|test| test.matches(&value, context)).collect();
        let class = (text.is_empty(), matches);
        let new = !seen.contains(&class);
        if new {
            seen.push(class);
        }
        new
    });
    Some(candidates)
}
