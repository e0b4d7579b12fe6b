//! Finds the policies inside a text of any format, with what the text says of who is bound by them.
//! This room knows where formats keep policies; it knows nothing of IAM evaluation or Karpenter.

mod awscli;
mod bare;
mod beside;
mod cloudformation;
mod detect;
mod kubernetes;
mod plan;
pub mod terraform;
#[cfg(test)]
mod tests;

use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::json::{Lazy, LazyMap};
use crate::syntax::{HoleSyntax, Node, Part, Style, SyntaxError, Text, When, yaml};

pub use beside::{Again, Beside, Blocks, InRole, Inline, Listed, Resource};
use cloudformation::Input;
pub(crate) use cloudformation::is_of_cdk;
pub use detect::{Format, detect};
use kubernetes::Manifests;

/// What was given from outside to read files with.
#[derive(Debug, Clone, Default)]
pub struct Supplied {
    /// Values of parameters of CloudFormation templates.
    pub parameters: Vec<(String, Text)>,
}

impl Supplied {
    /// Gives a parameter a value that stands in no file.
    pub fn parameter(&mut self, name: &str, value: &str) {
        let nowhere = Span::new(SourceId(0), 0, 0);
        let parts = match value {
            "" => Vec::new(),
            value => vec![Part::Literal(nowhere, value.into())],
        };
        self.parameters.push((name.to_owned(), Text { span: nowhere, style: Style::Plain, parts }));
    }
}

/// Finds what `file` holds. A file that is not `named` was found by the word `Statement` in it, so
/// text of an unknown format is passed over; a named one is read as YAML then.
///
/// # Errors
/// Where the file is neither JSON nor YAML, though it looks like one of them.
pub fn extract(
    sources: &SourceMap,
    file: SourceId,
    named: bool,
    supplied: &Supplied,
) -> Result<Extracted, SyntaxError> {
    let source = sources.get(file);
    let mut out = Extracted::default();
    let input = Input { sources, file, parameters: &supplied.parameters };
    let read = match detect(source.name(), source.text()) {
        Format::Json => from_json(input, source.text(), named, &mut out),
        Format::Yaml => from_yaml(input, source.text(), &mut out),
        Format::Other if named => from_yaml(input, source.text(), &mut out),
        Format::Hcl => terraform::from_file(sources, file, &mut out),
        Format::Other => Ok(()),
    };
    match read {
        // It was looked at for the stacks that it may name, not for a policy of its own.
        Err(_) if !named && !source.text().contains("Statement") => Ok(Extracted::default()),
        read => read.map(|()| out),
    }
}

fn from_json(
    input: Input<'_>,
    text: &str,
    named: bool,
    out: &mut Extracted,
) -> Result<(), SyntaxError> {
    let Input { sources, file, .. } = input;
    let root = Lazy::root(file, text);
    if root.is_list() {
        let none = LazyMap::default();
        return bare::from_json(sources, (root, &none), out)
            .or_else(|error| forgive(error, text, named));
    }
    let entries = match root.entries() {
        Ok(entries) if root.is_map() => entries,
        Ok(none) => return bare::from_json(sources, (root, &none), out),
        Err(error) => {
            // JSON with comments, or a flow map of YAML; the name says whether to try.
            let name = sources.get(file).name().to_ascii_lowercase();
            if name.ends_with(".yaml") || name.ends_with(".yml") {
                return from_yaml(input, text, out).map_err(|_| error);
            }
            return forgive(error, text, named);
        }
    };
    if plan::from_json(sources, file, &entries, out)?
        || cloudformation::from_json(input, &entries, out)?
    {
        return Ok(());
    }
    if ["apiVersion", "kind"].iter().all(|key| entries.get(key).is_some()) {
        let mut manifests = Manifests::new(sources, file, out);
        manifests.read(&root.to_node(HoleSyntax::None)?);
        manifests.finish();
        return Ok(());
    }
    bare::from_json(sources, (root, &entries), out)
}

/// Settings of many tools are JSON with comments. Such a file that was found in a folder is no
/// broken policy unless it has the key of one.
fn forgive(error: SyntaxError, text: &str, named: bool) -> Result<(), SyntaxError> {
    let commented = error.message.contains("comment") || error.message.contains("trailing comma");
    let key = ["\"Statement\"", "\\\"Statement\\\""].iter().any(|key| text.contains(key));
    if commented && !named && !key { Ok(()) } else { Err(error) }
}

fn from_yaml(input: Input<'_>, text: &str, out: &mut Extracted) -> Result<(), SyntaxError> {
    let file = input.file;
    let documents = yaml::parse(file, text, HoleSyntax::None)?;
    let mut bare = false;
    let mut manifests = Vec::new();
    for mut document in documents {
        if bare::is_bare(&document) {
            bare = true;
        } else if awscli::is_answer(document.items().first().unwrap_or(&document)) {
            awscli::from_node(input.sources, file, &document, out);
        } else if !cloudformation::from_node(input, &document, out) {
            // Of all who read YAML, only CloudFormation knows no merge keys.
            yaml::merge_keys(&mut document);
            manifests.push(document);
        }
    }
    let mut reader = Manifests::new(input.sources, file, out);
    manifests.iter().for_each(|document| reader.read(document));
    reader.finish();
    if bare {
        // Only now is it known how these are filled in.
        for mut document in yaml::parse(file, text, HoleSyntax::Template)? {
            if bare::is_bare(&document) {
                yaml::merge_keys(&mut document);
                bare::from_node(file, document, out);
            }
        }
    }
    Ok(())
}

