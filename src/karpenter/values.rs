//! What the placeholders stand for in one installation.

use super::rules::Rules;
use super::rules::template::{
    Class as RuleClass, Part, Placeholder, Shape as RuleShape, Source, Template,
};
use super::rules::version::Version;
use crate::policy::symbolic::{Builder, Class, Shape, Symbolic, Symbols};
use crate::settings::Settings;
use crate::settings::facts::ClassFacts;

/// The value of a placeholder.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// One value.
    One(Symbolic),
    /// One of these, nobody knows which.
    OneOf(Vec<Symbolic>),
    /// Each of these in turn.
    Each(Vec<Symbolic>),
    /// Goes with the EC2NodeClass whose turn it is.
    ByClass(Vec<Value>),
}

/// The values of all placeholders, in the order of the rules.
#[derive(Debug)]
pub(super) struct Values {
    all: Vec<Value>,
    /// The placeholders for the names of NodePool and EC2NodeClass.
    pool: Option<u8>,
    class: Option<u8>,
}

/// Which of several values is meant: index by placeholder, for those that stand for each in turn.
pub(super) type Choice = Vec<(u8, usize)>;

impl Values {
    /// Those of each of `versions`. What nobody knows is the same unknown in all of them, and unknowns come in
    /// the order of the placeholders however many versions there are.
    pub(super) fn of_each(
        rules: &Rules,
        settings: &Settings,
        versions: &[Version],
        symbols: &mut Symbols,
    ) -> Vec<Self> {
        let mut maker = Maker {
            rules,
            settings,
            version: settings.karpenter,
            symbols,
            unknown: vec![None; rules.placeholders.len()],
            made: Vec::new(),
        };
        let mut made: Vec<Vec<Option<Value>>> =
            vec![vec![None; rules.placeholders.len()]; versions.len()];
        for place in 0..rules.placeholders.len() {
            for (version, made) in versions.iter().zip(&mut made) {
                maker.version = *version;
                std::mem::swap(&mut maker.made, made);
                maker.value(place, 0);
                std::mem::swap(&mut maker.made, made);
            }
        }
        let place = |name: &str| {
            let place = rules.placeholders.iter().position(|known| &*known.name == name)?;
            u8::try_from(place).ok()
        };
        let (pool, class) = (place("nodepool"), place("nodeclass"));
        let values = |made: Vec<Option<Value>>| {
            made.into_iter().map(|made| made.unwrap_or(Value::OneOf(Vec::new()))).collect()
        };
        made.into_iter().map(|made| Self { all: values(made), pool, class }).collect()
    }

    /// Whether a placeholder stands for the same as among `other`.
    pub(super) fn is_same(&self, other: &Self, place: u8) -> bool {
        self.all.get(usize::from(place)) == other.all.get(usize::from(place))
    }

    /// The placeholder by which `place` takes turns: its own, or that of the EC2NodeClass it goes with.
    pub(super) fn turn(&self, place: u8) -> u8 {
        match (self.all.get(usize::from(place)), self.class) {
            (Some(Value::ByClass(_)), Some(class)) => class,
            _ => place,
        }
    }

    /// The placeholder by which EC2NodeClasses take turns.
    pub(super) fn class_place(&self) -> Option<u8> {
        self.class
    }

    /// Which EC2NodeClass has its turn, by index.
    pub(super) fn class_of(&self, choice: &Choice) -> usize {
        turn_of(self.class, choice).unwrap_or(0)
    }

    /// The placeholder by which NodePools take turns.
    pub(super) fn pool_place(&self) -> Option<u8> {
        self.pool
    }

    /// Which NodePool and which EC2NodeClass have their turn, by index.
    pub(super) fn pair_of(&self, choice: &Choice) -> (usize, usize) {
        (turn_of(self.pool, choice).unwrap_or(0), self.class_of(choice))
    }

