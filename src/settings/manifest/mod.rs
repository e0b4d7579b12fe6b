//! Settings from what people have: EC2NodeClasses, NodePools, Helm values, rendered manifests.
//!
//! A manifest is read into [`Manifests`], every value with its place; what it means for a controller is
//! settled by [`super::infer`]. Kinds that say nothing of Karpenter are left alone, a wrong field in a
//! kind that is read is an error.

mod install;
mod node_class;
mod node_pool;
pub mod pins;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::evidence::Written;
use super::{CapacityType, Feature};
use crate::error::Error;
use crate::extract::{Format, detect};
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{Entry, HoleSyntax, Node, Style, SyntaxError, Text, Value, json, yaml};
use crate::words::cut;

pub use pins::Pin;

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// All that manifests say.
#[derive(Debug, Clone, Default)]
pub struct Manifests {
    /// EC2NodeClasses, in the order of the files.
    pub classes: Vec<Class>,
    /// NodePools, in the order of the files.
    pub pools: Vec<Pool>,
    /// The controller itself.
    pub install: Install,
    /// Versions of Karpenter that are written, in the order of the files.
    pub pins: Vec<Pin>,
    /// What is wrong.
    pub errors: Vec<Error>,
    /// Where one manifest contradicts another: what, both places, the first counts.
    pub contradictions: Vec<(&'static str, Span, Span)>,
    /// How many objects were understood.
    pub objects: usize,
}

/// One EC2NodeClass.
#[derive(Debug, Clone, Default)]
pub struct Class {
    /// `metadata.name`.
    pub name: Option<Said<Written>>,
    /// `spec.role`.
    pub role: Option<Said<Written>>,
    /// `spec.instanceProfile`.
    pub instance_profile: Option<Said<Written>>,
    /// `spec.tags`.
    pub tags: Vec<(Said<Written>, Written)>,
    /// Customer managed keys of block devices.
    pub kms_keys: Vec<Said<Written>>,
    /// Snapshots of block devices.
    pub snapshots: Vec<Said<Written>>,
    /// `amiSelectorTerms[].ssmParameter`.
    pub ssm_parameters: Vec<Said<Written>>,
    /// `amiSelectorTerms[].id`, if all terms have one.
    pub images: Vec<Said<Written>>,
    /// Whether an image is chosen by alias, or before 1.0 by nothing but the family.
    pub alias: bool,
    /// AMI family: `AL2023`; `None` where nothing tells.
    pub family: Option<String>,
    /// `capacityReservationSelectorTerms`.
    pub reservations: Option<Said<Vec<Written>>>,
    /// `placementGroupSelector`, with the name if it selects by name.
    pub placement_group: Option<Said<Option<Written>>>,
    /// What a launch asks for otherwise than by default, by placeholder of the rules; several are one
    /// of these.
    pub launch: BTreeMap<&'static str, Said<Vec<Written>>>,
}

/// One NodePool.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    /// `metadata.name`.
    pub name: Option<Said<Written>>,
    /// Name of its EC2NodeClass.
    pub class: Option<Written>,
    /// The capacity types that it allows.
    pub capacity_types: Vec<CapacityType>,
    /// Where these are written.
    pub capacity_span: Option<Span>,
    /// The instance types that it allows: known text, then anything; `None`: any.
    pub instance_types: Option<Said<Vec<(String, bool)>>>,
    /// The tenancies that it allows; `None`: the default.
    pub tenancy: Option<Said<Vec<Written>>>,
}

/// What is said of the controller itself.
#[derive(Debug, Clone, Default)]
pub struct Install {
    /// Name of the cluster.
    pub cluster: Option<Said<Written>>,
    /// Region.
    pub region: Option<Said<Written>>,
    /// Name of the queue; empty: there is none.
    pub queue: Option<Said<Written>>,
    /// ARN of the controller's role.
    pub controller_role: Option<Said<Written>>,
    /// What is switched on or off.
    pub features: BTreeMap<Feature, Said<bool>>,
    /// The feature gate for capacity reservations.
    pub reserved_gate: Option<Said<bool>>,
}

impl Manifests {
    /// Reads one more file.
    pub fn read(&mut self, sources: &SourceMap, file: SourceId) {
        let source = sources.get(file);
        match nodes(source.name(), source.text(), file) {
            Ok(documents) => {
                for document in &documents {
                    Reader { sources, file: source.name(), out: self }.object(document, 0);
                }
            }
            Err(error) => {
                let mut stopped = Error::file(source.name(), Some(error.span), error.message);
                stopped.help = error.help;
                self.errors.push(stopped);
            }
        }
    }
}

/// The documents of a text, JSON or YAML.
pub(super) fn nodes(name: &str, text: &str, file: SourceId) -> Result<Vec<Node>, SyntaxError> {
    match detect(name, text) {
        Format::Json => Ok(vec![json::parse(file, text, HoleSyntax::Template)?]),
        _ => {
            let mut documents = yaml::parse(file, text, HoleSyntax::Template)?;
            documents.iter_mut().for_each(yaml::merge_keys);
            Ok(documents)
        }
    }
}

