//! Changes of what a statement asks for: values and keys of its conditions, operators that say the
//! opposite, resources and conditions that are for another place.

use crate::fix::Edit;
use crate::policy::request::Key;
use crate::policy::symbolic::Symbolic;
use crate::policy::{Condition, Statement};
use crate::syntax::{Style, Text};

use super::super::cause::{Member, StatementId};
use super::super::mismatch::{self, Elsewhere, Place};
use super::condition::is_null;
use super::mend::Change;
use super::render::is_json_block;
use super::slot::Slot;
use super::{Teller, grant};

/// Operators of which more values allow more.
const POSITIVE: [&str; 10] = [
    "StringEquals",
    "StringLike",
    "StringEqualsIfExists",
    "StringLikeIfExists",
    "ArnLike",
    "ArnEquals",
    "ForAllValues:StringEquals",
    "ForAllValues:StringLike",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringLike",
];

impl<'a, 'n, 'r> Teller<'a, 'n, 'r, '_> {
    /// Ours in the place of another partition, region, account or cluster.
    pub(super) fn here(&self) -> Option<Change<'a>> {
        let (settings, symbols) = (self.judged.settings(), self.judged.symbols());
        let mut change = Change { look: true, ..Change::default() };
        // What differs in each token, for any of the members.
        let mut tokens: Vec<(&'a Text, Vec<Elsewhere>)> = Vec::new();
        for member in &self.group.members {
            let near = member.nearest?;
            let (_, statement) = self.open(near)?;
            for (found, span) in
                mismatch::elsewhere(near, statement, member.asked, settings, symbols)?
            {
                let text = texts(statement).find(|text| text.span == span)?;
                match tokens.iter_mut().find(|(known, _)| known.span == span) {
                    Some((_, all)) if all.contains(&found) => {}
                    Some((_, all)) => all.push(found),
                    None => tokens.push((text, vec![found])),
                }
            }
        }
        for (text, found) in tokens {
            let moved = found.iter().try_fold(text.display(), |text, one| moved(&text, one))?;
            change.edits.push(self.instead(text, moved)?);
        }
        Some(change)
    }

    pub(super) fn values(&self) -> Option<Change<'a>> {
        let mut change = Change::default();
        for member in &self.group.members {
            let near = member.nearest?;
            let (_, statement) = self.open(near)?;
            if near.fails.action || near.fails.resource {
                return None;
            }
            for &line in &near.fails.lines {
                let condition = statement.conditions.get(line)?;
                let place = (near.id(), statement, line);
                self.value((statement, condition), place, member, &mut change)?;
            }
        }
        Some(change)
    }

    /// What one line lacks for one entry.
    fn value(
        &self,
        (statement, condition): (&'a Statement, &'a Condition),
        place: (StatementId, &'a Statement, usize),
        member: &Member<'a, 'n, 'r>,
        change: &mut Change<'a>,
    ) -> Option<()> {
        let operator = condition.operator.as_literal()?;
        let sent = self.sent(condition, &[member]);
        if is_null(condition) {
            let there = !sent.is_empty();
            change.line(place, |line, text| line.values = vec![text(&(!there).to_string())]);
            return self.present(condition, there, change);
        }
        if !POSITIVE.contains(&operator) {
            let positive = operator.replacen("Not", "", 1);
            change.line(place, |line, text| line.operator = text(&positive));
            return self.positive((statement, condition), (operator, &sent), member, change);
        }
        if sent.is_empty() {
            let key = self.sibling(&condition.key);
            let key = key.or_else(|| self.meant_key(statement, condition, member))?;
            change.look = true;
            change.line(place, |line, text| line.key = text(&key));
            change.edits.push(self.instead(&condition.key, key)?);
            return Some(());
        }
        if self.is_of_several(condition) {
            return None;
        }
        let open =
            |value: &String| value.is_empty() || value.contains("${") && !self.is_written(value);
        if sent.iter().any(open) {
            // No list of names holds what is yet to come.
            change.look = true;
            if !operator.contains("Like") {
                let like = operator.replace("Equals", "Like");
                change.line(place, |line, text| line.operator = text(&like));
                change.edits.push(self.operator(statement, condition, like)?);
            }
            change.line(place, |line, text| line.values.push(text("*")));
            match condition.values.as_slice() {
                [value] if value.as_literal() == Some("*") => {}
                [value] => {
                    change.edits.push(self.instead(value, "*".to_owned())?);
                }
                several => change.put(Slot::under(several, condition.is_list), "*"),
            }
            return Some(());
        }
        // Another member sends what only `*` holds.
        if self.is_open_elsewhere(condition) {
            return Some(());
        }
        let written: Vec<String> = condition.values.iter().map(Text::display).collect();
        for value in sent.iter().filter(|value| !written.contains(value)) {
            change.line(place, |line, text| line.values.push(text(value)));
            // A value that nobody sends and that is nearly one that somebody does was meant to be it.
            let near = condition.values.iter().zip(&written).find(|(_, text)| {
                text.len() > 3
                    && text.chars().count().abs_diff(value.chars().count()) <= 2
                    && distance(text, value) <= 2
                    && !self.is_sent_by_any(condition, text)
            });
            if let Some((old, _)) = near {
                change.look = true;
                change.edits.push(self.instead(old, value.clone())?);
                continue;
            }
            change.look |= value.contains("${");
            change.put(Slot::under(&condition.values, condition.is_list), value);
        }
        Some(())
    }

    /// Whether some member sends for this line what no list of names can hold.
    fn is_open_elsewhere(&self, condition: &Condition) -> bool {
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        let sent = self.sent(condition, &all);
        sent.iter().any(|value| value.is_empty() || value.contains("${") && !self.is_written(value))
    }

    fn is_sent_by_any(&self, condition: &Condition, text: &str) -> bool {
        let all: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        self.sent(condition, &all).iter().any(|value| value == text)
    }

    /// `Null` the way the call has it.
    fn present(&self, condition: &Condition, sent: bool, change: &mut Change<'a>) -> Option<()> {
        let [value] = condition.values.as_slice() else { return None };
        change.look = true;
        change.edits.push(self.instead(value, (!sent).to_string())?);
        Some(())
    }

    /// The operator without its `Not`, where all that stands under it then holds.
    fn positive(
        &self,
        (statement, condition): (&'a Statement, &'a Condition),
        (operator, sent): (&str, &[String]),
        member: &Member<'a, 'n, 'r>,
        change: &mut Change<'a>,
    ) -> Option<()> {
        let positive = operator.replacen("Not", "", 1);
        let near = member.nearest?;
        let mut under = statement.conditions.iter().enumerate();
        // What holds under the negation would not hold without it.
        let all_fail = under.all(|(at, line)| {
            line.operator.span != condition.operator.span || near.fails.lines.contains(&at)
        });
        let like = positive.contains("Like");
        let holds = |value: &String| {
            let values = condition.values.iter().map(|value| self.judged.bind(value));
            values.filter_map(|wanted| Some(covers(wanted.as_literal()?, value, like))).any(|is| is)
        };
        if !all_fail
            || !POSITIVE.contains(&positive.as_str())
            || sent.is_empty()
            || !sent.iter().all(holds)
        {
            return None;
        }
        change.look = true;
        change.edits.push(self.operator(statement, condition, positive)?);
        Some(())
    }

    /// Another operator over a line, where it stands over no other, and no other place has it already:
    /// a map has each key once.
    fn operator(&self, statement: &Statement, condition: &Condition, to: String) -> Option<Edit> {
        let own = condition.operator.span;
        let negated = condition.operator.as_literal().is_some_and(|text| text.contains("Not"));
        let apart = statement.conditions.iter().all(|line| {
            line.key.span == condition.key.span
                || (negated || line.operator.span != own)
                    && (line.operator.span == own || line.operator.as_literal() != Some(&*to))
        });
        // Blocks of Terraform's language stand side by side.
        let source = self.judged.case.sources.get(statement.span.source);
        let whole = source.text().get(statement.span.start as usize..).unwrap_or_default();
        let blocks = condition.operator.style == Style::Hcl && whole.starts_with("statement")
            || is_json_block(source.text(), statement);
        (apart || blocks).then(|| self.instead(&condition.operator, to)).flatten()
    }

    /// The key that the entry carries, limits it, and the statement does not ask for yet: of the same
    /// family as one that no call carries, and with the same values.
    fn meant_key(
        &self,
        statement: &Statement,
        condition: &Condition,
        member: &Member<'a, 'n, 'r>,
    ) -> Option<String> {
        let written = condition.key.display();
        let (family, _) = written.split_once('/')?;
        let values: Vec<Symbolic> =
            condition.values.iter().map(|value| self.judged.bind(value)).collect();
        let like = condition.operator.as_literal()?.contains("Like");
        let wanted = grant::wanted(member.asked, self.judged)?;
        let keys = statement.conditions.iter().map(|line| &line.key);
        let asked: Vec<Key> = keys.map(|key| Key::new(&self.judged.bind(key))).collect();
        let fits = |wanted: &Option<Vec<String>>| match wanted {
            Some(wanted) => wanted.iter().all(|one| {
                let mut known = values.iter().filter_map(Symbolic::as_literal);
                known.any(|value| covers(value, one, like))
            }),
            None => matches!(values.as_slice(), [one] if one.as_literal() == Some("*")),
        };
        let same_family = |key: &str| {
            key.split_once('/').is_some_and(|(own, _)| own.eq_ignore_ascii_case(family))
        };
        let missing = wanted.iter().filter(|(key, wanted)| {
            same_family(key) && !asked.contains(&Key::from(key.as_str())) && fits(wanted)
        });
        let placeable = |key: &str| {
            let embedded =
                self.judged.case.sources.get(condition.key.span.source).embedding().is_some();
            !key.contains("${") || embedded || condition.key.style == Style::Hcl
        };
        let mut fitting = missing.map(|(key, _)| key).filter(|key| placeable(key)).peekable();
        let first = fitting.next()?;
        if fitting.peek().is_none() {
            return Some(first.clone());
        }
        let mut near = (distance(first, &written), first);
        for key in fitting {
            if least_distance(key, &written) < near.0 {
                let distance = distance(key, &written);
                near = if distance < near.0 { (distance, key) } else { near };
            }
        }
        Some(near.1.clone())
    }
}

