//! Terraform's and OpenTofu's language to a spanned tree of its own: `.tf`, `.tf.json` and template
//! files. The package behind it stays in here, so that dropping it means writing one parser.
//!
//! Nothing is evaluated: what a name stands for is the business of who reads the tree.

pub mod comments;
mod convert;
mod from_json;

use std::rc::Rc;

use hcl_edit::parser;

use super::SyntaxError;
use crate::source::{SourceId, SourceMap, Span};

/// A file, or what stands between the braces of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// All of it.
    pub span: Span,
    /// `name = value`, in the order of the text; each name once.
    pub attributes: Vec<Attribute>,
    /// The blocks, in the order of the text.
    pub blocks: Vec<Block>,
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: Name,
    /// The value.
    pub value: Rc<Expr>,
}

/// `resource "aws_iam_policy" "x" { }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// All of it.
    pub span: Span,
    /// `resource`.
    pub kind: Name,
    /// `aws_iam_policy` and `x`, without quotes.
    pub labels: Vec<Name>,
    /// What stands in the braces.
    pub body: Rc<Body>,
}

/// A word with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Where it stands, without quotes.
    pub span: Span,
    /// The word.
    pub text: Box<str>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Where it stands; a string with its quotes, a heredoc with its marks.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written.
    Number(Box<str>),
    /// A string or heredoc, whether something is filled in or not.
    Template(Template),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `{ a = b }`.
    Object(Vec<(Key, Expr)>),
    /// The first word of a reference: `var`, `each`, `aws_iam_role`.
    Variable(Box<str>),
    /// `x.a[0]`.
    Traversal(Box<Expr>, Vec<Step>),
    /// `name(arguments...)`; whether the last argument is spread with `...`.
    Call(Box<str>, Vec<Expr>, bool),
    /// `condition ? yes : no`.
    Conditional(Box<[Expr; 3]>),
    /// `!x`, `-x`.
    Unary(char, Box<Expr>),
    /// `a == b`, by the operator as written.
    Binary(&'static str, Box<[Expr; 2]>),
    /// `[for k, v in x : v if c]`, `{for k, v in x : k => v...}`.
    For(Box<For>),
}

/// The key of an object's entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// A bare word.
    Name(Name),
    /// A string or an expression in parentheses.
    Expr(Expr),
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// `.name`, or `.0`.
    Attribute(Box<str>),
    /// `[index]`.
    Index(Expr),
    /// `[*]` or `.*`.
    Splat,
}

/// A `for` expression.
#[derive(Debug, Clone, PartialEq)]
pub struct For {
    /// The first of two names.
    pub key_name: Option<Box<str>>,
    /// The name of the item.
    pub value_name: Box<str>,
    /// What is gone through.
    pub collection: Expr,
    /// What makes the key, if an object is made.
    pub key: Option<Expr>,
    /// What makes the value.
    pub value: Expr,
    /// Which items are taken.
    pub condition: Option<Expr>,
    /// Whether values with one key are gathered in a list.
    pub grouping: bool,
}

/// The pieces of a string.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// The text without its quotes, or between the marks of a heredoc.
    pub span: Span,
    /// The pieces, in order.
    pub pieces: Vec<Piece>,
}

/// One piece of a string.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Known text. Where it is as long as its span, it is what stands there; else an escape.
    Literal(Span, Box<str>),
    /// `${x}`.
    Interpolation(Span, Expr),
    /// `%{if x}…%{else}…%{endif}`.
    If(Span, Box<(Expr, Vec<Piece>, Vec<Piece>)>),
    /// `%{for k, v in x}…%{endfor}`.
    For(Span, Box<ForPiece>),
}

/// A loop in a string.
#[derive(Debug, Clone, PartialEq)]
pub struct ForPiece {
    /// The first of two names.
    pub key_name: Option<Box<str>>,
    /// The name of the item.
    pub value_name: Box<str>,
    /// What is gone through.
    pub collection: Expr,
    /// What is repeated.
    pub pieces: Vec<Piece>,
}

impl Body {
    /// The value called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Rc<Expr>> {
        self.attributes.iter().find(|found| &*found.name.text == name).map(|found| &found.value)
    }
}

/// Reads a `.tf`, `.tofu` or `.tfvars` file.
///
/// # Errors
/// Where the text is not of the language; reading stops at the first mistake.
pub fn parse(source: SourceId, text: &str) -> Result<Body, SyntaxError> {
    let (text, base) = without_mark(text);
    let body = parser::parse_body(text).map_err(|error| explain(source, text, base, &error))?;
    Ok(convert::Reader { source, text, base }.body(&body))
}

/// Reads one expression: a variable's type, or the value of a flag.
///
/// # Errors
/// Where the text is none.
pub fn parse_expression(source: SourceId, text: &str) -> Result<Expr, SyntaxError> {
    let (text, base) = without_mark(text);
    let read = parser::parse_expr(text).map_err(|error| explain(source, text, base, &error))?;
    Ok(convert::Reader { source, text, base }.expr(&read))
}

/// Reads a template file, or a string of `.tf.json`.
///
/// # Errors
/// Where something that is filled in is not closed, or is no expression.
pub fn parse_template(source: SourceId, text: &str) -> Result<Template, SyntaxError> {
    let (text, base) = without_mark(text);
    let read = parser::parse_template(text).map_err(|error| explain(source, text, base, &error))?;
    let reader = convert::Reader { source, text, base };
    Ok(Template { span: reader.span(0..text.len()), pieces: reader.raw(&read, 0) })
}

/// Reads the JSON form of the language, `.tf.json` and `.tfvars.json`.
///
/// # Errors
/// Where the text is no JSON, or a string in it is no template.
pub fn parse_json(sources: &SourceMap, source: SourceId, text: &str) -> Result<Body, SyntaxError> {
    let node = super::json::parse(source, text, super::HoleSyntax::None)?;
    from_json::file(sources, &node)
}

fn without_mark(text: &str) -> (&str, usize) {
    text.strip_prefix('\u{feff}').map_or((text, 0), |rest| (rest, 3))
}

/// The parser's words in ours, with the place.
fn explain(source: SourceId, text: &str, base: usize, error: &parser::Error) -> SyntaxError {
    let mut at = error.location().offset().min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    let rest = text.get(at..).unwrap_or("");
    let length = rest.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let place = |n: usize| u32::try_from(n + base).unwrap_or(u32::MAX);
    let said = error.message().split("; ").collect::<Vec<_>>();
    let mut help = None;
    let message = if error.message().contains("redefined attribute") {
        "this attribute is given twice".to_owned()
    } else if error.message().contains("nested levels") || error.message().contains("operator") {
        format!("this is nested too deeply: {}", said.last().copied().unwrap_or_default())
    } else if !error.message().contains("escape sequence")
        && (rest.is_empty() || at + 1 >= text.trim_end().len())
    {
        "the file ends in the middle of a block or an expression".to_owned()
    } else {
        help =
            said.iter().find(|part| part.starts_with("expected ")).map(|part| (*part).to_owned());
        match said.iter().find_map(|part| part.strip_prefix("invalid ")) {
            Some("expression") => "an expression must stand here".to_owned(),
            Some("escape sequence") => "this escape is none that HCL knows".to_owned(),
            Some(what) => format!("this is no valid {what}"),
            None => "this cannot stand here".to_owned(),
        }
    };
    let mut read = SyntaxError::new(source, place(at), place(at + length), message);
    read.help = help;
    read
}

#[cfg(test)]
mod tests;
