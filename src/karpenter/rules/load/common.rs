//! What requests share: placeholders, sets of tags, and the keys that follow from an action.

use super::super::files::{RuleError, Table, Value};
use super::super::template::{Class, Placeholder, Shape, Source, Template};
use super::super::text::Str;
use super::super::version::Versions;
use super::super::{GlobalKey, GlobalStatus, Rules, TagSet};

/// The names that files refer to.
#[derive(Debug, Default)]
pub(super) struct Names {
    placeholders: Vec<String>,
    /// Placeholders that may have several values: they must stand alone.
    several: Vec<u8>,
    tag_sets: Vec<String>,
    /// Keys that are absent where an entry does not list them.
    pub(super) absent: Vec<String>,
}

/// Keys that follow from the action.
#[derive(Debug)]
pub(super) struct Implied<'f> {
    actions: Vec<&'f str>,
    except: Vec<&'f str>,
    inside: bool,
    from_template: bool,
    /// Only where AWS lists the key.
    pub(super) listed: bool,
    /// Keys and values.
    pub(super) context: Vec<(&'f str, Value<'f>)>,
}

impl Implied<'_> {
    /// Whether the keys belong to `action`, checked for `call`.
    pub(super) fn applies(&self, action: &str, call: &str, from_template: bool) -> bool {
        let covers = |pattern: &&str| match pattern.strip_suffix('*') {
            Some(start) => action.starts_with(start),
            None => action == *pattern,
        };
        self.actions.iter().any(covers)
            && !self.except.contains(&action)
            && (!self.inside || action != call)
            && (!self.from_template || from_template)
    }
}

impl Names {
    /// A text with placeholders.
    pub(super) fn template(&self, value: &Value<'_>, text: &str) -> Result<Template, RuleError> {
        if !text.is_ascii() {
            return Err(value.error("expected plain ASCII text"));
        }
        let place = |name: &str| {
            let place = self.placeholders.iter().position(|known| known == name);
            place.and_then(|place| u8::try_from(place).ok())
        };
        let template = Template::parse(text, place).map_err(|name| {
            let error = value.error(format!("there is no placeholder `${{{name}}}`"));
            error.did_you_mean(&name, self.placeholders.iter().map(String::as_str))
        })?;
        let mut holes = std::collections::BTreeSet::new();
        template.holes(&mut holes);
        if template.alone().is_none() && self.several.iter().any(|several| holes.contains(several))
        {
            return Err(value.error("a placeholder that is one of several values must stand alone"));
        }
        Ok(template)
    }

    /// The index of the set of tags that `value` names, in the form of `generation`.
    pub(super) fn tag_set(
        &self,
        value: &Value<'_>,
        generation: Option<&str>,
    ) -> Result<u16, RuleError> {
        let mut name = value.text()?.to_owned();
        if let Some(generation) = generation.filter(|_| !name.contains('.')) {
            name = format!("{name}.{generation}");
        }
        let place = self
            .tag_sets
            .iter()
            .position(|known| *known == name)
            .and_then(|place| u16::try_from(place).ok());
        place.ok_or_else(|| {
            let error = value.error(format!("there is no set of tags `{name}`"));
            error.did_you_mean(&name, self.tag_sets.iter().map(String::as_str))
        })
    }