    /// How many values the placeholder stands for in turn; 1 for all others.
    pub(super) fn turns(&self, place: u8) -> usize {
        match self.all.get(usize::from(place)) {
            Some(Value::Each(values)) => values.len(),
            _ => 1,
        }
    }

    /// Whether any placeholder stands for several values in turn.
    pub(super) fn any_turns(&self) -> bool {
        self.all.iter().any(|value| matches!(value, Value::Each(values) if values.len() > 1))
    }

    /// The value of a placeholder for the EC2NodeClass whose turn it is.
    fn value(&self, place: u8, choice: &Choice) -> Option<&Value> {
        match self.all.get(usize::from(place))? {
            Value::ByClass(values) => values.get(self.class_of(choice)),
            value => Some(value),
        }
    }

    fn one(&self, place: u8, choice: &Choice) -> Option<&Symbolic> {
        match self.value(place, choice)? {
            Value::One(value) => Some(value),
            Value::OneOf(values) => values.first(),
            Value::Each(values) => values.get(turn_of(Some(place), choice).unwrap_or(0)),
            Value::ByClass(_) => None,
        }
    }

    /// The text with its values.
    pub(super) fn fill(&self, template: &Template, choice: &Choice) -> Symbolic {
        if let Some(text) = template.as_text() {
            return Symbolic::literal(text);
        }
        if let Some(place) = template.alone() {
            return self.one(place, choice).cloned().unwrap_or_default();
        }
        let length = |part: Part<'_>| match part {
            Part::Text(text) => text.len(),
            Part::Hole(place) => self.one(place, choice).map_or(0, Symbolic::known_len),
        };
        let mut out = Builder::with_capacity(template.parts().map(length).sum());
        for part in template.parts() {
            match part {
                Part::Text(part) => out.push_str(part),
                Part::Hole(place) => {
                    if let Some(value) = self.one(place, choice) {
                        out.push(value);
                    }
                }
            }
        }
        out.finish()
    }

    /// The values that the text may have: several only where a placeholder stands alone.
    pub(super) fn fill_all(&self, template: &Template, choice: &Choice) -> Vec<Symbolic> {
        let alone = template.alone().and_then(|place| self.value(place, choice));
        match alone {
            Some(Value::OneOf(values)) => values.clone(),
            _ => vec![self.fill(template, choice)],
        }
    }
}

fn turn_of(place: Option<u8>, choice: &Choice) -> Option<usize> {
    choice.iter().find(|(known, _)| Some(*known) == place).map(|(_, index)| *index)
}

struct Maker<'a> {
    rules: &'a Rules,
    settings: &'a Settings,
    version: Version,
    symbols: &'a mut Symbols,
    /// What nobody knows, in any version.
    unknown: Vec<Option<Symbolic>>,
    /// What was made for this version.
    made: Vec<Option<Value>>,
}

