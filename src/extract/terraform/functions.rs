//! The functions that are seen around policies. What one cannot answer is a hole with the call as its
//! name.

use std::rc::Rc;

use super::scope::{Names, Scope, World, failed};
use super::value::{Bit, Key, Kind, LONGEST_TEXT, Str, Val, display};
use crate::order;
use crate::source::{SourceId, Span};
use crate::syntax::hcl::{self, Expr};
use crate::syntax::{HoleSyntax, Node, yaml};

impl World<'_> {
    /// The value of a call.
    pub(super) fn call(
        &self,
        name: &str,
        arguments: &[Expr],
        spread: bool,
        expr: &Expr,
        scope: &Scope,
    ) -> Val {
        let name = name.strip_prefix("core::").unwrap_or(name);
        match name {
            "try" => {
                for argument in arguments {
                    let value = self.eval(argument, scope);
                    if !matches!(value.kind, Kind::Failed(_)) {
                        return value;
                    }
                }
                return failed(expr.span, &self.shown(expr.span));
            }
            "can" => {
                let value = arguments.first().map(|argument| self.eval(argument, scope).kind);
                return match value {
                    Some(Kind::Failed(_)) => Val::new(expr.span, Kind::Bool(false)),
                    Some(Kind::Unknown(_)) | None => self.hole(expr),
                    Some(_) => Val::new(expr.span, Kind::Bool(true)),
                };
            }
            _ => {}
        }
        let mut values: Vec<Val> = arguments.iter().map(|a| self.eval(a, scope)).collect();
        if spread && let Some(last) = values.pop() {
            match last.items() {
                Some(items) => values.extend(items),
                None => return self.hole(expr),
            }
        }
        let lost = |value: &Val| matches!(value.kind, Kind::Failed(_));
        if values.iter().any(lost) && !matches!(name, "coalesce" | "coalescelist") {
            return failed(expr.span, &self.shown(expr.span));
        }
        let call = Call { world: self, values: &values, expr, scope };
        call.run(name).unwrap_or_else(|| self.hole(expr))
    }
}

struct Call<'c, 'w> {
    world: &'c World<'w>,
    values: &'c [Val],
    expr: &'c Expr,
    scope: &'c Scope,
}

