//! What reading the document found: AWS would refuse it, or a part of it is not known.

use crate::finding::{Label, Severity};

use super::{Found, Subject, fixes, help, known};

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    for problem in &subject.document.problems {
        let severity = if problem.refused { Severity::Error } else { Severity::Warning };
        let finding = found.add(problem.rule, severity, problem.span, problem.message.clone());
        let Some(finding) = finding else { continue };
        let first = problem.first.map(|span| Label { span, message: "first here".to_owned() });
        finding.related.extend(first);
        if let Some((written, word)) = &problem.meant {
            finding.fix = fixes::spelling(written, word, problem.span);
            finding.data.written = Some(written.clone());
        }
        if let Some(advice) = &problem.help {
            help(Some(finding), advice.clone());
        }
    }
    for statement in subject.statements() {
        let resources = statement.resource.iter().map(|element| ("resource", element));
        for (name, element) in std::iter::once(("action", &statement.action)).chain(resources) {
            for value in element.values.iter().filter(|value| known(value) == Some("")) {
                let message = format!("the {name} is empty text, which AWS refuses");
                // Nothing is to be seen of it but its quotes.
                let span = subject.quoted(value.span);
                let finding = found.add("empty-element", Severity::Error, span, message);
                help(finding, format!("write the {name}, or remove the value"));
            }
        }
    }
}