    pub(super) fn placeholders(
        &mut self,
        file: &Table<'_>,
        rules: &mut Rules,
    ) -> Result<(), RuleError> {
        self.placeholders = file.iter().map(|(name, _)| name.text.to_owned()).collect();
        for (name, value) in file.iter() {
            let known = [
                "meaning",
                "from",
                "arn",
                "text",
                "one_of",
                "by_version",
                "by_partition",
                "by_region",
                "prefix",
                "shape",
            ];
            let table = value.fields(&known)?;
            let mut by_version = Vec::new();
            for item in table.get("by_version").map_or(Ok(Vec::new()), Value::list)? {
                let table = item.fields(&["versions", "text", "one_of"])?;
                by_version.push((table.need("versions")?.versions()?, self.source(&table)?));
            }
            let from_settings = match table.text("from")? {
                None => false,
                Some("settings") => true,
                Some(_) => return Err(table.need("from")?.error("expected `settings`")),
            };
            let source = self.source(&table)?;
            let several =
                |source: &Source| matches!(source, Source::OneOf(_) | Source::ByRegion(_));
            if several(&source) || by_version.iter().any(|(_, source)| several(source)) {
                self.several.extend(u8::try_from(rules.placeholders.len()));
            }
            let shape = table.get("shape").map(|shape| read_shape(&table, shape)).transpose()?;
            let arn = table.text("arn")?.map(Str::from);
            if shape.is_none() && arn.is_none() && matches!(source, Source::Unknown) {
                return Err(table.error(format!(
                    "the placeholder `{}` has neither a value nor a shape",
                    name.text
                )));
            }
            let meaning = table.need("meaning")?.text()?.into();
            let name = name.text.into();
            rules.placeholders.push(Placeholder {
                name,
                meaning,
                from_settings,
                arn,
                by_version,
                source,
                shape,
            });
        }
        if rules.placeholders.len() > usize::from(u8::MAX) {
            return Err(file.error("there are more than 255 placeholders"));
        }
        Ok(())
    }

    fn source(&self, table: &Table<'_>) -> Result<Source, RuleError> {
        let pairs = |value: &Value<'_>| -> Result<Vec<(Str, Str)>, RuleError> {
            value
                .table()?
                .iter()
                .map(|(name, value)| Ok((name.text.into(), value.text()?.into())))
                .collect()
        };
        Ok(if let Some(text) = table.get("text") {
            Source::Text(self.template(text, text.text()?)?)
        } else if let Some(list) = table.get("one_of") {
            Source::OneOf(list.texts()?.into_iter().map(Str::from).collect())
        } else if let Some(map) = table.get("by_partition") {
            Source::ByPartition(pairs(map)?)
        } else if let Some(map) = table.get("by_region") {
            Source::ByRegion(pairs(map)?)
        } else {
            Source::Unknown
        })
    }

    pub(super) fn tags(&mut self, file: &Table<'_>, rules: &mut Rules) -> Result<(), RuleError> {
        for (name, value) in file.iter() {
            let table = value.fields(&["extends", "without", "spec_tags", "yields", "tags"])?;
            let mut set = match table.get("extends") {
                // A set can only extend one that stands above it, so there are no circles.
                Some(base) => {
                    let place = usize::from(self.tag_set(base, None)?);
                    rules
                        .tag_sets
                        .get(place)
                        .cloned()
                        .ok_or_else(|| base.error("there is no such set of tags"))?
                }
                None => TagSet {
                    name: Str::default(),
                    spec_tags: false,
                    yields: Vec::new(),
                    tags: Vec::new(),
                },
            };
            set.name = name.text.into();
            set.spec_tags |= table.flag("spec_tags")?;
            for item in table.get("without").map_or(Ok(Vec::new()), Value::list)? {
                let key = self.template(&item, item.text()?)?;
                let before = set.tags.len();
                set.tags.retain(|(known, _)| *known != key);
                if set.tags.len() == before {
                    return Err(item.error("the set that is extended has no such tag"));
                }
            }
            set.yields.extend(table.texts("yields")?.into_iter().map(Str::from));
            for (key, tag) in
                table.get("tags").map(Value::table).transpose()?.iter().flat_map(Table::iter)
            {
                let key = self.template(tag, key.text)?;
                let text = self.template(tag, tag.text()?)?;
                match set.tags.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, old)) => *old = text,
                    None => set.tags.push((key, text)),
                }
            }
            if set.tags.is_empty() {
                return Err(file.error_at(name, "the set has no tags"));
            }
            self.tag_sets.push(name.text.to_owned());
            rules.tag_sets.push(set);
        }
        Ok(())
    }

    pub(super) fn context<'f>(
        &mut self,
        file: &Table<'f>,
        rules: &mut Rules,
    ) -> Result<Vec<Implied<'f>>, RuleError> {
        file.only(&["default", "absent", "global"])?;
        let mut defaults = Vec::new();
        for item in file.get("default").map_or(Ok(Vec::new()), Value::list)? {
            let table = item.fields(&[
                "actions",
                "except",
                "inside",
                "from_template",
                "listed",
                "context",
            ])?;
            let context = table.need("context")?.table()?;
            defaults.push(Implied {
                actions: table.need("actions")?.texts()?,
                except: table.texts("except")?,
                inside: table.flag("inside")?,
                from_template: table.flag("from_template")?,
                listed: table.flag("listed")?,
                context: context.iter().map(|(name, value)| (name.text, value.clone())).collect(),
            });
        }
        let absent = file.get("absent").map(Value::table).transpose()?;
        self.absent =
            absent.iter().flat_map(Table::iter).map(|(name, _)| name.text.to_owned()).collect();
        for item in file.get("global").map_or(Ok(Vec::new()), Value::list)? {
            let table = item.fields(&["key", "value", "presence", "by_service", "why"])?;
            let status = match table.get("value") {
                Some(value) => GlobalStatus::Value(self.template(value, value.text()?)?),
                None => read_status(table.need("presence")?)?,
            };
            let by_service = table.get("by_service").map_or(Ok(status.clone()), read_status)?;
            let (key, why) = (table.need("key")?.text()?.into(), table.need("why")?.text()?.into());
            rules.globals.push(GlobalKey { key, status, by_service, why });
        }
        Ok(defaults)
    }

    /// Refuses a set of tags that neither a request nor another set uses: it would be a mistake.
    pub(super) fn unused(&self, rules: &Rules, file: &Table<'_>) -> Result<(), RuleError> {
        for (place, (name, _)) in file.iter().enumerate() {
            let here = u16::try_from(place).ok();
            let entries = rules.requests.iter().flat_map(|request| &request.entries);
            let asked = entries
                .flat_map(|entry| [entry.request_tags, entry.resource_tags])
                .any(|used| used == here);
            let extends = |value: &Value<'_>| {
                value.table().is_ok_and(|table| {
                    table.text("extends").is_ok_and(|base| base == Some(name.text))
                })
            };
            if !asked && !file.iter().any(|(_, value)| extends(value)) {
                return Err(
                    file.error_at(name, format!("no request uses the set of tags `{}`", name.text))
                );
            }
        }
        Ok(())
    }
}