impl Call<'_, '_> {
    fn run(&self, name: &str) -> Option<Val> {
        match name {
            "jsonencode" => Some(self.val(Kind::Json(Rc::new(self.at(0)?.clone())))),
            "jsondecode" | "yamldecode" => self.decode(name == "yamldecode"),
            "file" => self.file(),
            "templatefile" => self.template_file(),
            "templatestring" => None,
            "sensitive" | "nonsensitive" | "ephemeralasnull" => self.at(0).cloned(),
            "concat" | "setunion" => {
                let mut out = Vec::new();
                for value in self.values {
                    match value.items() {
                        Some(items) => out.extend(items),
                        // One more item, of which only the name is known.
                        None if value.hole().is_some() => out.push(value.clone()),
                        None => return None,
                    }
                }
                let out = if name == "setunion" { self.distinct(out) } else { out };
                Some(self.list(out))
            }
            "flatten" => {
                let mut out = Vec::new();
                self.flatten(self.at(0)?, &mut out, 0)?;
                Some(self.list(out))
            }
            "merge" => self.merge(),
            "coalesce" => {
                let filled = |value: &&Val| {
                    !value.is_null()
                        && !matches!(value.kind, Kind::Failed(_))
                        && !matches!(&value.kind, Kind::Text(text) if text.bits.is_empty())
                };
                let none = || failed(self.expr.span, &self.world.shown(self.expr.span));
                Some(self.values.iter().find(filled).cloned().unwrap_or_else(none))
            }
            "coalescelist" => {
                let filled = |value: &&Val| {
                    value.items().is_some_and(|items| !items.is_empty()) || value.hole().is_some()
                };
                self.values.iter().find(filled).cloned()
            }
            "compact" => {
                let items = self.at(0)?.items()?;
                let filled = |value: &Val| {
                    !value.is_null()
                        && !matches!(&value.kind, Kind::Text(text) if text.bits.is_empty())
                };
                Some(self.list(items.into_iter().filter(filled).collect()))
            }
            "distinct" | "toset" => Some(self.list(self.distinct(self.at(0)?.items()?))),
            "tolist" => Some(self.list(self.at(0)?.items()?)),
            "tomap" => matches!(self.at(0)?.kind, Kind::Map(_)).then(|| self.at(0).cloned())?,
            "tostring" => match &self.at(0)?.kind {
                Kind::Text(_) | Kind::Null | Kind::Unknown(_) | Kind::Json(_) => {
                    self.at(0).cloned()
                }
                _ => Some(self.text(self.at(0)?.as_text()?)),
            },
            "tonumber" => Some(self.val(Kind::Number(self.at(0)?.as_number()?))),
            "tobool" => Some(self.val(Kind::Bool(self.at(0)?.as_bool()?))),
            "one" => match self.at(0)?.items()?.as_slice() {
                [] => Some(self.val(Kind::Null)),
                [only] => Some(only.clone()),
                _ => None,
            },
            "sort" => {
                let mut items: Vec<(String, Val)> = Vec::new();
                for item in self.at(0)?.items()? {
                    items.push((item.as_text()?, item));
                }
                order::by(&mut items, |(one, _), (other, _)| one.cmp(other));
                Some(self.list(items.into_iter().map(|(_, item)| item).collect()))
            }
            "reverse" => {
                let mut items = self.at(0)?.items()?;
                items.reverse();
                Some(self.list(items))
            }
            "slice" => {
                let items = self.at(0)?.items()?;
                let (from, to) = (self.number(1)?, self.number(2)?);
                Some(self.list(items.get(from..to)?.to_vec()))
            }
            "range" => {
                let number = |at: usize| self.at(at).and_then(Val::as_number);
                let (from, to) = match self.values.len() {
                    1 => (0.0, number(0)?),
                    2 => (number(0)?, number(1)?),
                    _ => return None,
                };
                if to.is_nan() || from.is_nan() || to - from > 1024.0 {
                    return None;
                }
                let count = (to - from).max(0.0) as usize;
                let one = |at: usize| self.val(Kind::Number(from + at as f64));
                Some(self.list((0..count).map(one).collect()))
            }
            "length" => {
                let length = match &self.at(0)?.kind {
                    Kind::List(items) => items.len(),
                    Kind::Map(entries) => entries.len(),
                    _ => self.known(0)?.chars().count(),
                };
                Some(self.val(Kind::Number(length as f64)))
            }
            "element" => {
                let items = self.at(0)?.items()?;
                let at = self.number(1)?.checked_rem(items.len())?;
                items.get(at).cloned()
            }
            "index" => {
                let items = self.at(0)?.items()?;
                let same = |item: &Val| self.world.equal(item, self.values.get(1)?);
                let found = items.iter().position(|item| same(item) == Some(true))?;
                Some(self.val(Kind::Number(found as f64)))
            }
            "lookup" => {
                let key = self.known(1)?;
                match (&self.at(0)?.kind, self.at(0)?.get(&key)) {
                    (_, Some(found)) => Some(found.clone()),
                    (Kind::Map(_), None) => match self.at(2) {
                        Some(other) => Some(other.clone()),
                        None => Some(failed(self.expr.span, &self.world.shown(self.expr.span))),
                    },
                    _ => None,
                }
            }
            "keys" => match &self.at(0)?.kind {
                Kind::Map(entries) => {
                    let mut keys: Vec<&Key> = entries.iter().map(|(key, _)| key).collect();
                    order::by_key(&mut keys, |key| display(&key.bits));
                    Some(self.list(keys.into_iter().map(Key::to_val).collect()))
                }
                _ => None,
            },
            "values" => match &self.at(0)?.kind {
                Kind::Map(entries) => {
                    let mut entries: Vec<&(Key, Val)> = entries.iter().collect();
                    order::by_key(&mut entries, |(key, _)| display(&key.bits));
                    Some(self.list(entries.into_iter().map(|(_, value)| value.clone()).collect()))
                }
                _ => None,
            },
            "zipmap" => {
                let (keys, values) = (self.at(0)?.items()?, self.at(1)?.items()?);
                let pairs = keys.iter().zip(values);
                let pair = |(key, value): (&Val, Val)| Some((self.world.key(key)?, value));
                Some(Val::map(self.expr.span, pairs.map(pair).collect::<Option<_>>()?))
            }
            "contains" | "anytrue" | "alltrue" => self.truth_of_list(name),
            "setsubtract" | "setintersection" => {
                let keep = name == "setintersection";
                let (items, others) = (self.at(0)?.items()?, self.at(1)?.items()?);
                let mut out = Vec::new();
                for item in items {
                    if self.among(&item, &others)? == keep {
                        out.push(item);
                    }
                }
                Some(self.list(out))
            }
            _ => self.run_text(name),
        }
    }

