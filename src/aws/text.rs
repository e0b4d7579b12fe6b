//! `rules/aws/authorization.txt` as data; only the build script reads it. The form is explained in
//! `rules/aws/rebuild.mjs`.

use crate::aws::{Access, Action, ArnForm, ConditionKey, KeyType, ResourceType, Row, Service};

/// Puts a [`Service`] together from the lines of the catalogue.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    service: Service,
}

impl Builder {
    /// An empty service.
    pub(crate) fn new(name: &str) -> Self {
        Self { service: Service { name: name.into(), ..Service::default() } }
    }

    /// Adds one line of the catalogue; `None` if it cannot be read.
    pub(crate) fn line(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        match (words.next()?, words.next()?, words.next()?, words.next()) {
            ("key", name, kind, None) => {
                let kind = key_type(kind)?;
                self.service.keys.push(ConditionKey { name: name.into(), kind });
            }
            ("type", name, arn, Some(keys)) => {
                let set = self.set(keys)?;
                self.service.types.push(ResourceType {
                    name: name.into(),
                    form: ArnForm::new(arn),
                    arn: arn.into(),
                    set,
                });
            }
            ("action", name, access, Some(keys)) => {
                let access = access.split(',').map(access_level).collect::<Option<_>>()?;
                let set = self.set(keys)?;
                self.service.actions.push(Action {
                    name: name.into(),
                    access,
                    rows: Vec::new(),
                    set,
                });
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
    pub(crate) fn finish(self) -> Service {
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
                self.service.types.push(ResourceType {
                    name: name.into(),
                    arn: "".into(),
                    set,
                    form: None,
                });
                self.service.types.len() - 1
            }
        };
        u16::try_from(place).ok()
    }
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
