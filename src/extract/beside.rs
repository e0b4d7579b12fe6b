//! How a policy would get a second one beside it, as far as the place of the first tells.

use crate::fix::Edit;
use crate::source::Span;
use crate::syntax::Text;

/// What a second policy beside one would be made of.
#[derive(Debug, Clone)]
pub enum Beside {
    /// A resource of a CloudFormation template.
    Resource(Resource),
    /// A policy in the list of a role of such a template.
    InRole(InRole),
    /// Blocks of Terraform's language.
    Blocks(Blocks),
    /// It takes more than a copy: why, and what to do, as the end of a sentence.
    Not(String),
}

/// A resource of a template that holds a policy and nothing else.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name in the file.
    pub key: Text,
    /// What stands under the name.
    pub whole: Span,
    /// Whether it says itself which roles have it.
    pub names_roles: bool,
    /// Where roles name it, so that it is attached.
    pub references: Vec<Text>,
    /// What has to be different in a managed policy, if this is an inline one.
    pub inline: Option<Inline>,
}

/// A resource that is an inline policy, `AWS::IAM::RolePolicy` or `AWS::IAM::Policy`.
#[derive(Debug, Clone)]
pub struct Inline {
    /// The value of `Type`.
    pub kind: Text,
    /// The key and the value of each of its properties.
    pub properties: Vec<(Span, Span)>,
    /// Which of them is `PolicyName`, of which a managed policy has none.
    pub name: Option<usize>,
    /// The key and the value of `RoleName`, in the place of which a managed policy has `Roles`.
    pub role: Option<(Text, Span)>,
}

/// A policy that stands in the list of a role of a template.
#[derive(Debug, Clone)]
pub struct InRole {
    /// The name of the role in the file.
    pub key: Text,
    /// What stands under the name.
    pub whole: Span,
    /// The key of the document.
    pub document: Text,
    /// The document.
    pub value: Span,
}

/// Blocks of Terraform's language to write again for a second policy.
#[derive(Debug, Clone)]
pub struct Blocks {
    /// The statements, each where its braces are; `None` where they stand in a text.
    pub statements: Option<Vec<Span>>,
    /// What is written again: the policy, the document that it is made of, what attaches it.
    pub copies: Vec<Again>,
    /// Lists that have to name the second policy as well.
    pub lists: Vec<Listed>,
    /// The names of the blocks that are known to name the policy; all others may not.
    pub known: Vec<Span>,
}

/// One block to write again.
#[derive(Debug, Clone)]
pub struct Again {
    /// What is copied.
    pub whole: Span,
    /// What stands in front of the copy. A line ends in `\n`, whatever it ends in elsewhere in the file.
    pub before: String,
    /// What stands behind it.
    pub behind: String,
    /// Behind which block the copy belongs.
    pub place: Span,
    /// What is different in it, besides the statements; in the order of the text.
    pub edits: Vec<Edit>,
}

/// One list that names a policy.
#[derive(Debug, Clone)]
pub struct Listed {
    /// All of its items.
    pub items: Vec<Span>,
    /// What names the second one, as it is to be written.
    pub item: String,
}