    fn truth_of_list(&self, name: &str) -> Option<Val> {
        let items = self.at(0)?.items()?;
        let truth = match name {
            "contains" => self.among(self.at(1)?, &items)?,
            "anytrue" if items.iter().any(|item| item.as_bool() == Some(true)) => true,
            "alltrue" if items.iter().any(|item| item.as_bool() == Some(false)) => false,
            _ if items.iter().any(|item| item.as_bool().is_none()) => return None,
            _ => name == "alltrue",
        };
        Some(self.val(Kind::Bool(truth)))
    }

    fn run_text(&self, name: &str) -> Option<Val> {
        match name {
            "format" => self.format(self.values),
            "formatlist" => {
                let longest = self.values.iter().filter_map(|value| match &value.kind {
                    Kind::List(items) => Some(items.len()),
                    _ => None,
                });
                let count = longest.max()?;
                let mut out = Vec::with_capacity(count);
                for at in 0..count {
                    let mut values = Vec::with_capacity(self.values.len());
                    for value in self.values {
                        values.push(match &value.kind {
                            Kind::List(items) => items.get(at)?.clone(),
                            _ => value.clone(),
                        });
                    }
                    out.push(self.format(&values)?);
                }
                Some(self.list(out))
            }
            "join" => {
                let mut bits = Vec::new();
                for (at, item) in self.at(1)?.items()?.into_iter().enumerate() {
                    if at > 0 {
                        bits.extend(self.at(0)?.bits()?);
                    }
                    bits.extend(item.bits()?);
                }
                self.bits(bits)
            }
            "split" => {
                let (separator, text) = (self.known(0)?, self.known(1)?);
                if separator.is_empty() {
                    return None;
                }
                Some(self.list(text.split(&*separator).map(|part| self.text(part)).collect()))
            }
            "replace" => {
                let (from, to) = (self.known(1)?, self.known(2)?);
                if from.len() > 1 && from.starts_with('/') && from.ends_with('/') {
                    return None;
                }
                // Holes hold nothing that one would replace.
                let mut bits = self.at(0)?.bits()?;
                for bit in &mut bits {
                    if let Bit::Text(_, text) = bit {
                        *text = text.replace(&*from, &to).into();
                    }
                }
                self.bits(bits)
            }
            "lower" => self.mapped(str::to_lowercase),
            "upper" => self.mapped(str::to_uppercase),
            "trimspace" => self.mapped(|text| text.trim().to_owned()),
            "chomp" => self.mapped(|text| text.trim_end_matches(['\r', '\n']).to_owned()),
            "title" => self.mapped(|text| {
                let mut out = String::new();
                let mut first = true;
                for c in text.chars() {
                    if first {
                        out.extend(c.to_uppercase())
                    } else {
                        out.push(c)
                    }
                    first = c == ' ';
                }
                out
            }),
            "basename" => self.mapped(|text| text.rsplit('/').next().unwrap_or("").to_owned()),
            "dirname" => {
                self.mapped(|text| text.rsplit_once('/').map_or(".", |(head, _)| head).to_owned())
            }
            "trimprefix" => {
                let prefix = self.known(1)?;
                self.mapped(|text| text.strip_prefix(&*prefix).unwrap_or(text).to_owned())
            }
            "trimsuffix" => {
                let suffix = self.known(1)?;
                self.mapped(|text| text.strip_suffix(&*suffix).unwrap_or(text).to_owned())
            }
            "trim" => {
                let set: Vec<char> = self.known(1)?.chars().collect();
                self.mapped(|text| text.trim_matches(&*set).to_owned())
            }
            "substr" => {
                let (from, count) = (self.number(1)?, self.at(2)?.as_number()?);
                let text = self.known(0)?;
                let rest = text.chars().skip(from);
                let part: String = match count {
                    count if count < 0.0 => rest.collect(),
                    count => rest.take(count as usize).collect(),
                };
                Some(self.text(part))
            }
            "startswith" | "endswith" | "strcontains" => {
                let (text, part) = (self.known(0)?, self.known(1)?);
                let truth = match name {
                    "startswith" => text.starts_with(&*part),
                    "endswith" => text.ends_with(&*part),
                    _ => text.contains(&*part),
                };
                Some(self.val(Kind::Bool(truth)))
            }
            "min" | "max" => {
                let numbers: Option<Vec<f64>> = self.values.iter().map(Val::as_number).collect();
                let pick = if name == "min" { f64::min } else { f64::max };
                Some(self.val(Kind::Number(numbers?.into_iter().reduce(pick)?)))
            }
            "abspath" | "pathexpand" => self.at(0).cloned(),
            _ => None,
        }
    }