/// A number that [`distance`] is never below: a slip of the pen takes one letter away, and one comes in its
/// place. It spares most comparisons.
fn least_distance(one: &str, other: &str) -> usize {
    let mut counts = [0_i32; 64];
    let mut count = |text: &str, by: i32| {
        for byte in text.bytes().filter(u8::is_ascii) {
            if let Some(count) = counts.get_mut(usize::from(byte & 63)) {
                *count += by;
            }
        }
    };
    count(one, 1);
    count(other, -1);
    let sum = |sign: i32| -> usize {
        counts.iter().map(|count| (count * sign).max(0).unsigned_abs() as usize).sum()
    };
    sum(1).max(sum(-1))
}

/// How many slips of the pen lie between two texts. What both begin with takes no time.
fn distance(one: &str, other: &str) -> usize {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    let same: usize = same.map(|(both, _)| both.len_utf8()).sum();
    let (one, other) = (one.get(same..), other.get(same..));
    strsim::osa_distance(one.unwrap_or_default(), other.unwrap_or_default())
}

/// Whether a value of a condition holds for what is sent.
fn covers(wanted: &str, sent: &str, like: bool) -> bool {
    if like { crate::policy::globs::covers(wanted, sent, false) } else { wanted == sent }
}

/// Resources, and keys and values of conditions.
fn texts(statement: &Statement) -> impl Iterator<Item = &Text> {
    let lines = statement.conditions.iter();
    let resources = statement.resource.iter().flat_map(|element| &element.values);
    resources.chain(lines.flat_map(|line| std::iter::once(&line.key).chain(&line.values)))
}

/// The text, for our place.
fn moved(text: &str, found: &Elsewhere) -> Option<String> {
    let (written, wanted) = (&found.written, &found.wanted);
    if text == written {
        return Some(wanted.clone());
    }
    let between = |written: &str, wanted: &str| {
        text.contains(written).then(|| text.replacen(written, wanted, 1))
    };
    match found.what {
        Place::Partition => between(&format!("arn:{written}:"), &format!("arn:{wanted}:")),
        Place::Region | Place::Account => between(&format!(":{written}:"), &format!(":{wanted}:")),
        Place::Cluster => {
            let at = text.rfind(written.as_str())?;
            let (head, tail) = (text.get(..at)?, text.get(at + written.len()..)?);
            Some(format!("{head}{wanted}{tail}"))
        }
    }
}
