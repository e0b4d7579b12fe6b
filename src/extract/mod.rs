//! Finds the policies inside a text of any format, with what the text says of who is bound by them.
//! This room knows where formats keep policies; it knows nothing of IAM evaluation or Karpenter.

mod bare;
mod detect;
#[cfg(test)]
mod tests;

use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::json::Lazy;
use crate::syntax::{Node, SyntaxError, Text};

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
        Format::Yaml => {}
        Format::Other => {}
        // The HCL reader hooks in here; until then such files hold nothing.
        Format::Hcl => {}
    }
    Ok(out)
}

fn from_json(
    _sources: &SourceMap,
    file: SourceId,
    text: &str,
    _named: bool,
    out: &mut Extracted,
) -> Result<(), SyntaxError> {
    let root = Lazy::root(file, text);
    bare::from_json(root, out)
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
}
