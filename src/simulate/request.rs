//! A request in the shape of *SimulateCustomPolicy*, read and checked.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use super::RequestError;
use super::document::{Cache, Document};
use super::effort::is_too_much;
use super::read::{Slice, fields, items};
use crate::eval::Caller;
use crate::policy::request::{Context, Key, Status, Values};
use crate::policy::symbolic::Symbolic;
use crate::source::SourceId;
use crate::syntax::json::Lazy;
use crate::syntax::{HoleSyntax, Node, Value};

/// A request, ready to be answered.
#[derive(Debug, Default)]
pub(super) struct SimulationRequest {
    pub(super) identity: Vec<Arc<Document>>,
    pub(super) boundary: Vec<Arc<Document>>,
    pub(super) service_control: Vec<Vec<Arc<Document>>>,
    pub(super) session: Vec<Arc<Document>>,
    pub(super) resource_policy: Option<Arc<Document>>,
    pub(super) actions: Vec<Box<str>>,
    /// `*` alone if none is given.
    pub(super) resources: Vec<Box<str>>,
    pub(super) caller: Option<Caller>,
    pub(super) owner: Option<Box<str>>,
    pub(super) context: Context,
}

/// Fields that are read.
const FIELDS: [&str; 10] = [
    "PolicyInputList",
    "PermissionsBoundaryPolicyInputList",
    "ServiceControlPolicies",
    "SessionPolicies",
    "ResourcePolicy",
    "ActionNames",
    "ResourceArns",
    "CallerArn",
    "ResourceOwner",
    "ContextEntries",
];

/// Fields that AWS takes and that change no decision.
const IGNORED: [&str; 3] = ["ResourceHandlingOption", "MaxItems", "Marker"];

/// More results of one request are not given: they are one line.
const RESULTS: usize = 100_000;

const SOURCE: SourceId = SourceId(0);

/// Reads a request.
pub(super) fn read(text: &str, cache: &mut Cache) -> Result<SimulationRequest, RequestError> {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole = Slice { text: body, start: text.len() - body.len() };
    let Some(found) = fields(whole) else { return Err(not_a_request(text)) };
    let mut given: [Option<Given<'_>>; FIELDS.len()] = [const { None }; FIELDS.len()];
    for (key, value, items) in found {
        let name = string(key)?;
        let Some(place) = FIELDS.iter().position(|known| *known == name) else {
            if IGNORED.contains(&&*name) {
                node(value)?;
                continue;
            }
            return Err(unknown_field(key, &name));
        };
        let Some(slot) = given.get_mut(place) else { continue };
        if slot.is_some() {
            return Err(error(key, format!("`{name}` stands twice in the request")));
        }
        *slot = Some(Given { value, items });
    }
    // `null` is as if it was not there.
    let [identity, boundary, control, session, resource, actions, arns, caller, owner, context] =
        given.map(|given| given.filter(|given| given.value.text != "null"));
    let mut request = SimulationRequest {
        identity: documents(identity, "PolicyInputList", cache)?,
        boundary: documents(boundary, "PermissionsBoundaryPolicyInputList", cache)?,
        service_control: levels(control, cache)?,
        session: documents(session, "SessionPolicies", cache)?,
        ..SimulationRequest::default()
    };
    let resource = resource.map(|given| given.value);
    if let Some(slice) = resource {
        request.resource_policy =
            Some(cache.document(slice, true, &|| "ResourcePolicy".to_owned())?);
    }
    let Some(actions) = actions else {
        return Err(error(whole, "the request has no `ActionNames`".to_owned()));
    };
    let asked = actions.value;
    request.actions = action_names(actions)?;
    request.resources = arns.map(resource_arns).transpose()?.unwrap_or_default();
    if request.resources.is_empty() {
        request.resources.push("*".into());
    }
    if request.actions.len().saturating_mul(request.resources.len()) > RESULTS {
        let message = format!("the request asks for more than {RESULTS} results");
        return Err(error(asked, message));
    }
    if is_too_much(&request, context.as_ref().map_or(0, |given| given.value.text.len())) {
        let message = "the request asks for too many comparisons: ask for fewer results at once";
        return Err(error(asked, message.to_owned()));
    }
    if let Some(slice) = caller.map(|given| given.value) {
        let arn = string(slice)?;
        let caller = Caller::parse(&arn).ok_or_else(|| {
            error(slice, "`CallerArn` must be the ARN of a user, role or session".to_owned())
        })?;
        request.caller = Some(caller);
    } else if let Some(slice) = resource {
        let message = "`ResourcePolicy` needs a `CallerArn` to compare its principals with";
        return Err(error(slice, message.to_owned()));
    }
    request.owner = owner.map(|given| account(given.value)).transpose()?;
    if let Some(slice) = context.map(|given| given.value) {
        request.context = read_context(slice)?;
    }
    Ok(request)
}

fn error(at: Slice<'_>, message: String) -> RequestError {
    RequestError { message, offset: at.start, place: None }
}

/// Why the text is not a request: the reader that explains looks at it once more.
fn not_a_request(text: &str) -> RequestError {
    match Lazy::root(SOURCE, text).to_node(HoleSyntax::None) {
        Err(wrong) => {
            RequestError { message: wrong.message, offset: wrong.span.start as usize, place: None }
        }
        Ok(node) => RequestError {
            message: "a request must be an object".to_owned(),
            offset: node.span.start as usize,
            place: None,
        },
    }
}

fn unknown_field(key: Slice<'_>, name: &str) -> RequestError {
    let near = crate::policy::lower::nearest(name, FIELDS.into_iter());
    let hint = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    let name: String = name.chars().take(80).collect();
    error(key, format!("`{name}` is not a field of a request{hint}"))
}

/// The value as nodes, which stand where it stands in the request.
fn node(slice: Slice<'_>) -> Result<Node, RequestError> {
    Lazy::root(SOURCE, slice.text).to_node(HoleSyntax::None).map_err(|wrong| RequestError {
        message: wrong.message,
        offset: slice.start + wrong.span.start as usize,
        place: None,
    })
}

fn at(slice: Slice<'_>, node: &Node, message: String) -> RequestError {
    RequestError { message, offset: slice.start + node.span.start as usize, place: None }
}

fn string(slice: Slice<'_>) -> Result<Cow<'_, str>, RequestError> {
    if let Ok(Str(text)) = serde_json::from_str(slice.text) {
        return Ok(text);
    }
    node(slice)?;
    Err(error(slice, "this must be a string".to_owned()))
}

/// The value of a field.
struct Given<'a> {
    value: Slice<'a>,
    items: Option<Vec<Slice<'a>>>,
}

fn list<'a>(given: Given<'a>, name: &str) -> Result<Vec<Slice<'a>>, RequestError> {
    match given.items.or_else(|| items(given.value)) {
        Some(items) => Ok(items),
        None => {
            node(given.value)?;
            Err(error(given.value, format!("`{name}` must be a list")))
        }
    }
}

