//! `rules/aws/authorization.txt` as data; only the build script reads it. The form is explained in
//! `rules/aws/rebuild.mjs`.

use crate::aws::{
    Access, Action, ArnForm, ConditionKey, KeyType, Name, Part, ResourceType, Row, Service, Tables,
};
use crate::embedded::Kept;
use crate::texts;

/// Puts [`Tables`] together from the lines of the catalogue, service by service.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    services: Vec<Service>,
    keys: Vec<ConditionKey>,
    sets: Vec<Part>,
    places: Vec<u16>,
    types: Vec<ResourceType>,
    actions: Vec<Action>,
    rows: Vec<Row>,
    levels: Vec<Access>,
}

impl Builder {
    /// Begins the next service.
    pub(crate) fn service(&mut self, name: &str) -> Option<()> {
        let keys = part(&self.keys, self.keys.len())?;
        let types = part(&self.types, self.types.len())?;
        let actions = part(&self.actions, self.actions.len())?;
        let name = texts::keep(name)?;
        self.services.push(Service { name, keys, types, actions, keys_by_row: false });
        Some(())
    }

    /// Adds one line of the catalogue; `None` if it cannot be read.
    pub(crate) fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        match (words.next()?, words.next()?, words.next()?, words.next()) {
            ("key", name, kind, None) => self.key(name, key_type(kind)?)?,
            ("type", name, arn, Some(keys)) => self.resource_type(name, arn, keys)?,
            ("action", name, access, Some(keys)) => {
                let set = self.set(keys)?;
                let first = self.levels.len();
                for level in access.split(',') {
                    self.levels.push(access_level(level)?);
                }
                let access = part(&self.levels, first)?;
                let rows = part(&self.rows, self.rows.len())?;
                self.actions.push(Action { name: texts::keep(name)?, access, rows, set });
                self.services.last_mut()?.actions.len += 1;
            }
            ("on", name, keys, None) => {
                let set = self.set(keys)?;
                self.services.last_mut()?.keys_by_row |= keys != "-";
                let kind = self.kind(name.trim_end_matches('*'))?;
                self.rows.push(Row { kind, required: name.ends_with('*'), set });
                self.actions.last_mut()?.rows.len += 1;
            }
            _ => return None,
        }
        Some(())
    }

    /// The tables.
    pub(crate) fn finish(self) -> Tables {
        let names = self.services.iter().flat_map(|service| {
            let first = service.actions.start;
            let own = (first..).zip(service.actions.of(&self.actions));
            let name =
                |(action, known): (u16, &Action)| Name { hash: Name::hash(&known.name), action };
            let mut names: Vec<Name> = own.map(name).collect();
            names.sort_unstable();
            names
        });
        Tables {
            names: names.collect::<Vec<_>>().leak(),
            services: self.services.leak(),
            keys: self.keys.leak(),
            sets: self.sets.leak(),
            places: self.places.leak(),
            types: self.types.leak(),
            actions: self.actions.leak(),
            rows: self.rows.leak(),
            levels: self.levels.leak(),
        }
    }

    fn key(&mut self, name: &str, kind: KeyType) -> Option<()> {
        self.keys.push(ConditionKey::new(texts::keep(name)?, kind));
        self.services.last_mut()?.keys.len += 1;
        Some(())
    }

    fn resource_type(&mut self, name: &str, arn: &str, keys: &str) -> Option<()> {
        let set = self.set(keys)?;
        let (name, arn) = (texts::keep(name)?, texts::keep(arn)?);
        self.types.push(ResourceType { name, form: arn_form(arn), arn, set });
        self.services.last_mut()?.types.len += 1;
        Some(())
    }

    /// The number of a set of keys, joined by commas.
    fn set(&mut self, keys: &str) -> Option<u16> {
        let first = usize::from(self.services.last()?.keys.start);
        let mut places = Vec::new();
        for key in keys.split(',').filter(|key| *key != "-") {
            let mut own = self.keys.iter().enumerate().skip(first);
            let place = match own.find(|(_, known)| *known.name == *key) {
                Some((place, _)) => place,
                None => {
                    // A key of another service, such as elasticloadbalancing:ResourceTag/${TagKey}.
                    self.key(key, KeyType::String)?;
                    self.keys.len() - 1
                }
            };
            places.push(u16::try_from(place).ok()?);
        }
        let known = self.sets.iter().position(|set| set.of(&self.places) == places);
        let place = match known {
            Some(place) => place,
            None => {
                let first = self.places.len();
                self.places.extend(places);
                self.sets.push(part(&self.places, first)?);
                self.sets.len() - 1
            }
        };
        u16::try_from(place).ok()
    }

    /// The number of a resource type; a type of another service gets one of its own.
    fn kind(&mut self, name: &str) -> Option<u16> {
        let first = usize::from(self.services.last()?.types.start);
        let mut own = self.types.iter().enumerate().skip(first);
        let place = match own.find(|(_, known)| *known.name == *name) {
            Some((place, _)) => place,
            None => {
                self.resource_type(name, "", "-")?;
                self.types.len() - 1
            }
        };
        u16::try_from(place).ok()
    }
}

/// What stands in a table from `first` on.
fn part<T>(table: &[T], first: usize) -> Option<Part> {
    let len = u16::try_from(table.len() - first).ok()?;
    Some(Part { start: u16::try_from(first).ok()?, len })
}

/// The parts of an ARN as AWS lists it; `None` where that has not six of them.
fn arn_form(arn: Kept) -> Option<ArnForm> {
    let mut parts = arn.text().splitn(6, ':');
    let service = parts.nth(2)?;
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let (fixed, tail) = resource.split_at_checked(resource.find('$').unwrap_or(resource.len()))?;
    Some(ArnForm {
        service: texts::keep(service)?,
        resource: texts::keep(resource)?,
        fixed: texts::keep(fixed)?,
        has_region: !region.is_empty(),
        has_account: !account.is_empty(),
        is_simple: tail.ends_with('}') && tail.matches('$').count() == 1,
    })
}

fn key_type(text: &str) -> Option<KeyType> {
    Some(match text {
        "String" => KeyType::String,
        "ArrayOfString" => KeyType::ArrayOfString,
        "ARN" => KeyType::Arn,
        "ArrayOfARN" => KeyType::ArrayOfArn,
        "Bool" => KeyType::Bool,
        "Numeric" => KeyType::Numeric,
        "Date" => KeyType::Date,
        "IPAddress" => KeyType::IpAddress,
        _ => return None,
    })
}

fn access_level(text: &str) -> Option<Access> {
    Some(match text {
        "List" => Access::List,
        "Read" => Access::Read,
        "Write" => Access::Write,
        "Tagging" => Access::Tagging,
        "Permissions-management" => Access::PermissionsManagement,
        _ => return None,
    })
}
