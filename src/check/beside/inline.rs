//! A managed policy for what an inline one has no room for, in a template.

use crate::check::beside::{apart, end, is_json, whole, within};
use crate::check::least::tighten::without;
use crate::controller::Document;
use crate::extract::{InRole, Inline};
use crate::fix::list::{indent, newline, prefix, quoted, step};
use crate::fix::{Edit, apply, bare, in_order};
use crate::source::{SourceMap, Span};

const MANAGED: &str = "AWS::IAM::ManagedPolicy";

/// What makes a managed policy of a copy of an inline one: its type, no name, a list of roles.
pub(super) fn managed(inline: &Inline, sources: &SourceMap) -> Option<Vec<Edit>> {
    let file = sources.get(inline.kind.span.source);
    let text = file.text();
    let kind = bare(sources, inline.kind.span, &inline.kind.display())?;
    let mut out = vec![Edit { span: kind, text: MANAGED.to_owned() }];
    if let Some(name) = inline.name {
        let one = |(key, value): &(Span, Span)| {
            Span::new(key.source, quoted(text, *key).start, value.end)
        };
        let properties: Vec<Span> = inline.properties.iter().map(one).collect();
        out.extend(without(&properties, &[name])?);
    }
    if let Some((key, value)) = &inline.role {
        let key = quoted(text, key.span);
        let written = text.get(key.end as usize..value.end as usize)?.trim_start();
        let role = written.strip_prefix(':')?.trim();
        let quote = text.get(key.start as usize..)?.chars().next().filter(|c| *c == '"');
        let quote = quote.map(String::from).unwrap_or_default();
        // A block of YAML cannot stand in brackets.
        (quote == "\"" || !role.contains('\n')).then_some(())?;
        let text = format!("{quote}Roles{quote}: [{role}]");
        out.push(Edit { span: Span::new(key.source, key.start, value.end), text });
    }
    Some(out)
}

/// A managed policy behind a role, with the last statements of one of the policies that stand in it.
pub(super) fn of_role(
    document: &Document,
    own: &InRole,
    statements: &[Span],
    cut: usize,
    sources: &SourceMap,
) -> Option<Vec<Edit>> {
    let source = own.key.span.source;
    let file = sources.get(source);
    let text = file.text();
    let role = whole(&own.key, own.whole, text)?;
    let policy = sources.to_file(document.policy.span);
    (own.value.source == source && own.value.contains(policy)).then_some(())?;
    let [mut edits, changes] = apart(statements, cut, source, sources)?;
    // From behind the key, so that a tag comes along.
    let key = quoted(text, own.document.span);
    let end = end(key.start, own.value, text)?;
    let value = Span::new(source, key.end, end);
    let copy = apply(text.get(value.start as usize..end as usize)?, &within(value, changes)?);
    let (nl, pad) = (newline(text), indent(prefix(text, role.start)));
    let (step, json) = (step(text, role.start), is_json(own.whole, text));
    let id = own.key.display();
    let name = (1_u32..100)
        .map(|n| if n == 1 { format!("{id}Policy") } else { format!("{id}Policy{n}") })
        .find(|name| !text.contains(name.as_str()))?;
    let inner = format!("{pad}{step}{step}");
    let copy = copy.trim_end_matches(['\r', '\n']);
    let copy = moved(copy, column(text, key.start), &inner)?;
    let lines = match json {
        true => [
            format!("{pad}\"{name}\": {{"),
            format!("{pad}{step}\"Type\": \"{MANAGED}\","),
            format!("{pad}{step}\"Properties\": {{"),
            format!("{inner}\"Roles\": [{{\"Ref\": \"{id}\"}}],"),
            format!("{inner}\"PolicyDocument\"{copy}"),
            format!("{pad}{step}}}"),
            format!("{pad}}}"),
        ]
        .join(nl),
        false => [
            format!("{pad}{name}:"),
            format!("{pad}{step}Type: {MANAGED}"),
            format!("{pad}{step}Properties:"),
            format!("{inner}Roles:"),
            format!("{inner}{step}- !Ref {id}"),
            format!("{inner}PolicyDocument{copy}"),
        ]
        .join(nl),
    };
    let comma = if json { "," } else { "" };
    let place = Span::new(source, role.end, role.end);
    edits.push(Edit { span: place, text: format!("{comma}{nl}{lines}") });
    in_order(&mut edits);
    Some(edits)
}

/// The column of a key, a dash in front of it included.
fn column(text: &str, at: u32) -> usize {
    prefix(text, at).chars().count()
}

/// A value whose key stood in one column, as it stands behind a key that is indented by `pad`.
fn moved(value: &str, column: usize, pad: &str) -> Option<String> {
    let mut out = String::new();
    for (at, line) in value.split_inclusive('\n').enumerate() {
        let blank = line.trim().is_empty();
        if at == 0 || blank {
            out.push_str(line);
            continue;
        }
        let (lead, rest) = line.split_at_checked(column)?;
        lead.trim().is_empty().then_some(())?;
        out.push_str(pad);
        out.push_str(rest);
    }
    Some(out)
}