    fn at(&self, at: usize) -> Option<&Val> {
        self.values.get(at)
    }

    fn val(&self, kind: Kind) -> Val {
        Val::new(self.expr.span, kind)
    }

    fn text(&self, text: impl Into<Rc<str>>) -> Val {
        Val::text(self.expr.span, text)
    }

    fn list(&self, items: Vec<Val>) -> Val {
        Val::list(self.expr.span, items)
    }

    fn known(&self, at: usize) -> Option<String> {
        self.at(at)?.as_text()
    }

    fn number(&self, at: usize) -> Option<usize> {
        let number = self.at(at)?.as_number()?;
        (0.0..1e9).contains(&number).then_some(number as usize)
    }

    /// A text made of bits of several; it stands where the call stands.
    fn bits(&self, bits: Vec<Bit>) -> Option<Val> {
        let span = self.expr.span;
        let length: usize = bits
            .iter()
            .map(|bit| match bit {
                Bit::Text(_, text) | Bit::Hole(_, text) => text.len(),
                Bit::Json(..) => 0,
            })
            .sum();
        if length > LONGEST_TEXT {
            return None;
        }
        let bits = bits.into_iter().map(|bit| match bit {
            Bit::Text(_, text) => Bit::Text(span, text),
            Bit::Hole(_, expr) => Bit::Hole(span, expr),
            Bit::Json(_, value) => Bit::Json(span, value),
        });
        Some(self.val(Kind::Text(Rc::new(Str { span, bits: bits.collect() }))))
    }

    /// A known text changed; where nothing changes, it stays where it stands.
    fn mapped(&self, change: impl Fn(&str) -> String) -> Option<Val> {
        let text = self.known(0)?;
        let changed = change(&text);
        if changed == text {
            return self.at(0).cloned();
        }
        Some(self.text(changed))
    }

    fn flatten(&self, value: &Val, out: &mut Vec<Val>, depth: usize) -> Option<()> {
        if depth > 32 || !self.world.step() || out.len() > super::value::LONGEST_LIST {
            return None;
        }
        match &value.kind {
            Kind::List(items) => {
                items.iter().try_for_each(|item| self.flatten(item, out, depth + 1))
            }
            _ if depth == 0 => None,
            _ => {
                out.push(value.clone());
                Some(())
            }
        }
    }

    fn merge(&self) -> Option<Val> {
        let mut out: Vec<(Key, Val)> = Vec::new();
        for value in self.values {
            match &value.kind {
                Kind::Map(entries) => {
                    for (key, value) in entries.iter() {
                        match out.iter_mut().find(|(known, _)| known.same(key)) {
                            Some((_, known)) => *known = value.clone(),
                            None => out.push((key.clone(), value.clone())),
                        }
                    }
                }
                Kind::Null => {}
                _ => return None,
            }
        }
        Some(Val::map(self.expr.span, out))
    }

    fn distinct(&self, items: Vec<Val>) -> Vec<Val> {
        let mut seen = std::collections::HashSet::new();
        items
            .into_iter()
            .filter(|item| match item.bits() {
                Some(bits) => seen.insert(display(&bits)),
                None => true,
            })
            .collect()
    }

    /// Whether an item is in a list; `None` if that is not known.
    fn among(&self, item: &Val, items: &[Val]) -> Option<bool> {
        let mut known = true;
        for other in items {
            match self.world.equal(item, other) {
                Some(true) => return Some(true),
                Some(false) => {}
                None => known = false,
            }
        }
        known.then_some(false)
    }