fn read_status(value: &Value<'_>) -> Result<GlobalStatus, RuleError> {
    Ok(match value.text()? {
        "present" => GlobalStatus::Present,
        "absent" => GlobalStatus::Absent,
        "unknown" => GlobalStatus::Unknown,
        _ => return Err(value.error("expected `present`, `absent` or `unknown`")),
    })
}

fn read_shape(table: &Table<'_>, value: &Value<'_>) -> Result<Shape, RuleError> {
    let shape = value.fields(&["class", "length"])?;
    let class = shape.need("class")?;
    let names = ["any", "name", "word", "digits", "hex", "path"];
    let known = Class::parse(class.text()?).ok_or_else(|| {
        let word = class.text().unwrap_or_default();
        class.error(format!("there is no class of characters `{word}`")).did_you_mean(word, names)
    })?;
    let length = shape.need("length")?;
    let (min, max) = match length.list()?.as_slice() {
        [min, max] => (min.number()?, max.number()?),
        _ => return Err(length.error("expected the fewest and the most characters, `[1, 63]`")),
    };
    let prefix = table.text("prefix")?.unwrap_or_default().into();
    Ok(Shape { prefix, class: known, min, max })
}

/// `versions` of an entry or failure that never overlap those of its request would never apply.
pub(super) fn overlap(a: &Versions, b: &Versions) -> bool {
    a.0.is_empty() || b.0.is_empty() || {
        let meets = |(from, to): &(_, Option<_>), (start, end): &(_, Option<_>)| {
            end.is_none_or(|end| *from < end) && to.is_none_or(|to| *start < to)
        };
        a.0.iter().any(|a| b.0.iter().any(|b| meets(a, b)))
    }
}
