//! What AWS says of itself: actions, resource types, condition keys. Facts of one day, embedded in the
//! binary and searched where they stand. This room knows nothing of policies or Karpenter.

mod authorization;
mod globals;

pub use authorization::{
    Access, Action, ArnForm, ConditionKey, KeyType, Name, Part, ResourceType, Row, Service, Tables,
};

use crate::words::nearest_word;

mod tables {
    include!(concat!(env!("OUT_DIR"), "/actions.rs"));

    use super::authorization::Access::*;
    use super::authorization::KeyType::*;
    use super::authorization::{
        Action, ArnForm, ConditionKey, Name, Part, ResourceType, Row, Service, Tables,
    };
    use crate::embedded::Kept;

    include!(concat!(env!("OUT_DIR"), "/authorization.rs"));
}

/// The day of the data.
pub const DATE: &str = tables::DATE;

/// The order of names whatever their case.
fn cmp_ignore_case(a: &str, b: &str) -> std::cmp::Ordering {
    for (one, other) in a.bytes().zip(b.bytes()) {
        if one != other {
            let order = one.to_ascii_lowercase().cmp(&other.to_ascii_lowercase());
            if order.is_ne() {
                return order;
            }
        }
    }
    a.len().cmp(&b.len())
}

/// The actions of a service as one text, sorted by lower-case name.
fn lines(service: &str) -> Option<&'static str> {
    let place =
        tables::SERVICES.binary_search_by(|(name, ..)| cmp_ignore_case(name, service)).ok()?;
    tables::SERVICES.get(place).map(|(_, actions)| actions.text())
}

/// Whether there is such a service prefix, case aside.
#[must_use]
pub fn service_exists(service: &str) -> bool {
    self::service(service).is_some() || lines(service).is_some()
}

/// All service prefixes.
pub fn services() -> impl Iterator<Item = &'static str> {
    tables::SERVICES.iter().map(|(name, ..)| *name)
}

/// The names of a service's actions, sorted; none for a service that does not exist.
pub fn actions(service: &str) -> impl Iterator<Item = &'static str> + use<> {
    lines(service).unwrap_or("").lines()
}

/// Whether `service:name` is an action, case aside.
#[must_use]
pub fn action_exists(service: &str, name: &str) -> bool {
    action_name(service, name).is_some()
}

/// The action as AWS spells it.
#[must_use]
pub fn action_name(prefix: &str, name: &str) -> Option<&'static str> {
    // The services around Karpenter are asked for most.
    if let Some(service) = service(prefix) {
        return service.action(name).map(|action| action.name.text());
    }
    let text = lines(prefix)?;
    // Halves the text, not a list of lines: nothing has to be made beforehand.
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = low.midpoint(high);
        let start = text.get(low..middle)?.rfind('\n').map_or(low, |at| low + at + 1);
        let line = text.get(start..high)?.lines().next()?;
        match cmp_ignore_case(line, name) {
            std::cmp::Ordering::Equal => return Some(line),
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// Whether some action of the service matches the pattern `name`, case aside.
#[must_use]
pub fn any_action_matches(service: &str, name: &str) -> bool {
    let Some(text) = lines(service) else { return false };
    let end = name.find(['*', '?']).unwrap_or(name.len());
    let front = name.get(..end).unwrap_or("");
    // All that begin like the pattern stand together.
    let has_front =
        |line: &str| line.get(..front.len()).is_some_and(|start| start.eq_ignore_ascii_case(front));
    let rest = text.get(first_from(text, front)..).unwrap_or("");
    rest.lines()
        .take_while(|line| has_front(line))
        .any(|line| crate::policy::globs::covers(name, line, true))
}

/// Where the first line that does not stand in front of `name` begins.
fn first_from(text: &str, name: &str) -> usize {
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = low.midpoint(high);
        let Some(before) = text.get(low..middle) else { return 0 };
        let start = before.rfind('\n').map_or(low, |at| low + at + 1);
        let line = text.get(start..high).and_then(|rest| rest.lines().next()).unwrap_or("");
        if cmp_ignore_case(line, name) == std::cmp::Ordering::Less {
            low = start + line.len() + 1;
        } else {
            high = start;
        }
    }
    low.min(text.len())
}

/// The action of the service that is nearest to `name`, if one is near enough to be meant.
#[must_use]
pub fn nearest_action(service: &str, name: &str) -> Option<&'static str> {
    nearest_word(name, actions(service))
}

/// The service that is nearest to `name`, if one is near enough to be meant.
#[must_use]
pub fn nearest_service(name: &str) -> Option<&'static str> {
    nearest_word(name, services())
}

/// What AWS says of the services.
fn tables() -> &'static Tables {
    &tables::TABLES
}

