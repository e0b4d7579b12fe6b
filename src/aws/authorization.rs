//! The authorisation data of the services: which condition keys AWS fills for which action on which
//! resource type. Shared with the build script, which makes the tables from `rules/aws/authorization.txt`; they
//! are used where they stand in the binary, so that nothing is read when the program starts.

use super::tables;
use crate::embedded::Kept;

/// All services in tables, that refer to each other by number. One of a service stands beside the next of its own.
#[derive(Debug, Default)]
pub struct Tables {
    /// The services, by name.
    pub services: &'static [Service],
    /// Condition keys.
    pub keys: &'static [ConditionKey],
    /// Sets of keys, as parts of `places`; most rows share one with many others.
    pub sets: &'static [Part],
    /// Indices into `keys`.
    pub places: &'static [u16],
    /// Resource types.
    pub types: &'static [ResourceType],
    /// Actions, those of a service sorted by lower-case name.
    pub actions: &'static [Action],
    /// The same actions by their names: those of a service stand where its actions stand, sorted by the hash of
    /// the lower-case name.
    pub names: &'static [Name],
    /// Lines of actions for resource types.
    pub rows: &'static [Row],
    /// Access levels of actions.
    pub levels: &'static [Access],
}

/// A part of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// The first.
    pub start: u16,
    /// How many.
    pub len: u16,
}

/// Where the action of a name stands: to compare numbers is faster than to compare names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// [`Name::hash`] of the name.
    pub hash: u32,
    /// Index into [`Tables::actions`].
    pub action: u16,
}

/// A service and what AWS says of its actions.
#[derive(Debug)]
pub struct Service {
    /// `ec2`.
    pub name: Kept,
    /// Of [`Tables::keys`].
    pub keys: Part,
    /// Of [`Tables::types`].
    pub types: Part,
    /// Of [`Tables::actions`].
    pub actions: Part,
    /// Whether the rows of actions list the keys of the resource. Else those of the type count.
    pub keys_by_row: bool,
}

/// A condition key, with `${…}` for a variable part: `aws:RequestTag/${TagKey}`.
#[derive(Debug)]
pub struct ConditionKey {
    /// As AWS spells it.
    pub name: Kept,
    /// How long the name is in front of its variable part, in bytes; `None` where it has none.
    pub fixed: Option<u16>,
    /// The type of its values.
    pub kind: KeyType,
}

/// The types of condition keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug)]
pub struct ResourceType {
    /// `instance`.
    pub name: Kept,
    /// `arn:${Partition}:ec2:${Region}:${Account}:instance/${InstanceId}`; empty where AWS gives none.
    pub arn: Kept,
    /// Index into [`Tables::sets`].
    pub set: u16,
    /// Where the parts of `arn` stand; `None` where it has not six of them.
    pub form: Option<ArnForm>,
}

/// The parts of a type's ARN, so that nobody has to cut it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArnForm {
    /// The service in it.
    pub(super) service: Kept,
    /// What follows the fifth colon.
    pub(super) resource: Kept,
    /// The text of that in front of its first variable.
    pub(super) fixed: Kept,
    /// Whether the ARN names a region.
    pub(super) has_region: bool,
    /// Whether it names an account.
    pub(super) has_account: bool,
    /// Whether the resource is a fixed text with one variable behind it.
    pub(super) is_simple: bool,
}

/// An action of a service.
#[derive(Debug)]
pub struct Action {
    /// `RunInstances`.
    pub name: Kept,
    /// Of [`Tables::levels`].
    pub access: Part,
    /// Of [`Tables::rows`].
    pub rows: Part,
    /// Index into [`Tables::sets`].
    pub set: u16,
}

/// An action's line for one resource type.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Index into [`Tables::types`].
    pub kind: u16,
    /// Whether every call names such a resource.
    pub required: bool,
    /// Index into [`Tables::sets`].
    pub set: u16,
}

/// What an action does, in the words of the Service Authorization Reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl ResourceType {
    /// The service in its ARN, which need not be the prefix of its actions.
    #[must_use]
    pub fn service(&self) -> Option<&'static str> {
        self.form.map(|form| form.service.text())
    }

    /// Whether its ARN names a region.
    #[must_use]
    pub fn has_region(&self) -> bool {
        self.form.is_some_and(|form| form.has_region)
    }

    /// Whether its ARN names an account.
    #[must_use]
    pub fn has_account(&self) -> bool {
        self.form.is_some_and(|form| form.has_account)
    }

    /// What follows the fifth colon of its ARN: `instance/${InstanceId}`.
    #[must_use]
    pub fn resource(&self) -> Option<&'static str> {
        self.form.map(|form| form.resource.text())
    }

    /// The text in front of the first variable of [`Self::resource`]: `instance/`.
    #[must_use]
    pub fn fixed(&self) -> &'static str {
        self.form.map_or("", |form| form.fixed.text())
    }

    /// The keys listed with it.
    pub fn keys(&self) -> impl Iterator<Item = &'static ConditionKey> + use<> {
        set(self.set)
    }

    /// Whether [`Self::resource`] is [`Self::fixed`] and one variable.
    #[must_use]
    pub fn is_simple(&self) -> bool {
        self.form.is_some_and(|form| form.is_simple)
    }
}

impl Part {
    /// The part of a table.
    #[must_use]
    pub fn of<T>(self, table: &[T]) -> &[T] {
        let start = usize::from(self.start);
        table.get(start..start + usize::from(self.len)).unwrap_or_default()
    }
}

