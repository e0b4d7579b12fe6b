//! Finds the policies inside a text of any format, with what the text says of who is bound by them.
//! This room knows where formats keep policies; it knows nothing of IAM evaluation or Karpenter.

mod bare;
mod cloudformation;
mod detect;
mod plan;
pub mod terraform;
#[cfg(test)]
mod tests;

use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::json::Lazy;
use crate::syntax::{HoleSyntax, Node, SyntaxError, Text, yaml};

pub use detect::{Format, detect};

/// Finds what `file` holds. A file that is not `named` was found by the word `Statement` in it, so
/// text of an unknown format is passed over; a named one is read as YAML then.
///
/// # Errors
/// Where the file is neither JSON nor YAML, though it looks like one of them.
pub fn extract(sources: &SourceMap, file: SourceId, named: bool) -> Result<Extracted, SyntaxError> {
    let source = sources.get(file);
    let mut out = Extracted::default();
    match detect(source.name(), source.text()) {
        Format::Json => from_json(sources, file, source.text(), named, &mut out)?,
        Format::Yaml => from_yaml(sources, file, source.text(), &mut out)?,
        Format::Other if named => from_yaml(sources, file, source.text(), &mut out)?,
        Format::Hcl => terraform::from_file(sources, file, &mut out)?,
        Format::Other => {}
    }
    Ok(out)
}

fn from_json(
    sources: &SourceMap,
    file: SourceId,
    text: &str,
    named: bool,
    out: &mut Extracted,
) -> Result<(), SyntaxError> {
    let root = Lazy::root(file, text);
    if root.is_list() {
        return bare::from_json(root, out).or_else(|error| forgive(error, text, named));
    }
    let entries = match root.entries() {
        Ok(entries) if root.is_map() => entries,
        Ok(_) => return bare::from_json(root, out),
        Err(error) => {
            // JSON with comments, or a flow map of YAML; the name says whether to try.
            let name = sources.get(file).name().to_ascii_lowercase();
            if name.ends_with(".yaml") || name.ends_with(".yml") {
                return from_yaml(sources, file, text, out).map_err(|_| error);
            }
            return forgive(error, text, named);
        }
    };
    if plan::from_json(sources, file, &entries, out)?
        || cloudformation::from_json(sources, file, &entries, out)?
    {
        return Ok(());
    }
    bare::from_json(root, out)
}

/// Settings of many tools are JSON with comments. Such a file that was found in a folder is no
/// broken policy unless it has the key of one.
fn forgive(error: SyntaxError, text: &str, named: bool) -> Result<(), SyntaxError> {
    let commented = error.message.contains("comment") || error.message.contains("trailing comma");
    let key = ["\"Statement\"", "\\\"Statement\\\""].iter().any(|key| text.contains(key));
    if commented && !named && !key { Ok(()) } else { Err(error) }
}

fn from_yaml(
    sources: &SourceMap,
    file: SourceId,
    text: &str,
    out: &mut Extracted,
) -> Result<(), SyntaxError> {
    let documents = yaml::parse(file, text, HoleSyntax::None)?;
    let mut bare = false;
    for document in &documents {
        bare |= !cloudformation::from_node(sources, file, document, out) && bare::is_bare(document);
    }
    if bare {
        // Only now is it known how these are filled in.
        for document in yaml::parse(file, text, HoleSyntax::Template)? {
            if bare::is_bare(&document) {
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
    /// Conditions of a template that were taken for granted.
    pub assumed: Vec<Assumed>,
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

/// A condition of a template on which a statement, policy or attachment hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assumed {
    /// The name of the condition.
    pub condition: String,
    /// How it was taken.
    pub holds: bool,
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
    /// An inline or managed policy of a user or group.
    OtherPrincipal,
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
}

/// A boundary: here, or not.
#[derive(Debug, Clone)]
pub enum Attached {
    /// Index into [`Extracted::documents`].
    Document(usize),
    /// Not in the file.
    Unseen(Unseen),
}

/// An attached policy whose text is not in the file.
#[derive(Debug, Clone)]
pub struct Unseen {
    /// ARN or reference, as written: `arn:aws:iam::aws:policy/AdministratorAccess`.
    pub name: String,
    /// Where it is attached.
    pub span: Span,
}

/// A policy that is there but cannot be read.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// Address of the resource.
    pub address: String,
    /// Where, as near as the file allows.
    pub span: Span,
    /// Why: one sentence, lower case, no full stop.
    pub reason: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}