/// The authorisation data of a service; `None` where only its actions are known.
#[must_use]
pub fn service(name: &str) -> Option<&'static Service> {
    tables().services.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// The services that [`service`] knows.
pub fn detailed_services() -> impl Iterator<Item = &'static Service> {
    tables().services.iter()
}

/// What AWS says of `service:Name`; `None` for a service without data or an action that does not exist.
#[must_use]
pub fn authorization(action: &str) -> Option<(&'static Service, &'static Action)> {
    let (prefix, name) = action.split_once(':')?;
    let service = service(prefix)?;
    Some((service, service.action(name)?))
}

/// The keys that AWS fills for `action` on a resource of type `resource_type` (`""` for `*`), but for
/// those that every request has; `None` where there is no data.
#[must_use]
pub fn keys_for(action: &str, resource_type: &str) -> Option<Vec<&'static ConditionKey>> {
    authorization(action).map(|(service, action)| service.keys_for(action, resource_type))
}

/// The key as AWS lists it, found by how a policy writes it: `aws:RequestTag/${TagKey}` for
/// `aws:requesttag/team`. Keys of AWS itself come first.
fn listed_key(key: &str) -> Option<(&'static str, KeyType)> {
    if let Some(found) = globals::find(key) {
        return Some(found);
    }
    let (prefix, _) = key.split_once(':')?;
    let known = service(prefix)?.keys().iter().find(|known| known.matches(key))?;
    Some((known.name.text(), known.kind))
}

/// Whether some service, or AWS itself, knows the condition key. Keys of services without data, and of
/// identity providers, are not known.
#[must_use]
pub fn key_exists(key: &str) -> bool {
    listed_key(key).is_some()
}

/// Whether the data would know the condition key if there was one: it is AWS's own, or its service has
/// data.
#[must_use]
pub fn key_is_judged(key: &str) -> bool {
    key.split_once(':')
        .is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case("aws") || service(prefix).is_some())
}

/// The type of a condition key.
#[must_use]
pub fn condition_key_type(key: &str) -> Option<KeyType> {
    listed_key(key).map(|(_, kind)| kind)
}

/// Whether a condition key has several values at once; `None` where nobody says.
#[must_use]
pub fn is_multivalued(key: &str) -> Option<bool> {
    condition_key_type(key).map(KeyType::is_multivalued)
}

/// The key in AWS's own case: `aws:SourceVpc` for `aws:sourcevpc`. What follows the `/` of a tag key
/// stays as it is.
#[must_use]
pub fn key_display(key: &str) -> String {
    let Some((name, _)) = listed_key(key) else { return key.to_owned() };
    match name.split_once("${") {
        Some((fixed, _)) => format!("{fixed}{}", key.get(fixed.len()..).unwrap_or("")),
        None => name.to_owned(),
    }
}

/// The keys that requests of any service can have.
pub fn global_keys() -> impl Iterator<Item = &'static str> {
    globals::KEYS.iter().map(|(name, _)| *name)
}

/// Whether requests of any service can have the key.
#[must_use]
pub fn is_global_key(key: &str) -> bool {
    globals::find(key).is_some()
}

/// The only action for which AWS lists a condition key, as `iam:PassRole` for `iam:PassedToService`; `None` for
/// keys of several actions, and for those that any request may have (*Service Authorization Reference*).
#[must_use]
pub fn only_carrier(key: &str) -> Option<String> {
    if key.contains('/') || is_global_key(key) {
        return None;
    }
    let service = service(key.split(':').next()?)?;
    let place = service.key_place(key)?;
    let mut all = service.actions().iter().filter(|action| service.carries(action, place));
    match (all.next(), all.next()) {
        (Some(one), None) => Some(format!("{}:{}", service.name, one.name)),
        _ => None,
    }
}

/// The resource type of an ARN, of the services with data. Its sixth part is compared with the ARNs
/// that AWS lists, so wildcards in front of the resource do no harm.
#[must_use]
pub fn resource_type_of(arn: &str) -> Option<(&'static Service, &'static ResourceType)> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, rest) = (parts.nth(2)?, parts.nth(2)?);
    let service = service(prefix)?;
    let kinds = service.types().iter().filter_map(|kind| {
        let of = kind.service()?;
        let fixed = kind.fixed();
        // `queue` has no fixed part at all.
        let fits = rest.starts_with(fixed) && (!fixed.is_empty() || !rest.contains(['/', ':']));
        (fits && of == prefix).then_some((fixed.len(), kind))
    });
    kinds.max_by_key(|(length, _)| *length).map(|(_, kind)| (service, kind))
}

#[cfg(test)]
mod tests;
