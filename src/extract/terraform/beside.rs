//! How a second policy would be put beside one of a module: which blocks are written again, and what
//! else has to name it. Where a copy would not do, why not.

use super::module::{Declared, Module};
use super::scope::Resource;
use super::uses::{At, Part, Use, bare, key, uses};
use crate::extract::{Again, Beside, Blocks, Listed};
use crate::fix::{Edit, in_order};
use crate::source::{SourceMap, Span};
use crate::syntax::hcl::{Attribute, Expr, ExprKind, Key, Piece};

/// A text that is shorter on disk is no policy that is too long.
const SHORT: u32 = 4000;

const ATTACHMENTS: [&str; 4] = [
    "aws_iam_role_policy_attachment",
    "aws_iam_policy_attachment",
    "aws_iam_user_policy_attachment",
    "aws_iam_group_policy_attachment",
];

/// Arguments that list all policies of a role.
const LISTS: [(&str, &str); 2] = [
    ("aws_iam_role", "managed_policy_arns"),
    ("aws_iam_role_policy_attachments_exclusive", "policy_arns"),
];

/// What would be made of a policy that stands at `text`; `None` where nobody will ask.
pub(super) fn beside(
    sources: &SourceMap,
    resource: &Resource,
    text: Span,
    named: bool,
) -> Option<Box<Beside>> {
    let own = &resource.declared;
    if sources.to_file(text).len() < SHORT {
        return None;
    }
    // What names the policy may stand in a file that cannot be read.
    if !resource.instance.module.errors.is_empty() {
        let why = "a file of its module does not parse".to_owned();
        return Some(Box::new(Beside::Not(why)));
    }
    let maker = Maker { sources, module: &resource.instance.module, own, named };
    let made = match &*own.kind {
        "aws_iam_policy" => maker.managed(),
        "aws_iam_role_policy" => maker.inline(),
        "aws_iam_role" => Err("blocks inside of a role are no resources of their own".to_owned()),
        _ => return None,
    };
    Some(Box::new(match made {
        Ok(blocks) => Beside::Blocks(blocks),
        Err(why) => Beside::Not(why),
    }))
}

/// What there is to write, or why a copy would not do.
type Made<T> = Result<T, String>;

struct Maker<'m> {
    sources: &'m SourceMap,
    module: &'m Module,
    own: &'m Declared,
    /// Whether its name is no null.
    named: bool,
}

/// Where the statements of a policy stand.
struct Statements<'m> {
    /// Each of them; `None` where they stand in a text.
    all: Option<Vec<Span>>,
    /// The document that holds them, and where the policy names it.
    document: Option<(&'m Declared, Span)>,
}

