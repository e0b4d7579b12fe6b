//! Entries of `authorises` to [`EntryRule`]s, checked against what AWS says of the action.

use std::collections::BTreeSet;

use super::super::files::{RuleError, Table, Value};
use super::super::template::{Part, Template};
use super::super::text::Str;
use super::super::version::Versions;
use super::super::{Basis, EntryRule, KeySet, Rules};
use super::FindService;
use super::common::{Implied, Names};
use super::request::{Call, read_conditions};
use crate::aws::{Action, Service};

pub(super) const FIELDS: [&str; 16] = [
    "action",
    "resource",
    "request_tags",
    "resource_tags",
    "context",
    "absent",
    "versions",
    "when",
    "optional",
    "must_have_when",
    "disputed",
    "instead",
    "symptom",
    "basis",
    "note",
    "unlisted",
];

/// What AWS says of the action of an entry.
struct Known<'a> {
    service: &'a Service,
    action: &'a Action,
}

/// Refuses an action that AWS does not know.
pub(super) fn check_action<'a>(
    value: &Value<'_>,
    text: &str,
    aws: FindService<'a>,
) -> Result<(), RuleError> {
    known(value, text, aws).map(drop)
}

fn known<'a>(value: &Value<'_>, text: &str, aws: FindService<'a>) -> Result<Known<'a>, RuleError> {
    let (service, name) =
        text.split_once(':').ok_or_else(|| value.error("expected `service:Action`"))?;
    let service = aws(service).ok_or_else(|| {
        value.error(format!("there is no authorisation data of the service `{service}`"))
    })?;
    match service.action(name) {
        Some(action) if *action.name == *name => Ok(Known { service, action }),
        _ => {
            let error = value.error(format!("AWS has no action `{text}`"));
            Err(error.did_you_mean(name, service.actions().iter().map(|action| action.name.text())))
        }
    }
}

/// The resource type of a resource in its short form, for `except`.
pub(super) fn resource_type_as_written<'f>(entry: &Value<'f>) -> Option<&'f str> {
    let resource = entry.table().ok()?.text("resource").ok()??;
    resource.split_once('/').map(|(kind, _)| kind)
}

