//! The authorisation data of one service: which condition keys AWS fills for which action on which
//! resource type. Shared with the build script, which makes it from `rules/aws/authorization.txt`.

use serde::{Deserialize, Serialize};

use crate::embedded::Str;

/// A service and what AWS says of its actions. Lists are sorted by lower-case name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Service {
    /// `ec2`.
    pub name: Str,
    /// The condition keys that the service knows.
    pub keys: Vec<ConditionKey>,
    /// Sets of indices into `keys`; most rows share one with many others.
    pub sets: Vec<Vec<u16>>,
    /// The resource types.
    pub types: Vec<ResourceType>,
    /// The actions.
    pub actions: Vec<Action>,
    /// Whether the rows of actions list the keys of the resource. Else those of the type count.
    pub keys_by_row: bool,
}

/// A condition key, with `${…}` for a variable part: `aws:RequestTag/${TagKey}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ConditionKey {
    /// As AWS spells it.
    pub name: Str,
    /// The type of its values.
    pub kind: KeyType,
}

/// The types of condition keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyType {
    /// Text.
    String,
    /// Several texts.
    ArrayOfString,
    /// An ARN.
    Arn,
    /// Several ARNs.
    ArrayOfArn,
    /// `true` or `false`.
    Bool,
    /// A number.
    Numeric,
    /// A point in time.
    Date,
    /// An address or a range of addresses.
    IpAddress,
}

/// A resource type of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct ResourceType {
    /// `instance`.
    pub name: Str,
    /// `arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}`; empty where AWS gives none.
    pub arn: Str,
    /// Index into [`Service::sets`].
    pub set: u16,
    /// Where the parts of `arn` stand; `None` where it has not six of them.
    pub form: Option<ArnForm>,
}

/// Where the parts of a type's ARN stand, in bytes, so that nobody has to cut it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArnForm {
    /// Where the service begins.
    service: u16,
    /// Where the region begins, behind the colon.
    region: u16,
    /// Where the account begins.
    account: u16,
    /// Where the resource begins, behind the fifth colon.
    rest: u16,
    /// Where the first variable of the resource begins, or the end.
    variable: u16,
    /// Whether the resource is a fixed text with one variable behind it.
    simple: bool,
}

/// An action of a service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Action {
    /// `RunInstances`.
    pub name: Str,
    /// Its access levels.
    pub access: Vec<Access>,
    /// The resource types it is authorised on; none: only on `*`.
    pub rows: Vec<Row>,
    /// Index into [`Service::sets`].
    pub set: u16,
}

/// An action's line for one resource type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Index into [`Service::types`].
    pub kind: u16,
    /// Whether every call names such a resource.
    pub required: bool,
    /// Index into [`Service::sets`].
    pub set: u16,
}

/// What an action does, in the words of the Service Authorization Reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Lists resources.
    List,
    /// Reads them.
    Read,
    /// Changes them.
    Write,
    /// Changes their tags only.
    Tagging,
    /// Grants or changes permissions.
    PermissionsManagement,
}

impl KeyType {
    /// Whether the key can have several values at once.
    #[must_use]
    pub fn is_multivalued(self) -> bool {
        matches!(self, Self::ArrayOfString | Self::ArrayOfArn)
    }
}

impl ArnForm {
    /// Of an ARN as AWS lists it; `None` where that has not six parts.
    #[must_use]
    pub fn new(arn: &str) -> Option<Self> {
        let mut starts = arn.match_indices(':').map(|(at, _)| at + 1).skip(1);
        let mut next = || starts.next().and_then(|at| u16::try_from(at).ok());
        let (service, region, account, rest) = (next()?, next()?, next()?, next()?);
        let resource = arn.get(usize::from(rest)..)?;
        let variable = resource.find('$').unwrap_or(resource.len());
        let tail = resource.get(variable..)?;
        let simple = tail.ends_with('}') && tail.matches('$').count() == 1;
        let variable = rest + u16::try_from(variable).ok()?;
        Some(Self { service, region, account, rest, variable, simple })
    }
}

impl ResourceType {
    /// The part between two places; the first place stands behind a colon.
    fn part(&self, start: u16, end: u16) -> &str {
        self.arn.get(usize::from(start)..usize::from(end)).unwrap_or_default()
    }