fn documents(
    given: Option<Given<'_>>,
    name: &str,
    cache: &mut Cache,
) -> Result<Vec<Arc<Document>>, RequestError> {
    let Some(given) = given else { return Ok(Vec::new()) };
    let each = list(given, name)?.into_iter().enumerate();
    each.map(|(number, item)| cache.document(item, false, &|| format!("{name}.{}", number + 1)))
        .collect()
}

fn levels(
    given: Option<Given<'_>>,
    cache: &mut Cache,
) -> Result<Vec<Vec<Arc<Document>>>, RequestError> {
    let name = "ServiceControlPolicies";
    let Some(given) = given else { return Ok(Vec::new()) };
    let each = list(given, name)?.into_iter().enumerate();
    let level = |(level, value)| {
        documents(Some(Given { value, items: None }), &format!("{name}.{}", level + 1), cache)
    };
    each.map(level).collect()
}

/// Text of a string, borrowed where it can be.
struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Str<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A list of strings, with where each stands.
fn strings<'a>(
    given: Given<'a>,
    name: &str,
) -> Result<Vec<(Slice<'a>, Cow<'a, str>)>, RequestError> {
    list(given, name)?.into_iter().map(|item| Ok((item, string(item)?))).collect()
}

/// Actions are named in full (*SimulateCustomPolicy*: no wildcards).
fn action_names(given: Given<'_>) -> Result<Vec<Box<str>>, RequestError> {
    let slice = given.value;
    let names = strings(given, "ActionNames")?;
    if names.is_empty() {
        return Err(error(slice, "`ActionNames` names no action".to_owned()));
    }
    let each = names.into_iter().map(|(item, name)| {
        let plain = |part: &str| {
            let odd = |c: char| matches!(c, '*' | '?' | ':') || c.is_whitespace();
            !part.is_empty() && !part.contains(odd)
        };
        match name.split_once(':') {
            Some((service, action)) if plain(service) && plain(action) => Ok(Box::from(&*name)),
            _ => {
                let message = "an action is named in full, as in `ec2:RunInstances`";
                Err(error(item, message.to_owned()))
            }
        }
    });
    each.collect()
}

fn resource_arns(given: Given<'_>) -> Result<Vec<Box<str>>, RequestError> {
    let each = strings(given, "ResourceArns")?.into_iter().map(|(item, arn)| {
        if *arn == *"*" || (arn.starts_with("arn:") && arn.split(':').count() >= 6) {
            Ok(Box::from(&*arn))
        } else {
            Err(error(item, "a resource is `*` or an ARN of six parts".to_owned()))
        }
    });
    each.collect()
}

