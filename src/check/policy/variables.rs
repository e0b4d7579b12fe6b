//! Policy variables in documents whose version does not know them: there `${aws:username}` is plain
//! text (IAM User Guide, *IAM JSON policy elements: Version*, *Variables and tags*).

use crate::aws;
use crate::check::words::code;
use crate::finding::{Label, Severity};
use crate::policy::Version;
use crate::syntax::{Part, Text};

use super::{Found, Subject, help};

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    if subject.policy.version == Version::V2012 {
        return;
    }
    let resources = subject.statements().filter_map(|statement| statement.resource.as_ref());
    let values = resources
        .flat_map(|element| &element.values)
        .chain(subject.conditions().flat_map(|condition| &condition.values));
    let mut uses = values.filter_map(|value| {
        let name = in_text(value).find(|name| aws::key_exists(name))?;
        Some((value.span, name))
    });
    let Some((first, name)) = uses.next() else { return };
    let message = match subject.policy.version_span {
        Some(_) => format!("{} is plain text in a policy of 2008", code(&format!("${{{name}}}"))),
        None => {
            format!("{} is plain text in a policy without `Version`", code(&format!("${{{name}}}")))
        }
    };
    let rest: Vec<Label> =
        uses.map(|(span, _)| Label { span, message: "this too".to_owned() }).collect();
    if let Some(finding) = found.add("invalid-version", Severity::Warning, first, message) {
        finding.related = rest;
        help(Some(finding), "write \"Version\": \"2012-10-17\"");
    }
}

/// The names of what looks like policy variables.
pub(super) fn in_text(text: &Text) -> impl Iterator<Item = &str> {
    let literals = text.parts.iter().filter_map(|part| match part {
        Part::Literal(_, text) => Some(&**text),
        Part::Hole(..) => None,
    });
    literals.flat_map(|text| text.split("${").skip(1)).filter_map(|rest| {
        let name = rest.get(..rest.find(['}', ','])?)?;
        name.contains(':').then_some(name)
    })
}