impl Name {
    /// The hash of a name, the same whatever its case (FNV-1a).
    #[must_use]
    pub fn hash(name: &str) -> u32 {
        let step = |hash: u32, byte: u8| {
            (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
        };
        name.bytes().fold(0x811c_9dc5, step)
    }
}

impl Action {
    /// Its access levels.
    #[must_use]
    pub fn access(&self) -> &'static [Access] {
        self.access.of(tables().levels)
    }

    /// The resource types it is authorised on; none: only on `*`.
    #[must_use]
    pub fn rows(&self) -> &'static [Row] {
        self.rows.of(tables().rows)
    }

    /// The keys that AWS fills for it whatever the resource.
    pub fn keys(&self) -> impl Iterator<Item = &'static ConditionKey> + use<> {
        set(self.set)
    }

    /// The row for the resource type called `name`.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&'static Row> {
        self.rows().iter().find(|row| row.resource_type().is_some_and(|known| *known.name == *name))
    }
}

impl Row {
    /// The resource type.
    #[must_use]
    pub fn resource_type(&self) -> Option<&'static ResourceType> {
        tables().types.get(usize::from(self.kind))
    }
}

impl Service {
    /// The condition keys that the service knows.
    #[must_use]
    pub fn keys(&self) -> &'static [ConditionKey] {
        self.keys.of(tables().keys)
    }

    /// The resource types.
    #[must_use]
    pub fn types(&self) -> &'static [ResourceType] {
        self.types.of(tables().types)
    }

    /// The actions, sorted by lower-case name.
    #[must_use]
    pub fn actions(&self) -> &'static [Action] {
        self.actions.of(tables().actions)
    }

    /// The action called `name`, whatever its case.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&'static Action> {
        let (names, hash) = (self.actions.of(tables().names), Name::hash(name));
        let first = names.partition_point(|known| known.hash < hash);
        // Hashes may be the same where names are not.
        names.get(first..)?.iter().take_while(|known| known.hash == hash).find_map(|known| {
            let action = tables().actions.get(usize::from(known.action))?;
            action.name.eq_ignore_ascii_case(name).then_some(action)
        })
    }

    /// The resource type called `name`.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&'static ResourceType> {
        self.types().iter().find(|known| *known.name == *name)
    }

    /// The keys that AWS fills for `action` on a resource of the type called `name`: those of the
    /// action and those of the resource, in no order and without repetition; `""` is `*`.
    #[must_use]
    pub fn keys_for(&self, action: &Action, name: &str) -> Vec<&'static ConditionKey> {
        let mut keys: Vec<&ConditionKey> = action.keys().collect();
        let row = action.row(name);
        keys.extend(row.into_iter().flat_map(|row| set(row.set)));
        // Other services than EC2 list the keys of a resource with the type, not with the action.
        let kind = if self.keys_by_row { None } else { row.and_then(Row::resource_type) };
        keys.extend(kind.into_iter().flat_map(ResourceType::keys));
        keys.sort_unstable_by_key(|key| key.name.text());
        keys.dedup_by_key(|key| key.name);
        keys
    }

    /// The place in [`Tables::keys`] of a key as a policy writes it.
    #[must_use]
    pub fn key_place(&self, key: &str) -> Option<u16> {
        let place = self.keys().iter().position(|known| known.matches(key))?;
        u16::try_from(place).ok().map(|place| self.keys.start + place)
    }

    /// Whether AWS fills the key at `place` for `action` on a resource of any type.
    #[must_use]
    pub fn carries(&self, action: &Action, place: u16) -> bool {
        let has = |kind: &ResourceType| places(kind.set).contains(&place);
        self.names(action, place)
            || action.rows().iter().any(|row| row.resource_type().is_some_and(has))
    }

    /// Whether the key at `place` is listed with `action` itself, and not only with a type of its resources.
    #[must_use]
    pub fn names(&self, action: &Action, place: u16) -> bool {
        let has = |set: u16| places(set).contains(&place);
        has(action.set) || action.rows().iter().any(|row| has(row.set))
    }
}

fn places(set: u16) -> &'static [u16] {
    let part = tables().sets.get(usize::from(set)).copied().unwrap_or_default();
    part.of(tables().places)
}

fn set(set: u16) -> impl Iterator<Item = &'static ConditionKey> + use<> {
    places(set).iter().filter_map(|place| tables().keys.get(usize::from(*place)))
}

impl ConditionKey {
    /// A key as AWS lists it.
    #[must_use]
    pub fn new(name: Kept, kind: KeyType) -> Self {
        // A name has a `$` only where its variable part begins, which is the last one in all keys but a few
        // federation keys.
        let fixed = name.find('$').and_then(|at| u16::try_from(at).ok());
        Self { name, fixed, kind }
    }

    /// Whether `key` is this key, case aside; a variable part stands for any text.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        match self.fixed {
            Some(fixed) => begins_like(key, self.name.get(..usize::from(fixed)).unwrap_or("")),
            None => self.name.eq_ignore_ascii_case(key),
        }
    }
}

/// Whether `key` is `fixed`, case aside, and something behind it.
pub(super) fn begins_like(key: &str, fixed: &str) -> bool {
    let start = key.get(..fixed.len()).filter(|_| key.len() > fixed.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(fixed))
}