    /// `format`: `%s`, `%d`, `%v`, `%q` and `%%`.
    fn format(&self, values: &[Val]) -> Option<Val> {
        let (pattern, mut rest) = values.split_first()?;
        let pattern = pattern.as_text()?;
        let mut bits = Vec::new();
        let mut text = String::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                text.push(c);
                continue;
            }
            match chars.next()? {
                '%' => text.push('%'),
                's' | 'v' | 'd' => {
                    let (value, others) = rest.split_first()?;
                    rest = others;
                    bits.push(Bit::Text(self.expr.span, std::mem::take(&mut text).into()));
                    bits.extend(value.bits()?);
                }
                'q' => {
                    let (value, others) = rest.split_first()?;
                    rest = others;
                    text.push_str(&serde_json::to_string(&value.as_text()?).ok()?);
                }
                _ => return None,
            }
        }
        bits.push(Bit::Text(self.expr.span, text.into()));
        self.bits(bits)
    }

    fn decode(&self, as_yaml: bool) -> Option<Val> {
        let mut node: Node = match &self.at(0)?.kind {
            Kind::Json(value) => return Some((**value).clone()),
            Kind::Text(text) if !as_yaml => self.world.read_text(text, None).ok()?,
            Kind::Text(text) => {
                let known = text.known()?;
                let source = self.world.sources.get(text.span.source);
                let is_file = *known == *source.text();
                if is_file {
                    yaml::parse(text.span.source, &known, HoleSyntax::None)
                        .ok()?
                        .into_iter()
                        .next()?
                } else {
                    let mut map = crate::source::SegmentMap::starting_at(text.span.start);
                    let length = u32::try_from(known.len()).unwrap_or(u32::MAX);
                    map.decode(length, text.span.len());
                    let embedding =
                        crate::source::Embedding { parent: text.span, map, address: None };
                    let child = self.world.sources.add_embedded(known.as_str(), embedding);
                    yaml::parse(child, &known, HoleSyntax::None).ok()?.into_iter().next()?
                }
            }
            _ => return None,
        };
        if as_yaml {
            yaml::merge_keys(&mut node);
        }
        Some(Val::from_node(&node))
    }

    /// `file`: the text as it stands.
    fn file(&self) -> Option<Val> {
        let source = self.world.file(self.scope, self.at(0)?)?;
        Some(self.world.whole(source))
    }

    /// `templatefile`: the text with the values of its second argument filled in.
    fn template_file(&self) -> Option<Val> {
        let source = self.world.file(self.scope, self.at(0)?)?;
        self.world.fill(source, self.at(1)?, self.scope)
    }
}

impl World<'_> {
    /// The text of a whole file.
    pub(super) fn whole(&self, source: SourceId) -> Val {
        let text = self.sources.get(source);
        let length = u32::try_from(text.text().len()).unwrap_or(u32::MAX);
        let span = Span::new(source, 0, length);
        let bits = vec![Bit::Text(span, text.text().into())];
        Val::new(span, Kind::Text(Rc::new(Str { span, bits })))
    }

    /// A template file with its values.
    fn fill(&self, source: SourceId, values: &Val, scope: &Scope) -> Option<Val> {
        let text = self.sources.get(source);
        let template = match hcl::parse_template(source, text.text()) {
            Ok(template) => template,
            Err(error) => {
                let mut out = self.out.borrow_mut();
                if !out.broken.contains(&error) {
                    out.broken.push(error);
                }
                return None;
            }
        };
        let mut scope = Scope { names: Names::Open, ..Scope::root(&scope.instance) };
        if let Kind::Map(entries) = &values.kind {
            scope.names = Names::Given;
            for (key, value) in entries.iter() {
                scope = scope.with(&key.known()?, value.clone());
            }
        }
        Some(self.template(&template, template.span, &scope))
    }

    /// `data.template_file.x.rendered`: the text of a file that is filled in once more.
    pub(super) fn rendered(&self, text: &Val, values: &Val, scope: &Scope) -> Option<Val> {
        let Kind::Text(found) = &text.kind else { return None };
        let source = found.span.source;
        (found.known()? == *self.sources.get(source).text()).then_some(())?;
        self.fill(source, values, scope)
    }
}
