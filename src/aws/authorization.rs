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
    set: u16,
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
    set: u16,
}

/// An action's line for one resource type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Index into [`Service::types`].
    pub kind: u16,
    /// Whether every call names such a resource.
    pub required: bool,
    set: u16,
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

    /// The type by the name that the catalogue uses.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "String" => Self::String,
            "ArrayOfString" => Self::ArrayOfString,
            "ARN" => Self::Arn,
            "ArrayOfARN" => Self::ArrayOfArn,
            "Bool" => Self::Bool,
            "Numeric" => Self::Numeric,
            "Date" => Self::Date,
            "IPAddress" => Self::IpAddress,
            _ => return None,
        })
    }
}

impl Access {
    /// The level by the name that the catalogue uses.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "List" => Self::List,
            "Read" => Self::Read,
            "Write" => Self::Write,
            "Tagging" => Self::Tagging,
            "Permissions-management" => Self::PermissionsManagement,
            _ => return None,
        })
    }
}

impl Service {
    /// The action called `name`, whatever its case.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        let name = name.to_ascii_lowercase();
        let place = self.actions.binary_search_by(|known| known.name.to_ascii_lowercase().cmp(&name));
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
    pub fn keys_of_action<'s>(&'s self, action: &Action) -> impl Iterator<Item = &'s ConditionKey> + use<'s> {
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
    pub fn keys_of_type<'s>(&'s self, kind: &ResourceType) -> impl Iterator<Item = &'s ConditionKey> + use<'s> {
        self.set(kind.set)
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
        match self.name.split_once("${") {
            // The variable part is the last one in all keys but a few federation keys.
            Some((fixed, _)) => {
                key.len() > fixed.len()
                    && key.get(..fixed.len()).is_some_and(|start| start.eq_ignore_ascii_case(fixed))
            }
            None => self.name.eq_ignore_ascii_case(key),
        }
    }
}

/// Puts a [`Service`] together from the lines of the catalogue.
#[derive(Debug, Default)]
pub struct Builder {
    service: Service,
}

impl Builder {
    /// An empty service.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { service: Service { name: name.into(), ..Service::default() } }
    }

    /// Adds one line of the catalogue; `None` if it cannot be read.
    pub fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        match (words.next()?, words.next()?, words.next()?, words.next()) {
            ("key", name, kind, None) => {
                let kind = KeyType::parse(kind)?;
                self.service.keys.push(ConditionKey { name: name.into(), kind });
            }
            ("type", name, arn, Some(keys)) => {
                let set = self.set(keys)?;
                self.service.types.push(ResourceType { name: name.into(), arn: arn.into(), set });
            }
            ("action", name, access, Some(keys)) => {
                let access = access.split(',').map(Access::parse).collect::<Option<_>>()?;
                let set = self.set(keys)?;
                self.service.actions.push(Action { name: name.into(), access, rows: Vec::new(), set });
            }
            ("on", name, keys, None) => {
                let set = self.set(keys)?;
                self.service.keys_by_row |= keys != "-";
                let kind = self.kind(name.trim_end_matches('*'))?;
                let row = Row { kind, required: name.ends_with('*'), set };
                self.service.actions.last_mut()?.rows.push(row);
            }
            _ => return None,
        }
        Some(())
    }

    /// The service.
    #[must_use]
    pub fn finish(self) -> Service {
        self.service
    }

    /// The number of a set of keys, joined by commas.
    fn set(&mut self, keys: &str) -> Option<u16> {
        let mut places = Vec::new();
        for key in keys.split(',').filter(|key| *key != "-") {
            let place = self.service.keys.iter().position(|known| known.name == *key);
            let place = place.unwrap_or_else(|| {
                // A key of another service, such as elasticloadbalancing:ResourceTag/${TagKey}.
                self.service.keys.push(ConditionKey { name: key.into(), kind: KeyType::String });
                self.service.keys.len() - 1
            });
            places.push(u16::try_from(place).ok()?);
        }
        let known = self.service.sets.iter().position(|set| *set == places);
        let place = known.unwrap_or_else(|| {
            self.service.sets.push(places);
            self.service.sets.len() - 1
        });
        u16::try_from(place).ok()
    }

    /// The number of a resource type; a type of another service gets one of its own.
    fn kind(&mut self, name: &str) -> Option<u16> {
        let known = self.service.types.iter().position(|known| known.name == *name);
        let place = match known {
            Some(place) => place,
            None => {
                let set = self.set("-")?;
                self.service.types.push(ResourceType { name: name.into(), arn: "".into(), set });
                self.service.types.len() - 1
            }
        };
        u16::try_from(place).ok()
    }
}