/// An account as its number, or as the ARN of something in it.
fn account(slice: Slice<'_>) -> Result<Box<str>, RequestError> {
    let owner = string(slice)?;
    let number = if owner.starts_with("arn:") { owner.split(':').nth(4) } else { Some(&*owner) };
    let known = |number: &&str| number.len() == 12 && number.bytes().all(|b| b.is_ascii_digit());
    number.filter(known).map(Box::from).ok_or_else(|| {
        error(slice, "`ResourceOwner` must be an account of twelve digits or its ARN".to_owned())
    })
}

/// An entry as most requests write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    #[serde(rename = "ContextKeyName", borrow)]
    name: Str<'a>,
    #[serde(rename = "ContextKeyType", borrow)]
    kind: Str<'a>,
    #[serde(rename = "ContextKeyValues", borrow)]
    values: Vec<Str<'a>>,
}

fn read_context(slice: Slice<'_>) -> Result<Context, RequestError> {
    let mut context = Context::default();
    if let Ok(entries) = serde_json::from_str::<Vec<Entry<'_>>>(slice.text)
        && entries.iter().all(|entry| is_list(&entry.kind.0).is_some())
    {
        let mut twice = false;
        for Entry { name, kind, values } in entries {
            let texts = values.into_iter().map(|Str(text)| Symbolic::literal(&text)).collect();
            twice |= !set(&mut context, &name.0, is_list(&kind.0).unwrap_or(false), texts);
        }
        if !twice {
            return Ok(context);
        }
    }
    // Something is unusual: look closely, to say what.
    context_of_nodes(slice)
}

/// Sets a key that is not yet set.
fn set(context: &mut Context, name: &str, list: bool, mut values: Vec<Symbolic>) -> bool {
    let key = Key::from(name);
    if context.listed(&key).is_some() {
        return false;
    }
    // A key has several values if its type says so, or if it has not exactly one.
    let values = match values.pop() {
        Some(value) if values.is_empty() && !list => Values::One(value),
        last => {
            values.extend(last);
            Values::Many(values)
        }
    };
    context.set(key, Status::Known(values));
    true
}

fn context_of_nodes(slice: Slice<'_>) -> Result<Context, RequestError> {
    let all = node(slice)?;
    if !matches!(all.value, Value::List(_)) {
        return Err(error(slice, "`ContextEntries` must be a list".to_owned()));
    }
    let mut context = Context::default();
    for item in all.items() {
        if !matches!(item.value, Value::Map(_)) {
            return Err(at(slice, item, "a context entry must be an object".to_owned()));
        }
        let known = ["ContextKeyName", "ContextKeyType", "ContextKeyValues"];
        let odd = item.entries().iter().find(|entry| {
            let key = entry.key.as_literal();
            !key.is_some_and(|key| known.contains(&key))
                || item.entries().iter().filter(|other| other.key.as_literal() == key).count() > 1
        });
        if let Some(odd) = odd {
            let name: String = odd.key.display().chars().take(80).collect();
            let message = format!("`{name}` does not belong in a context entry, or stands twice");
            let offset = slice.start + odd.key.span.start as usize;
            return Err(RequestError { message, offset, place: None });
        }
        let Some(name) = item.get("ContextKeyName").and_then(Node::as_str) else {
            return Err(at(slice, item, "a context entry needs a `ContextKeyName`".to_owned()));
        };
        let list = match item.get("ContextKeyType") {
            None => false,
            Some(kind) => kind.as_str().and_then(is_list).ok_or_else(|| {
                at(slice, kind, "this is not a type of context keys, such as `string`".to_owned())
            })?,
        };
        let values = match item.get("ContextKeyValues") {
            Some(Node { value: Value::List(values), .. }) => values,
            _ => {
                let message = "a context entry needs a list of `ContextKeyValues`";
                return Err(at(slice, item, message.to_owned()));
            }
        };
        let texts = values.iter().map(|value| match &value.value {
            Value::String(text) => Ok(Symbolic::literal(text.as_literal().unwrap_or(""))),
            Value::Number(number) => Ok(Symbolic::literal(number)),
            Value::Bool(value) => Ok(Symbolic::literal(if *value { "true" } else { "false" })),
            Value::Null | Value::List(_) | Value::Map(_) => {
                Err(at(slice, value, "the value of a context key must be a string".to_owned()))
            }
        });
        if !set(&mut context, name, list, texts.collect::<Result<_, _>>()?) {
            let message = format!("the context key `{name}` stands twice; keys ignore case");
            return Err(at(slice, item, message));
        }
    }
    Ok(context)
}

/// Whether a type of context keys (*ContextEntry*) is that of a list; `None` if there is no such type.
fn is_list(kind: &str) -> Option<bool> {
    let (base, list) = match kind.strip_suffix("List") {
        Some(base) => (base, true),
        None => (kind, false),
    };
    matches!(base, "string" | "numeric" | "boolean" | "ip" | "binary" | "date").then_some(list)
}