/// The entry of a request that lists none: the call itself, on `*`.
pub(super) fn call_itself(
    value: &Value<'_>,
    call: &Call<'_>,
    names: &Names,
    implied: &[Implied<'_>],
    aws: FindService<'_>,
    rules: &mut Rules,
) -> Result<EntryRule, RuleError> {
    let known = known(value, call.action, aws)?;
    let mut entry = EntryRule {
        action: call.action.into(),
        resource: None,
        resource_type: Str::default(),
        request_tags: None,
        resource_tags: None,
        context: Vec::new(),
        holes: Vec::new(),
        absent: Vec::new(),
        keys: 0,
        versions: Versions::default(),
        when: Vec::new(),
        optional: false,
        must_have_when: Vec::new(),
        disputed: None,
        instead: None,
        symptom: None,
        basis: Basis::Code,
        note: None,
    };
    complete(&mut entry, value, &known, call, names, implied, rules)?;
    Ok(entry)
}

/// Reads an entry.
pub(super) fn build(
    value: &Value<'_>,
    call: &Call<'_>,
    names: &Names,
    implied: &[Implied<'_>],
    aws: FindService<'_>,
    rules: &mut Rules,
) -> Result<EntryRule, RuleError> {
    let table = value.fields(&FIELDS)?;
    let place = table.get("action").unwrap_or(value);
    let action = table.text("action")?.unwrap_or(call.action);
    let known = known(place, action, aws)?;
    let tags =
        |name: &str| table.get(name).map(|set| names.tag_set(set, call.generation)).transpose();
    let conditions = |name: &str| table.get(name).map_or(Ok(Vec::new()), read_conditions);

    let (resource, resource_type) = match table.get("resource") {
        Some(resource) => read_resource(resource, table.flag("unlisted")?, &known, names, rules)?,
        None => (None, Str::default()),
    };
    let mut context = Vec::new();
    for (name, value) in
        table.get("context").map(Value::table).transpose()?.iter().flat_map(Table::iter)
    {
        let values = value.one_or_more()?;
        let values = values
            .iter()
            .map(|item| names.template(item, item.text()?))
            .collect::<Result<_, _>>()?;
        context.push((Str::from(name.text), values));
    }
    let mut entry = EntryRule {
        action: action.into(),
        resource,
        resource_type,
        request_tags: tags("request_tags")?,
        resource_tags: tags("resource_tags")?,
        context,
        holes: Vec::new(),
        absent: table.texts("absent")?.into_iter().map(Str::from).collect(),
        keys: 0,
        versions: table.versions("versions")?,
        when: conditions("when")?,
        optional: table.flag("optional")?,
        must_have_when: conditions("must_have_when")?,
        disputed: table.text("disputed")?.map(Str::from),
        instead: table.text("instead")?.map(Str::from),
        symptom: table.text("symptom")?.map(Str::from),
        basis: table.get("basis").map_or(Ok(Basis::Code), read_basis)?,
        note: table.text("note")?.map(Str::from),
    };
    complete(&mut entry, value, &known, call, names, implied, rules)?;
    for name in ["request_tags", "resource_tags"] {
        let family = if name == "request_tags" { "aws:RequestTag/x" } else { "aws:ResourceTag/x" };
        if let Some(set) = table.get(name).filter(|_| !lists(&known, &entry.resource_type, family))
        {
            return Err(set.error(format!(
                "AWS fills no `{}*` for `{action}` on this resource",
                family.trim_end_matches('x')
            )));
        }
    }
    Ok(entry)
}

fn read_basis(value: &Value<'_>) -> Result<Basis, RuleError> {
    let text = value.text()?;
    Basis::ALL.into_iter().find(|basis| basis.name() == text).ok_or_else(|| {
        let error = value.error(format!("there is no basis `{text}`"));
        error.did_you_mean(text, Basis::ALL.into_iter().map(Basis::name))
    })
}

/// Whether AWS fills `key` for the action on the resource type.
fn lists(known: &Known<'_>, resource_type: &str, key: &str) -> bool {
    known.service.keys_for(known.action, resource_type).iter().any(|listed| listed.matches(key))
}

/// The ARN and the type of a resource, which may be written short.
fn read_resource(
    value: &Value<'_>,
    unlisted: bool,
    known: &Known<'_>,
    names: &Names,
    rules: &Rules,
) -> Result<(Option<Template>, Str), RuleError> {
    let text = value.text()?;
    if text == "*" {
        return Ok((None, Str::default()));
    }
    // A placeholder that is a whole ARN knows its type.
    let template = names.template(value, text)?;
    let alone = template.alone().and_then(|place| rules.placeholders.get(usize::from(place)));
    let arn = text.starts_with("arn:");
    let kind = match alone {
        Some(placeholder) => placeholder
            .arn
            .as_deref()
            .ok_or_else(|| value.error("this placeholder is not an ARN"))?,
        None if arn => {
            text.split(':').nth(5).and_then(|rest| rest.split('/').next()).unwrap_or_default()
        }
        None => text.split('/').next().unwrap_or_default(),
    };
    if !unlisted && known.action.row(kind).is_none() {
        let types = known.action.rows().iter().filter_map(|row| row.resource_type());
        let error = value.error(format!(
            "`{}` is not authorised on the resource type `{kind}`",
            known.action.name
        ));
        return Err(error.did_you_mean(kind, types.map(|kind| &*kind.name)));
    }
    if alone.is_some() || arn {
        return Ok((Some(template), kind.into()));
    }
    let pattern = known.service.resource_type(kind).map_or("", |kind| &*kind.arn);
    let start = pattern.split_once(&format!("{kind}/")).map(|(start, _)| start.to_lowercase());
    let start = start
        .ok_or_else(|| value.error(format!("the resource type `{kind}` has no short form")))?;
    Ok((Some(names.template(value, &format!("{start}{text}"))?), kind.into()))
}

/// Adds what follows from the action, and checks all keys.
fn complete(
    entry: &mut EntryRule,
    value: &Value<'_>,
    known: &Known<'_>,
    call: &Call<'_>,
    names: &Names,
    implied: &[Implied<'_>],
    rules: &mut Rules,
) -> Result<(), RuleError> {
    let name_of_call = call.action.split_once(':').map_or("", |(_, name)| name);
    for implied in implied
        .iter()
        .filter(|implied| implied.applies(&entry.action, call.action, call.from_template))
    {
        for (key, text) in &implied.context {
            if implied.listed && !lists(known, &entry.resource_type, key) {
                continue;
            }
            if !entry.context.iter().any(|(known, _)| known.eq_ignore_ascii_case(key)) {
                let template =
                    names.template(text, &text.text()?.replace("${call}", name_of_call))?;
                entry.context.push(((*key).into(), vec![template]));
            }
        }
    }
    let mut holes = BTreeSet::new();
    let sent = entry.context.iter().flat_map(|(_, values)| values);
    entry.resource.iter().chain(sent).for_each(|template| template.holes(&mut holes));
    entry.holes = holes.into_iter().collect();
    let own = entry.context.iter().map(|(key, _)| key).chain(&entry.absent);
    // Keys of AWS itself are filled whatever the action.
    let unknown = |key: &&Str| !key.starts_with("aws:") && !lists(known, &entry.resource_type, key);
    if let Some(key) = own.clone().find(unknown) {
        let error = value
            .error(format!("AWS does not fill `{key}` for `{}` on this resource", entry.action));
        let keys = known.service.keys_for(known.action, &entry.resource_type);
        return Err(error.did_you_mean(key, keys.iter().map(|key| &*key.name)));
    }
    for key in &names.absent {
        if !entry.context.iter().any(|(known, _)| *known == **key)
            && lists(known, &entry.resource_type, key)
        {
            entry.absent.push(key.as_str().into());
        }
    }
    entry.keys = key_set(entry, known, rules)
        .ok_or_else(|| value.error("there are too many sets of keys"))?;
    Ok(())
}

/// The keys that AWS fills, as an index into [`Rules::key_sets`].
fn key_set(entry: &EntryRule, known: &Known<'_>, rules: &mut Rules) -> Option<u16> {
    let mut set =
        KeySet { service: format!("{}:", known.service.name).into(), ..KeySet::default() };
    // The last character of a resource that the call creates is a literal `*`.
    let last = entry.resource.as_ref().and_then(|resource| resource.parts().last());
    set.created = matches!(last, Some(Part::Text(text)) if text.ends_with("/*"));
    for key in known.service.keys_for(known.action, &entry.resource_type) {
        let lower = key.name.to_lowercase();
        match lower.split_once("${") {
            Some((family, _)) if family.ends_with(":resourcetag/") => {
                // On `*` there is no resource whose tags could be looked at.
                if entry.resource.is_some() {
                    set.resource_tags.push(family.into());
                }
            }
            Some(("aws:requesttag/", _)) => {}
            Some((prefix, _)) => set.prefixes.push(prefix.into()),
            None => set.keys.push(lower.into()),
        }
    }
    set.keys.retain(|key| *key != "aws:tagkeys");
    let place = rules.key_sets.iter().position(|known| *known == set).unwrap_or_else(|| {
        rules.key_sets.push(set);
        rules.key_sets.len() - 1
    });
    u16::try_from(place).ok()
}
