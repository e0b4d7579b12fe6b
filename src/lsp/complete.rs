//! Names that may be meant: actions and condition keys of the catalogue, those that Karpenter needs first.

use std::collections::BTreeSet;

use super::hover::{access, kind};
use super::protocol::{Completion, Completions, Position, TextEdit};
use super::text::{Buffer, Encoding};
use super::token::{Place, place, token};
use super::works::Works;
use crate::aws;

/// Kinds of items, as the protocol numbers them.
const FUNCTION: u8 = 3;
const MODULE: u8 = 9;
const PROPERTY: u8 = 10;

/// What can stand at a position, if that is a place for actions or condition keys.
pub(super) fn complete(
    buffer: &Buffer,
    at: Position,
    encoding: Encoding,
    works: &Works,
) -> Option<Completions> {
    let offset = buffer.offset(at, encoding);
    let token = token(&buffer.text, offset)?;
    let typed = buffer.text.get(token.start as usize..offset as usize)?;
    let names = match place(&buffer.text, token.start)? {
        Place::Action => actions(typed, works),
        Place::ConditionKey => keys(typed, works),
    };
    let range = buffer.range((token.start, token.end().max(offset)), encoding);
    let items = names.into_iter().map(|name| Completion {
        sort_text: format!("{}{}", u8::from(!name.first), name.text),
        filter_text: name.text.clone(),
        label: name.text.clone(),
        kind: name.kind,
        detail: name.detail,
        text_edit: TextEdit { range, new_text: name.text },
    });
    // A service alone stands for all its actions.
    let is_incomplete = !typed.contains(':');
    Some(Completions { is_incomplete, items: items.collect() })
}

struct Name {
    text: String,
    kind: u8,
    detail: String,
    /// Whether Karpenter needs it.
    first: bool,
}

fn starts(name: &str, typed: &str) -> bool {
    name.get(..typed.len()).is_some_and(|front| front.eq_ignore_ascii_case(typed))
}

fn actions(typed: &str, works: &Works) -> Vec<Name> {
    let named = |full: String| {
        let calls = works.actions.get(&full);
        let level =
            aws::authorization(&full).and_then(|(_, action)| action.access().first().copied());
        let mut detail: Vec<String> =
            level.map(|level| access(level).to_owned()).into_iter().collect();
        if calls.is_some() {
            detail.push(format!("Karpenter {} asks for it", works.version));
        }
        Name { first: calls.is_some(), kind: FUNCTION, detail: detail.join(" · "), text: full }
    };
    let Some((service, name)) = typed.split_once(':') else {
        let asked = works.actions.keys().filter(|action| starts(action, typed)).cloned().map(named);
        let services =
            aws::services().filter(|service| starts(service, typed)).map(|service| Name {
                text: format!("{service}:"),
                kind: MODULE,
                detail: "service".to_owned(),
                first: false,
            });
        return asked.chain(services).collect();
    };
    let service = service.to_ascii_lowercase();
    aws::actions(&service)
        .filter(|action| starts(action, name))
        .map(|action| named(format!("{service}:{action}")))
        .collect()
}

fn keys(typed: &str, works: &Works) -> Vec<Name> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    let detail = |name: &str| aws::condition_key_type(name).map_or("", kind).to_owned();
    for name in works.sent.keys().filter(|name| starts(name, typed)) {
        seen.insert(name.to_ascii_lowercase());
        let told = format!("{} · Karpenter {} sends it", detail(name), works.version);
        out.push(Name { text: name.clone(), kind: PROPERTY, detail: told, first: true });
    }
    let services = aws::detailed_services().flat_map(aws::Service::keys);
    for listed in aws::global_keys().chain(services.map(|key| key.name.text())) {
        let name = listed.split("${").next().unwrap_or(listed);
        if starts(name, typed) && seen.insert(name.to_ascii_lowercase()) {
            let detail = detail(listed);
            out.push(Name { text: name.to_owned(), kind: PROPERTY, detail, first: false });
        }
    }
    out
}