    /// The service in its ARN, which need not be the prefix of its actions.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.form.map(|form| self.part(form.service, form.region.saturating_sub(1)))
    }

    /// Whether its ARN names a region.
    #[must_use]
    pub fn has_region(&self) -> bool {
        self.form.is_some_and(|form| form.region + 1 < form.account)
    }

    /// Whether its ARN names an account.
    #[must_use]
    pub fn has_account(&self) -> bool {
        self.form.is_some_and(|form| form.account + 1 < form.rest)
    }

    /// What follows the fifth colon of its ARN: `instance/${InstanceId}`.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.form.and_then(|form| self.arn.get(usize::from(form.rest)..))
    }

    /// The text in front of the first variable of [`Self::resource`]: `instance/`.
    #[must_use]
    pub fn fixed(&self) -> &str {
        self.form.map_or("", |form| self.part(form.rest, form.variable))
    }

    /// Whether [`Self::resource`] is [`Self::fixed`] and one variable.
    #[must_use]
    pub fn is_simple(&self) -> bool {
        self.form.is_some_and(|form| form.simple)
    }
}

/// The order of names whatever their case.
#[must_use]
pub(super) fn cmp_ignore_case(a: &str, b: &str) -> std::cmp::Ordering {
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

impl Service {
    /// The action called `name`, whatever its case.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        let place = self.actions.binary_search_by(|known| cmp_ignore_case(&known.name, name));
        place.ok().and_then(|place| self.actions.get(place))
    }

    /// The resource type called `name`.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.types.iter().find(|known| known.name == *name)
    }

    /// The type of a row of one of this service's actions.
    #[must_use]
    pub fn type_of(&self, row: &Row) -> Option<&ResourceType> {
        self.types.get(usize::from(row.kind))
    }

    /// The row of `action` for the resource type called `name`.
    #[must_use]
    pub fn row<'s>(&'s self, action: &'s Action, name: &str) -> Option<&'s Row> {
        action.rows.iter().find(|row| self.type_of(row).is_some_and(|known| known.name == *name))
    }

    /// The keys that AWS fills for `action` whatever the resource.
    pub fn keys_of_action<'s>(
        &'s self,
        action: &Action,
    ) -> impl Iterator<Item = &'s ConditionKey> + use<'s> {
        self.set(action.set)
    }

    /// The keys that AWS fills for `action` on a resource of the type called `name`: those of the
    /// action and those of the resource, in no order and without repetition; `""` is `*`.
    #[must_use]
    pub fn keys_for<'s>(&'s self, action: &'s Action, name: &str) -> Vec<&'s ConditionKey> {
        let mut keys: Vec<&ConditionKey> = self.set(action.set).collect();
        let row = self.row(action, name);
        keys.extend(row.into_iter().flat_map(|row| self.set(row.set)));
        // Other services than EC2 list the keys of a resource with the type, not with the action.
        let kind = if self.keys_by_row { None } else { row.and_then(|row| self.type_of(row)) };
        keys.extend(kind.into_iter().flat_map(|kind| self.set(kind.set)));
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        keys.dedup_by(|a, b| a.name == b.name);
        keys
    }

    /// The keys listed with a resource type.
    pub fn keys_of_type<'s>(
        &'s self,
        kind: &ResourceType,
    ) -> impl Iterator<Item = &'s ConditionKey> + use<'s> {
        self.set(kind.set)
    }

    /// The place in `keys` of a key as a policy writes it.
    #[must_use]
    pub fn key_place(&self, key: &str) -> Option<u16> {
        let place = self.keys.iter().position(|known| known.matches(key))?;
        u16::try_from(place).ok()
    }

    /// Whether AWS fills the key at `place` for `action` on a resource of any type.
    #[must_use]
    pub fn carries(&self, action: &Action, place: u16) -> bool {
        let has =
            |set: u16| self.sets.get(usize::from(set)).is_some_and(|set| set.contains(&place));
        has(action.set)
            || action
                .rows
                .iter()
                .any(|row| has(row.set) || self.type_of(row).is_some_and(|kind| has(kind.set)))
    }

    fn set(&self, set: u16) -> impl Iterator<Item = &ConditionKey> {
        let places = self.sets.get(usize::from(set)).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|place| self.keys.get(usize::from(*place)))
    }
}

impl ConditionKey {
    /// Whether `key` is this key, case aside; a variable part stands for any text.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        // A name has a `$` only where its variable part begins.
        match self.name.split_once('$') {
            // The variable part is the last one in all keys but a few federation keys.
            Some((fixed, _)) => {
                key.len() > fixed.len()
                    && key.get(..fixed.len()).is_some_and(|start| start.eq_ignore_ascii_case(fixed))
            }
            None => self.name.eq_ignore_ascii_case(key),
        }
    }
}