impl<'m> Maker<'m> {
    fn managed(&self) -> Made<Blocks> {
        let own = self.own;
        plain(self.sources, own)?;
        let policy = argument(own, "policy").ok_or("it has no text")?;
        let statements = self.statements(policy)?;
        let uses = uses(self.sources, self.module, own);
        let mut attached: Vec<&Declared> = Vec::new();
        for used in &uses {
            if let At::Argument { block, argument, part: Part::Whole } = &used.at
                && ATTACHMENTS.contains(&&*block.kind)
                && &*argument.name.text == "policy_arn"
            {
                plain(self.sources, block)?;
                attached.push(block);
            }
        }
        let is_attached = |block: &Declared| attached.iter().any(|one| one.name == block.name);
        let mut listed = Vec::new();
        for used in &uses {
            match &used.at {
                At::Argument { block, argument, part: Part::Whole }
                    if is_attached(block) && &*argument.name.text == "policy_arn" => {}
                At::Argument { block, argument, part: Part::Item(_) }
                    if LISTS.contains(&(&*block.kind, &*argument.name.text))
                        || &*argument.name.text == "depends_on" =>
                {
                    if !is_attached(block) {
                        listed.push(used);
                    }
                }
                At::Argument { block, .. } => return Err(named_by(&block.key())),
                At::Other(name) => return Err(named_by(name)),
            }
        }
        let attaches = |used: &Use<'_>| match &used.at {
            At::Argument { argument, .. } => &*argument.name.text != "depends_on",
            At::Other(_) => false,
        };
        if attached.is_empty() && !listed.iter().any(|used| attaches(used)) {
            return Err("nothing beside it attaches it".to_owned());
        }
        // What waits for the policy to be attached waits for the second one too.
        let waits: Vec<Vec<Use<'_>>> =
            attached.iter().map(|block| self::uses(self.sources, self.module, block)).collect();
        for uses in &waits {
            for used in uses {
                if let At::Argument { argument, part: Part::Item(_), .. } = &used.at
                    && &*argument.name.text == "depends_on"
                {
                    listed.push(used);
                }
            }
        }
        let mut copied = vec![own];
        copied.extend(statements.document.as_ref().map(|(document, _)| *document));
        copied.extend(&attached);
        let number = self.number(&copied, argument(own, "name"))?;
        let mut first = vec![labelled(own, number)];
        first.extend(self.other_name(own, number)?);
        let mut copies = Vec::new();
        if let Some((document, label)) = &statements.document {
            first.push(behind(*label, &number.to_string()));
            copies.push(copy(document, vec![labelled(document, number)]));
        }
        copies.push(copy(own, first));
        for block in &attached {
            let mut edits = vec![labelled(block, number)];
            if &*block.kind == "aws_iam_policy_attachment" {
                edits.extend(self.other_name(block, number)?);
            }
            for used in &uses {
                let within = |label: &Span| block.span.contains(*label);
                match used.label {
                    Some(label) if within(&label) => {
                        edits.push(behind(label, &number.to_string()));
                    }
                    _ => {}
                }
            }
            copies.push(copy(block, edits));
        }
        let lists: Made<Vec<Listed>> =
            listed.iter().map(|used| self.listed(used, number)).collect();
        let mut known: Vec<Span> = attached.iter().map(|block| block.name.span).collect();
        for used in listed.iter().filter(|used| attaches(used)) {
            if let At::Argument { block, .. } = &used.at {
                known.push(block.name.span);
            }
        }
        // Every name has to be written anew.
        if uses.iter().any(|used| used.label.is_none()) {
            return Err("it is named in a way that is not followed".to_owned());
        }
        Ok(Blocks { statements: statements.all, copies, lists: lists?, known })
    }

    /// A managed policy beside an inline one, attached to the same role.
    fn inline(&self) -> Made<Blocks> {
        let own = self.own;
        plain(self.sources, own)?;
        let policy = argument(own, "policy").ok_or("it has no text")?;
        let statements = self.statements(policy)?;
        const KNOWN: [&str; 4] = ["name", "name_prefix", "role", "policy"];
        let other = own.body.attributes.iter().find(|other| !KNOWN.contains(&&*other.name.text));
        if let Some(other) = other {
            return Err(format!("it has a `{}`", other.name.text));
        }
        if !own.body.blocks.is_empty() {
            return Err("it has blocks of its own".to_owned());
        }
        let role = argument(own, "role").ok_or("it has no role")?;
        let Some(found) = self.named(role).filter(|found| &*found.kind == "aws_iam_role") else {
            return Err("its role is not in its module".to_owned());
        };
        let lists_all = |block: &Declared| {
            &*block.kind == "aws_iam_role_policy_attachments_exclusive"
                || block.name == found.name && block.body.get("managed_policy_arns").is_some()
        };
        if let Some(block) = self.module.resources.iter().find(|block| lists_all(block)) {
            let key = block.key();
            return Err(format!("`{key}` lists all managed policies: name the new one there"));
        }
        let mut copied = vec![own];
        copied.extend(statements.document.as_ref().map(|(document, _)| *document));
        let number = self.number(&copied, argument(own, "name"))?;
        let label = format!("{}{number}", own.name.text);
        let text = self.sources.get(own.span.source);
        let slice = |span: Span| text.text().get(span.start as usize..span.end as usize);
        let mut head = Vec::new();
        for name in ["name", "name_prefix"] {
            let Some(value) = argument(own, name) else { continue };
            let edits = match name {
                "name" => self.renamed(value, number)?,
                _ => Vec::new(),
            };
            let whole = value.span;
            let moved = edits.into_iter().map(|edit| {
                let start = edit.span.start.saturating_sub(whole.start);
                let end = edit.span.end.saturating_sub(whole.start);
                Edit { span: Span::new(whole.source, start, end), text: edit.text }
            });
            let moved: Vec<Edit> = moved.collect();
            let value = crate::fix::apply(slice(whole).unwrap_or_default(), &moved);
            head.push((name, value));
        }
        let width = head.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(6);
        let lines: String =
            head.iter().map(|(name, value)| format!("  {name:width$} = {value}\n")).collect();
        let before =
            format!("resource \"aws_iam_policy\" \"{label}\" {{\n{lines}  {:width$} = ", "policy");
        let role = slice(role.span).unwrap_or_default();
        let behind = format!(
            "\n}}\n\nresource \"aws_iam_role_policy_attachment\" \"{label}\" {{\n  \
             role       = {role}\n  policy_arn = aws_iam_policy.{label}.arn\n}}"
        );
        let mut copies = Vec::new();
        let mut edits = Vec::new();
        if let Some((document, label)) = &statements.document {
            edits.push(self::behind(*label, &number.to_string()));
            copies.push(copy(document, vec![labelled(document, number)]));
        }
        copies.push(Again { whole: policy.span, before, behind, place: own.span, edits });
        Ok(Blocks { statements: statements.all, copies, lists: Vec::new(), known: Vec::new() })
    }

    fn statements(&self, policy: &Expr) -> Made<Statements<'m>> {
        let by_expression = || "an expression makes its statements".to_owned();
        match &bare(policy).kind {
            ExprKind::Call(name, arguments, false) if &**name == "jsonencode" => {
                let [Expr { kind: ExprKind::Object(entries), .. }] = arguments.as_slice() else {
                    return Err("its text stands elsewhere: split it there".to_owned());
                };
                let value = entries.iter().find(|(key, _)| is_statement(key));
                let Some((_, Expr { kind: ExprKind::List(items), .. })) = value else {
                    return Err(by_expression());
                };
                if !items.iter().all(|item| matches!(item.kind, ExprKind::Object(_))) {
                    return Err(by_expression());
                }
                let all = Some(items.iter().map(|item| item.span).collect());
                Ok(Statements { all, document: None })
            }
            ExprKind::Template(template) => {
                let plain =
                    |piece: &Piece| matches!(piece, Piece::Literal(..) | Piece::Interpolation(..));
                match template.pieces.iter().all(plain) {
                    true => Ok(Statements { all: None, document: None }),
                    false => Err("directives of its text say which statements it has".to_owned()),
                }
            }
            ExprKind::Traversal(..) => self.document(policy),
            _ => Err("its text stands elsewhere: split it there".to_owned()),
        }
    }

    /// The statements of a policy document.
    fn document(&self, policy: &Expr) -> Made<Statements<'m>> {
        let elsewhere = || "its text stands elsewhere: split it there".to_owned();
        let is_document = |one: &&Declared| one.data && &*one.kind == "aws_iam_policy_document";
        let document = self.named(policy).filter(is_document).ok_or_else(elsewhere)?;
        let uses = uses(self.sources, self.module, document);
        let [Use { label: Some(label), .. }] = uses.as_slice() else {
            return Err("its document is used elsewhere too".to_owned());
        };
        let label = *label;
        plain(self.sources, document)?;
        let body = &document.body;
        let merges = |other: &&Attribute| {
            matches!(
                &*other.name.text,
                "source_json"
                    | "override_json"
                    | "source_policy_documents"
                    | "override_policy_documents"
            )
        };
        if let Some(other) = body.attributes.iter().find(merges) {
            return Err(format!("its document has `{}`", other.name.text));
        }
        if body.blocks.iter().any(|block| &*block.kind.text != "statement") {
            return Err("dynamic blocks make its statements".to_owned());
        }
        let statements: Vec<Span> = body.blocks.iter().map(|block| block.span).collect();
        if let (Some(first), Some(last)) = (statements.first(), statements.last()) {
            let between = |other: &Attribute| {
                first.start < other.name.span.start && other.name.span.start < last.end
            };
            if body.attributes.iter().any(between) {
                return Err("other arguments stand between its statements".to_owned());
            }
        }
        Ok(Statements { all: Some(statements), document: Some((document, label)) })
    }

    /// The resource or data source that a reference is to.
    fn named(&self, reference: &Expr) -> Option<&'m Declared> {
        let key = key(reference)?;
        let found = self.module.resources.get(*self.module.by_name.get(&key)?)?;
        (found.key() == key).then_some(found)
    }

    /// What stands behind all new names: nothing has such a name yet.
    fn number(&self, copied: &[&Declared], name: Option<&Expr>) -> Made<u32> {
        let first = name.and_then(literal);
        let is_name = |block: &Declared, wanted: &str| {
            block.body.get("name").and_then(|name| literal(name)).is_some_and(|n| *n == *wanted)
        };
        let is_free = |number: &u32| {
            let taken = |block: &&Declared| {
                let label = format!("{}{number}", block.name.text);
                // An inline policy becomes one of its own, with an attachment.
                let kinds = match &*block.kind {
                    "aws_iam_role_policy" => {
                        &["aws_iam_policy", "aws_iam_role_policy_attachment"][..]
                    }
                    kind => &[kind],
                };
                let all = self.module.resources.iter();
                all.filter(|known| *known.name.text == *label)
                    .any(|known| kinds.contains(&&*known.kind))
            };
            let same_name = first.is_some_and(|name| {
                let wanted = format!("{name}-{number}");
                self.module.resources.iter().any(|block| is_name(block, &wanted))
            });
            !copied.iter().any(taken) && !same_name
        };
        (2..100).find(is_free).ok_or_else(|| "there are too many of it".to_owned())
    }

    /// Another name for what is made by a copy of `block`.
    fn other_name(&self, block: &Declared, number: u32) -> Made<Vec<Edit>> {
        match argument(block, "name") {
            Some(name) => self.renamed(name, number),
            None => Ok(Vec::new()),
        }
    }

    fn renamed(&self, name: &Expr, number: u32) -> Made<Vec<Edit>> {
        match &name.kind {
            ExprKind::Template(_) | ExprKind::Null => renamed(name, number),
            _ if self.named => renamed(name, number),
            _ => Err("its name may be null".to_owned()),
        }
    }

    fn listed(&self, used: &Use<'_>, number: u32) -> Made<Listed> {
        let unknown = || "it is listed in a way that is not followed".to_owned();
        let At::Argument { block, argument, part: Part::Item(at) } = &used.at else {
            return Err(unknown());
        };
        plain(self.sources, block)?;
        let ExprKind::List(items) = &argument.value.kind else { return Err(unknown()) };
        let label = used.label.ok_or_else(unknown)?;
        let item = items.get(*at).ok_or_else(unknown)?;
        let text = self.sources.get(item.span.source);
        let (start, end) = (item.span.start as usize, item.span.end as usize);
        let before = text.text().get(start..label.end as usize).ok_or_else(unknown)?;
        let behind = text.text().get(label.end as usize..end).ok_or_else(unknown)?;
        let items = items.iter().map(|item| item.span).collect();
        Ok(Listed { items, item: format!("{before}{number}{behind}") })
    }
}

