//! Answers as one line of JSON each, in the names of *EvaluationResult*.

use std::fmt::Write as _;

use super::answer::{Answer, Evaluation, Statement};
use super::document::Place;
use crate::eval::Decision;
use crate::policy::request::{Status, Values};
use crate::policy::symbolic::Symbolic;

/// Writes an answer, without a line break.
pub fn write_answer(answer: &Answer, out: &mut String) {
    // It is the same for every result.
    let mut missing = String::new();
    list(&answer.missing, &mut missing, |name, out| string(name, out));
    out.push_str("{\"EvaluationResults\":");
    list(&answer.evaluations, out, |evaluation, out| {
        out.push_str("{\"EvalActionName\":");
        string(&evaluation.action, out);
        out.push_str(",\"EvalResourceName\":");
        string(&evaluation.resource, out);
        out.push_str(",\"EvalDecision\":");
        string(decision_name(evaluation), out);
        out.push_str(",\"MatchedStatements\":");
        list(&evaluation.statements, out, statement);
        out.push_str(",\"MissingContextValues\":");
        out.push_str(&missing);
        if !evaluation.possible.is_empty() {
            out.push_str(",\"PossibleDecisions\":");
            list(&evaluation.possible, out, |(decision, how), out| {
                out.push_str("{\"EvalDecision\":");
                string(name(*decision), out);
                if let Some(how) = how {
                    out.push_str(",\"ContextEntries\":");
                    list(how, out, |(key, status), out| entry(key.text(), status, out));
                }
                out.push('}');
            });
        }
        out.push('}');
    });
    out.push('}');
}

/// Writes an error, without a line break; line and column count from 1.
pub fn write_error(message: &str, line: u64, column: u64, out: &mut String) {
    out.push_str("{\"error\":{\"message\":");
    string(message, out);
    let _ = write!(out, ",\"line\":{line},\"column\":{column}}}}}");
}

/// The decision of one result; a denial of which nobody knows the kind is not settled either.
pub(super) fn decision_name(evaluation: &Evaluation) -> &'static str {
    name(evaluation.decision)
}

fn name(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::ImplicitDeny => "implicitDeny",
        Decision::ExplicitDeny => "explicitDeny",
        Decision::Denied | Decision::Unsettled => "unsettled",
    }
}

fn statement(statement: &Statement, out: &mut String) {
    out.push_str("{\"SourcePolicyId\":");
    string(&statement.policy, out);
    let kind = if statement.of_resource { "resource" } else { "none" };
    let _ = write!(out, ",\"SourcePolicyType\":\"{kind}\",\"StartPosition\":");
    place(statement.start, out);
    out.push_str(",\"EndPosition\":");
    place(statement.end, out);
    out.push('}');
}

fn place(place: Place, out: &mut String) {
    let _ = write!(out, "{{\"Line\":{},\"Column\":{}}}", place.line, place.column);
}

/// A key as a request would list it; one that is absent has no values.
fn entry(key: &Symbolic, status: &Status, out: &mut String) {
    out.push_str("{\"ContextKeyName\":");
    string(key.as_literal().unwrap_or(""), out);
    let (kind, values) = match status {
        Status::Known(Values::One(value)) => ("string", std::slice::from_ref(value)),
        Status::Known(Values::Many(values)) => ("stringList", values.as_slice()),
        _ => {
            out.push_str(",\"Absent\":true}");
            return;
        }
    };
    let _ = write!(out, ",\"ContextKeyType\":\"{kind}\",\"ContextKeyValues\":");
    list(values, out, |value, out| string(value.as_literal().unwrap_or(""), out));
    out.push('}');
}

fn list<T>(items: &[T], out: &mut String, write: impl Fn(&T, &mut String)) {
    out.push('[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

/// Line separators, marks of direction, a byte order mark and the like.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// A string of JSON in which nothing can reach a terminal alive.
fn string(text: &str, out: &mut String) {
    out.push('"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let escaped = match c {
            '"' | '\\' => true,
            ' '..='~' => false,
            '\0'..='\u{9f}' => true,
            c => is_invisible(c),
        };
        if escaped {
            out.push_str(text.get(plain..at).unwrap_or(""));
            plain = at + c.len_utf8();
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                c => {
                    let mut units = [0; 2];
                    for unit in c.encode_utf16(&mut units) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
            }
        }
    }
    out.push_str(text.get(plain..).unwrap_or(""));
    out.push('"');
}
