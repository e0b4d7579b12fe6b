//! Answers for people.

use crate::eval::Decision;
use crate::simulate::{Answer, Evaluation};

/// Writes a table, one row for each result.
pub(super) fn write(answer: &Answer, out: &mut String) {
    let head = ["DECISION", "ACTION", "RESOURCE", "STATEMENTS"].map(str::to_owned);
    let mut rows = vec![head];
    rows.extend(answer.evaluations.iter().map(row));
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(cell);
            let pad = widths.get(column).map_or(0, |width| width + 2 - cell.chars().count());
            line.extend(std::iter::repeat_n(' ', pad));
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    if !answer.missing.is_empty() {
        let names: Vec<String> = answer.missing.iter().map(|name| plain(name)).collect();
        out.push_str(&format!("\nnot given: {}\n", names.join(", ")));
    }
}

fn row(evaluation: &Evaluation) -> [String; 4] {
    // As in JSON, a denial of which nobody knows the kind is not settled; what it may be says that it is one.
    let mut decision = name(evaluation.decision).to_owned();
    for (place, (possible, _)) in evaluation.possible.iter().enumerate() {
        decision.push_str(if place == 0 { ": " } else { " or " });
        decision.push_str(name(*possible));
    }
    let mut statements: Vec<String> = Vec::new();
    for statement in &evaluation.statements {
        let policy = plain(&statement.policy);
        statements.push(format!("{policy}:{}:{}", statement.start.line, statement.start.column));
    }
    let resource = plain(&evaluation.resource);
    [decision, plain(&evaluation.action), resource, statements.join(", ")]
}

fn name(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "allowed",
        Decision::ImplicitDeny => "implicit deny",
        Decision::ExplicitDeny => "explicit deny",
        Decision::Denied | Decision::Unsettled => "unsettled",
    }
}

/// Text that does nothing to a terminal.
pub(super) fn plain(text: &str) -> String {
    let safe = |c: char| !c.is_control() && !crate::simulate::is_invisible(c);
    text.chars()
        .flat_map(|c| {
            let escaped = (!safe(c)).then(|| c.escape_unicode());
            let kept = safe(c).then_some(c);
            escaped.into_iter().flatten().chain(kept)
        })
        .collect()
}