fn argument<'d>(block: &'d Declared, name: &str) -> Option<&'d Expr> {
    block.body.get(name).map(|value| &**value)
}

/// Whether a block stands where it says, all of it.
fn plain(sources: &SourceMap, block: &Declared) -> Made<()> {
    if sources.get(block.span.source).name().ends_with(".json") {
        return Err("it is written in the JSON form of the language".to_owned());
    }
    let body = &block.body;
    let mut spans = body.attributes.iter().map(|one| one.name.span);
    let mut blocks = body.blocks.iter().map(|one| one.span);
    let is_own = |span: Span| block.span.contains(span);
    match spans.all(is_own) && blocks.all(is_own) {
        true => Ok(()),
        false => Err(format!("an override file changes `{}`", block.key())),
    }
}

fn named_by(name: &str) -> String {
    format!("`{name}` names it too: give it the second one as well")
}

fn behind(span: Span, text: &str) -> Edit {
    Edit { span: Span::new(span.source, span.end, span.end), text: text.to_owned() }
}

fn labelled(block: &Declared, number: u32) -> Edit {
    behind(block.name.span, &number.to_string())
}

fn copy(block: &Declared, mut edits: Vec<Edit>) -> Again {
    in_order(&mut edits);
    let (before, behind) = (String::new(), String::new());
    Again { whole: block.span, before, behind, place: block.span, edits }
}

/// A name with a number behind it.
fn renamed(name: &Expr, number: u32) -> Made<Vec<Edit>> {
    let Span { source, start, end } = name.span;
    match &name.kind {
        ExprKind::Null => Ok(Vec::new()),
        // In quotes, and no heredoc.
        ExprKind::Template(found) if found.span.start == start + 1 && found.span.end + 1 == end => {
            Ok(vec![behind(found.span, &format!("-{number}"))])
        }
        ExprKind::Traversal(..) | ExprKind::Call(..) => {
            let before = Edit { span: Span::new(source, start, start), text: "\"${".to_owned() };
            Ok(vec![before, behind(name.span, &format!("}}-{number}\""))])
        }
        _ => Err("an expression makes its name".to_owned()),
    }
}

fn literal(name: &Expr) -> Option<&str> {
    match &name.kind {
        ExprKind::Template(template) => match template.pieces.as_slice() {
            [Piece::Literal(_, text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn is_statement(key: &Key) -> bool {
    match key {
        Key::Name(name) => &*name.text == "Statement",
        Key::Expr(expr) => literal(expr) == Some("Statement"),
    }
}
