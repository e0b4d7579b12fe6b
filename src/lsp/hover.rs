//! What there is to know of an action or a condition key.

use super::protocol::{Hover, Markup, Position};
use super::text::{Buffer, Encoding};
use super::token::{Token, token};
use super::works::Works;
use crate::aws::{self, Access, KeyType};
use crate::check::words::{code, list};
use crate::policy::globs::covers;
use crate::report::explain;

/// How many names a line takes.
const SHOWN: usize = 12;

/// The hover at a position, if there is anything to say.
pub(super) fn hover(
    buffer: &Buffer,
    at: Position,
    encoding: Encoding,
    works: &Works,
) -> Option<Hover> {
    let token = token(&buffer.text, buffer.offset(at, encoding))?;
    let text =
        action(token, works).or_else(|| pattern(token, works)).or_else(|| key(token, works))?;
    let range = buffer.range((token.start, token.end()), encoding);
    Some(Hover { contents: Markup::markdown(text), range })
}

pub(super) fn access(level: Access) -> &'static str {
    match level {
        Access::List => "List",
        Access::Read => "Read",
        Access::Write => "Write",
        Access::Tagging => "Tagging",
        Access::PermissionsManagement => "Permissions management",
    }
}

pub(super) fn kind(kind: KeyType) -> &'static str {
    match kind {
        KeyType::String => "String",
        KeyType::ArrayOfString => "ArrayOfString",
        KeyType::Arn => "ARN",
        KeyType::ArrayOfArn => "ArrayOfARN",
        KeyType::Bool => "Bool",
        KeyType::Numeric => "Numeric",
        KeyType::Date => "Date",
        KeyType::IpAddress => "IPAddress",
    }
}

fn codes<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(code).collect();
    list(&names, SHOWN)
}

/// An action: access level, resource types, and the requests behind it.
fn action(token: Token<'_>, works: &Works) -> Option<String> {
    let (service, name) = token.text.split_once(':')?;
    let name = aws::action_name(service, name)?;
    let full = format!("{}:{name}", service.to_ascii_lowercase());
    let mut out = format!("**{full}**");
    if let Some((_, action)) = aws::authorization(&full) {
        let levels: Vec<&str> = action.access().iter().map(|level| access(*level)).collect();
        out.push_str(&format!(" · {}\n\n", levels.join(", ")));
        let types = action.rows().iter().filter_map(|row| {
            let name = row.resource_type()?.name.to_string();
            Some(if row.required { format!("{name}*") } else { name })
        });
        let types: Vec<String> = types.collect();
        if types.is_empty() {
            out.push_str("Resource: only `*`\n\n");
        } else {
            let names = codes(types.iter().map(String::as_str));
            out.push_str(&format!("Resource types (`*`: each call names one): {names}\n\n"));
        }
    } else {
        out.push_str("\n\n");
    }
    let asks =
        works.rules.requests().iter().any(|rule| {
            *rule.call == *full || rule.entries.iter().any(|entry| *entry.action == *full)
        });
    if asks {
        let mut told = Vec::new();
        explain::action(&full, works.rules, works.version, &mut told).ok()?;
        let told = String::from_utf8_lossy(&told).into_owned();
        out.push_str(&format!("```text\n{}\n```\n", told.trim_end()));
    } else {
        out.push_str("No Karpenter version asks for it.\n");
    }
    Some(out)
}

/// A pattern: which of the actions that are asked it matches.
fn pattern(token: Token<'_>, works: &Works) -> Option<String> {
    let (service, name) = token.text.split_once(':')?;
    if !name.contains(['*', '?']) || !aws::service_exists(service) {
        return None;
    }
    let count = aws::actions(service).filter(|action| covers(name, action, true)).count();
    let service = service.to_ascii_lowercase();
    let asked = works.actions.keys().filter(|action| {
        let known = action.split_once(':').filter(|(known, _)| *known == service);
        known.is_some_and(|(_, action)| covers(name, action, true))
    });
    let asked = codes(asked.map(String::as_str));
    let asked = if asked.is_empty() { "none".to_owned() } else { asked };
    Some(format!(
        "**{}** · {count} actions\n\nKarpenter {} asks for of these: {asked}\n",
        code(token.text),
        works.version
    ))
}

/// A condition key: its type, and what Karpenter sends.
fn key(token: Token<'_>, works: &Works) -> Option<String> {
    let known = aws::condition_key_type(token.text);
    let sent = works.sent(token.text);
    if known.is_none() && sent.is_none() {
        return None;
    }
    let mut out = format!("**{}**", code(&aws::key_display(token.text)));
    if let Some(found) = known {
        let many = if found.is_multivalued() { ", several values at once" } else { "" };
        out.push_str(&format!(" · {}{many}", kind(found)));
    }
    out.push_str("\n\n");
    match sent {
        None => out.push_str(&format!("Karpenter {} does not send it by itself.\n", works.version)),
        Some(sent) => {
            out.push_str(&format!("Karpenter {} sends:\n\n", works.version));
            for (values, actions) in sent {
                let values = match values.as_slice() {
                    [] => "nothing".to_owned(),
                    some => codes(some.iter().map(|v| if v.is_empty() { "\"\"" } else { v })),
                };
                out.push_str(&format!(
                    "- {values} with {}\n",
                    codes(actions.iter().map(String::as_str))
                ));
            }
        }
    }
    Some(out)
}