struct Reader<'a> {
    sources: &'a SourceMap,
    file: &'a str,
    out: &'a mut Manifests,
}

impl Reader<'_> {
    /// One object, or a list of them.
    fn object(&mut self, node: &Node, depth: u8) {
        let text = |key: &str| get(node, key).and_then(Node::as_str).unwrap_or_default();
        let (api, kind) = (text("apiVersion"), text("kind"));
        let (group, version) = api.split_once('/').unwrap_or(("", api));
        if depth < 4 && kind.ends_with("List") {
            for item in get(node, "items").map(Node::items).unwrap_or_default() {
                self.object(item, depth + 1);
            }
            return;
        }
        self.out.pins.extend(pins::of_object(node));
        match (group, kind) {
            ("karpenter.k8s.aws", "EC2NodeClass") => self.node_class(node, version),
            ("karpenter.sh", "NodePool") => self.node_pool(node, version),
            (group, kind) if near(group, kind).is_some() && !group.is_empty() => {
                let (meant_group, meant_kind) = near(group, kind).unwrap_or_default();
                let place = get(node, if group == meant_group { "kind" } else { "apiVersion" });
                let message =
                    format!("`{}` of `{}` is not a kind of Karpenter", cut(kind), cut(group));
                let help = format!("did you mean `{meant_kind}` of `{meant_group}`?");
                self.error(place.unwrap_or(node).span, message, Some(help));
            }
            _ => self.installation(node, kind),
        }
    }

    fn error(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        let mut error = Error::file(self.file, Some(span), message);
        error.help = help;
        self.out.errors.push(error);
    }

    /// The version of the API is one of those that Karpenter has had.
    fn api_version(&mut self, node: &Node, version: &str) -> bool {
        let known = matches!(version, "v1" | "v1beta1");
        if !known {
            let span = get(node, "apiVersion").map_or(node.span, |node| node.span);
            let help = "v1 from Karpenter 1.0 on, v1beta1 before".to_owned();
            self.error(
                span,
                format!("`{}` is not a version of this kind", cut(version)),
                Some(help),
            );
        }
        known
    }
}

/// The kind that a slip of the pen stands for.
fn near(group: &str, kind: &str) -> Option<(&'static str, &'static str)> {
    let all = [("karpenter.k8s.aws", "EC2NodeClass"), ("karpenter.sh", "NodePool")];
    if all.contains(&(group, kind)) {
        return None;
    }
    all.into_iter().find(|(known_group, known_kind)| {
        let close = |a: &str, b: &str| a == b || crate::words::is_near(a, b);
        close(group, known_group) && close(kind, known_kind)
            || kind == *known_kind && group.contains("karpenter")
    })
}

/// The value called `key`, of the map itself or of what `<<` merges into it.
pub(super) fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    entry(node, key).map(|entry| &entry.value)
}

/// The entry called `key`, of the map itself or of what `<<` merges into it.
fn entry<'n>(node: &'n Node, key: &str) -> Option<&'n Entry> {
    node.entry(key).or_else(|| {
        let merged = node.get("<<")?;
        let maps =
            if merged.items().is_empty() { std::slice::from_ref(merged) } else { merged.items() };
        maps.iter().find_map(|map| map.entry(key))
    })
}

/// The value at the end of a path of keys.
pub(super) fn at<'n>(node: &'n Node, path: &[&str]) -> Option<&'n Node> {
    path.iter().try_fold(node, |node, key| get(node, key))
}

/// A scalar as text: of a boolean or number of JSON, what is written.
fn scalar(node: &Node) -> Option<Said<Written>> {
    let span = node.span;
    match &node.value {
        Value::String(text) => Some(Said { value: Written::of(text), span: text.span }),
        Value::Bool(value) => Some(Said { value: Written::literal(&value.to_string()), span }),
        Value::Number(text) => Some(Said { value: Written::literal(text), span }),
        _ => None,
    }
}

/// A boolean, quoted or not; `None` also where a placeholder stands.
fn boolean(node: &Node) -> Option<Said<bool>> {
    let said = scalar(node)?;
    let value = match said.value.as_literal()?.to_ascii_lowercase().as_str() {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    Some(Said { value, span: said.span })
}

/// Whether a plain scalar of YAML is a boolean or an integer, and so no text to Kubernetes.
fn is_typed(text: &Text) -> bool {
    let Some(known) = text.as_literal() else { return false };
    text.style == Style::Plain
        && (matches!(known, "true" | "false" | "True" | "False" | "TRUE" | "FALSE")
            || !known.is_empty() && known.bytes().all(|byte| byte.is_ascii_digit()))
}