/// Whether a queue with this address or name is the one that Karpenter reads.
fn is_queue_of_karpenter(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("karpenter") || name.contains("interruption")
}

/// All that one file holds.
#[derive(Debug, Clone, Default)]
pub struct Extracted {
    /// The policy documents, in the order of the text.
    pub documents: Vec<Document>,
    /// The roles that the file describes, with what is attached to them.
    pub roles: Vec<Role>,
    /// Whether the file makes an SQS queue that looks like Karpenter's interruption queue.
    pub makes_queue: bool,
    /// Policies that are there but cannot be read: wholly known after apply, imported.
    pub unreadable: Vec<Unreadable>,
    /// Broken policy text inside a file that parses: JSON under `!Sub`.
    pub broken: Vec<SyntaxError>,
    /// What was taken for granted: defaults of parameters, conditions that nobody decided.
    pub assumed: Vec<Assumed>,
    /// Templates of nested stacks that lie beside this one.
    pub nested: Vec<Nested>,
    /// Managed policies that a template hands to the one around it: name of the output, and index.
    pub outputs: Vec<(String, usize)>,
    /// Helm releases of Karpenter: they tell its version.
    pub charts: Vec<Chart>,
}

/// A Helm release of one of Karpenter's charts.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// The chart, as written.
    pub name: Text,
    /// Its version, if one is given.
    pub version: Option<Text>,
    /// Where the version stands; where there is none, the chart.
    pub span: Span,
}

/// A parameter or condition of a template on which a statement, policy or attachment hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// Its name.
    pub symbol: String,
    /// How it was taken.
    pub value: String,
    /// Why: a few words.
    pub from: &'static str,
    /// What hangs on it.
    pub span: Span,
}

/// One policy document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The policy object, intrinsics resolved to text and holes.
    pub node: Node,
    /// Where it stands and what it is.
    pub origin: Origin,
    /// On which conditions of the file each item of `Statement` hangs, in order; empty where none does.
    /// A statement that can turn out in several ways stands there once for each.
    pub when: Vec<Vec<When>>,
}

/// Where a document stands.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The file on disk.
    pub file: SourceId,
    /// The address of the resource: `KarpenterControllerPolicy` in a template,
    /// `module.karpenter.aws_iam_policy.controller[0]` in a plan; `None` for a bare document.
    pub address: Option<String>,
    /// What kind of document it is, as far as the place tells.
    pub kind: Kind,
    /// The policy's name, if it has one.
    pub name: Option<Text>,
    /// Whether the file is generated, so that a fix can only be shown.
    pub generated: bool,
    /// How a second policy would be put beside it, where the file tells.
    pub beside: Option<Box<Beside>>,
}

/// What the place of a document says of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bare document: identity unless every statement has a Principal.
    Bare,
    /// A customer managed policy.
    Managed,
    /// An inline policy of a role.
    Inline,
    /// A role's trust policy.
    Trust,
    /// A policy of a queue, bucket, key, …
    Resource,
    /// A service control policy.
    ServiceControl,
    /// A managed policy that is given only to users or groups.
    OtherPrincipal,
    /// An inline policy of a user.
    User,
    /// An inline policy of a group.
    Group,
}

/// A role and what binds it. Indices point into [`Extracted::documents`].
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// Address of the role resource, or the role's name where only that is known.
    pub address: String,
    /// The role's name, if it is written.
    pub name: Option<Text>,
    /// Inline and attached documents.
    pub documents: Vec<usize>,
    /// The permissions boundary.
    pub boundary: Option<Attached>,
    /// The trust policy.
    pub trust: Option<usize>,
    /// Attached policies whose text is not in the file.
    pub unseen: Vec<Unseen>,
    /// Whether its name is all that tells it from others, in whatever file: roles of an account.
    pub by_name: bool,
}

/// A boundary: here, or not.
#[derive(Debug, Clone)]
pub enum Attached {
    /// Index into [`Extracted::documents`].
    Document(usize),
    /// Not in the file.
    Unseen(Unseen),
}

/// A policy of a role whose text is not in the file.
#[derive(Debug, Clone)]
pub struct Unseen {
    /// ARN or reference, as written: `arn:aws:iam::aws:policy/AdministratorAccess`.
    pub name: String,
    /// Where it is attached.
    pub span: Span,
    /// Whether it stands in the role itself: then it is none of those that IAM counts.
    pub is_inline: bool,
}

impl Unseen {
    /// A managed policy.
    pub(crate) fn managed(name: String, span: Span) -> Self {
        Self { name, span, is_inline: false }
    }

    /// A policy of the role itself.
    pub(crate) fn inline(name: String, span: Span) -> Self {
        Self { name, span, is_inline: true }
    }

    /// What to call a policy that stands in the resource at `address`.
    pub(crate) fn inside(address: &str, name: Option<&Text>) -> String {
        match name {
            Some(name) => format!("{address} {}", name.display()),
            None => address.to_owned(),
        }
    }
}

/// A policy that is there but cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Address of the resource.
    pub address: String,
    /// Where, as near as the file allows.
    pub span: Span,
    /// Why: one sentence, lower case, no full stop.
    pub reason: String,
    /// What to do, where that is known.
    pub help: Option<String>,
    /// Whether it is not made at all, so that nothing is amiss.
    pub left_out: bool,
}

/// A template that another one uses as a part of itself.
#[derive(Debug, Clone)]
pub struct Nested {
    /// Logical id of the stack.
    pub id: String,
    /// The path of its template, as written: relative to the folder of the template that names it.
    pub path: String,
    /// Where it is named.
    pub span: Span,
    /// The values that it is given.
    pub parameters: Vec<(String, Text)>,
}