impl Maker<'_> {
    fn value(&mut self, place: usize, depth: u8) -> Value {
        if let Some(Some(made)) = self.made.get(place) {
            return made.clone();
        }
        let Some(placeholder) = self.rules.placeholders.get(place) else {
            return Value::OneOf(Vec::new());
        };
        let from_settings = placeholder.from_settings;
        let given = if from_settings { self.given(placeholder, depth) } else { None };
        let value = given.unwrap_or_else(|| self.by_rule(placeholder, depth));
        let value = match from_settings {
            true => self.by_class(placeholder, value),
            false => value,
        };
        if let Some(made) = self.made.get_mut(place) {
            *made = Some(value.clone());
        }
        value
    }

    /// What the settings say; `None` where they say nothing.
    fn given(&mut self, placeholder: &Placeholder, depth: u8) -> Option<Value> {
        let settings = self.settings;
        let each = |values: &[Symbolic]| (!values.is_empty()).then(|| Value::Each(values.to_vec()));
        if let Some(values) = settings.facts.each.get(&*placeholder.name) {
            return each(values);
        }
        if let Some(values) = settings.facts.one_of.get(&*placeholder.name)
            // What holds for some versions only is Karpenter's own choice there.
            && !placeholder.by_version.iter().any(|(versions, _)| versions.contain(self.version))
        {
            return Some(match values.as_slice() {
                [value] => Value::One(value.clone()),
                _ => Value::OneOf(values.clone()),
            });
        }
        match &*placeholder.name {
            "partition" => Some(Value::One(settings.partition.clone())),
            "region" => Some(Value::One(settings.region.clone())),
            "account" => Some(Value::One(settings.account.clone())),
            "cluster" => Some(Value::One(settings.cluster.clone())),
            "queue" => settings.queue.clone().map(Value::One),
            "node_role" => each(&settings.node_roles),
            "nodepool" => each(&settings.node_pools),
            "nodeclass" => each(&settings.node_classes),
            "snapshot" => each(
                &settings.snapshot_ids.iter().map(|id| Symbolic::literal(id)).collect::<Vec<_>>(),
            ),
            "ssm_parameter" => each(
                &settings
                    .ssm_parameters
                    .iter()
                    .map(|name| self.parameter(name))
                    .collect::<Vec<_>>(),
            ),
            "kms_key_arn" => {
                each(&settings.kms_keys.iter().map(|key| self.key(key)).collect::<Vec<_>>())
            }
            "instance_profile_arn" => self.instance_profile(placeholder, depth),
            _ => None,
        }
    }

    /// What EC2NodeClasses say otherwise.
    fn by_class(&self, placeholder: &Placeholder, otherwise: Value) -> Value {
        let classes = &self.settings.facts.classes;
        let said = |class: &ClassFacts| class.values.get(&*placeholder.name).cloned();
        if matches!(otherwise, Value::Each(_)) || classes.iter().all(|class| said(class).is_none())
        {
            return otherwise;
        }
        let values = classes.iter().map(|class| match said(class) {
            None => otherwise.clone(),
            Some(values) => match <[Symbolic; 1]>::try_from(values) {
                Ok([value]) => Value::One(value),
                Err(values) => Value::OneOf(values),
            },
        });
        Value::ByClass(values.collect())
    }

    fn by_rule(&mut self, placeholder: &Placeholder, depth: u8) -> Value {
        let version = self.version;
        let special = placeholder.by_version.iter().find(|(versions, _)| versions.contain(version));
        let source = special.map_or(&placeholder.source, |(_, source)| source);
        self.source(placeholder, source, depth)
    }

    fn source(&mut self, placeholder: &Placeholder, source: &Source, depth: u8) -> Value {
        let literals = |texts: &mut dyn Iterator<Item = &str>| {
            Value::OneOf(texts.map(Symbolic::literal).collect())
        };
        match source {
            // A placeholder that stands for itself would go on for ever.
            Source::Text(template) if depth < 8 => Value::One(self.fill(template, depth + 1)),
            Source::OneOf(texts) => literals(&mut texts.iter().map(|text| &**text)),
            Source::ByPartition(map) => {
                // Nobody said which partition: the commercial one, as everywhere in the documentation.
                let partition = self.settings.partition.as_literal().unwrap_or("aws");
                let exact = map.iter().find(|(name, _)| *name == *partition);
                match exact.or_else(|| map.iter().find(|(name, _)| *name == "*")) {
                    Some((_, text)) => Value::One(Symbolic::literal(text)),
                    None => self.unknown(placeholder),
                }
            }
            Source::ByRegion(map) => match self.settings.region.as_literal() {
                Some(region) => {
                    let found = map.iter().find(|(start, _)| region.starts_with(&**start));
                    let found = found.or_else(|| map.iter().find(|(start, _)| *start == "*"));
                    found.map_or_else(
                        || self.unknown(placeholder),
                        |(_, text)| Value::One(Symbolic::literal(text)),
                    )
                }
                None => literals(&mut map.iter().map(|(_, text)| &**text)),
            },
            _ => self.unknown(placeholder),
        }
    }

    fn fill(&mut self, template: &Template, depth: u8) -> Symbolic {
        let mut out = Symbolic::default();
        for part in template.parts() {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Hole(place) => match self.value(usize::from(place), depth) {
                    Value::One(value) => out.push(&value),
                    Value::OneOf(values) | Value::Each(values) => {
                        if let Some(value) = values.first() {
                            out.push(value);
                        }
                    }
                    Value::ByClass(_) => {}
                },
            }
        }
        out
    }

    /// A value that nobody knows: its known beginning, then a symbol.
    fn unknown(&mut self, placeholder: &Placeholder) -> Value {
        let mut placeholders = self.rules.placeholders.iter();
        let place = placeholders.position(|known| known.name == placeholder.name);
        let known = place.and_then(|place| self.unknown.get_mut(place));
        if let Some(Some(known)) = known {
            return Value::One(known.clone());
        }
        let mut out = Symbolic::default();
        let shape = placeholder.shape.as_ref().map_or(Shape::ANY, |shape| {
            out.push_str(&shape.prefix);
            shape_of(shape)
        });
        out.push_symbol(self.symbols.fresh(&placeholder.name, shape));
        if let Some(known) = known {
            *known = Some(out.clone());
        }
        Value::One(out)
    }

    fn arn(&self, service: &str, with_account: bool, resource: &str) -> Symbolic {
        let mut arn = Symbolic::literal("arn:");
        arn.push(&self.settings.partition);
        arn.push_str(&format!(":{service}:"));
        arn.push(&self.settings.region);
        arn.push_str(":");
        if with_account {
            arn.push(&self.settings.account);
        }
        arn.push_str(&format!(":{resource}"));
        arn
    }

    /// `amiSelectorTerms[].ssmParameter`: a name or an ARN. What lies below `/aws/service/` is AWS's
    /// own and has no account.
    fn parameter(&self, name: &str) -> Symbolic {
        if name.starts_with("arn:") {
            return Symbolic::literal(name);
        }
        let path = name.strip_prefix('/').unwrap_or(name);
        self.arn("ssm", !path.starts_with("aws/service/"), &format!("parameter/{path}"))
    }

    /// `blockDeviceMappings[].ebs.kmsKeyID`: an ARN or an id. The key behind an alias is not known, but
    /// that would be another setting.
    fn key(&self, key: &str) -> Symbolic {
        if key.starts_with("arn:") {
            Symbolic::literal(key)
        } else {
            self.arn("kms", true, &format!("key/{key}"))
        }
    }

    fn instance_profile(&mut self, placeholder: &Placeholder, depth: u8) -> Option<Value> {
        if let Some(name) = &self.settings.instance_profile {
            let mut arn = Symbolic::literal("arn:");
            arn.push(&self.settings.partition);
            arn.push_str(":iam::");
            arn.push(&self.settings.account);
            arn.push_str(":instance-profile/");
            arn.push_str(name);
            return Some(Value::One(arn));
        }
        // A NodeClass keeps the profile that an older version made, so either form may be in use.
        let before = self.settings.upgraded_from?;
        let mut forms = Vec::new();
        for version in [before, self.version] {
            let special =
                placeholder.by_version.iter().find(|(versions, _)| versions.contain(version));
            let source = special.map_or(&placeholder.source, |(_, source)| source);
            if let Value::One(form) = self.source(placeholder, source, depth)
                && !forms.contains(&form)
            {
                forms.push(form);
            }
        }
        Some(Value::OneOf(forms))
    }
}

fn shape_of(shape: &RuleShape) -> Shape {
    let class = match shape.class {
        RuleClass::Any => Class::Any,
        RuleClass::Name => Class::Name,
        RuleClass::Word => Class::Word,
        RuleClass::Digits => Class::Digits,
        RuleClass::Hex => Class::Hex,
        RuleClass::Path => Class::Path,
    };
    Shape::new(class, shape.min, shape.max)
}
