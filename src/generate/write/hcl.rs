//! Terraform: documents by `aws_iam_policy_document` or `jsonencode`, laid out as `terraform fmt` lays
//! out, and the resources that they belong to.

use crate::generate::statement::{Document, DocumentKind, Line, Statement};
use crate::policy::Effect;
use crate::policy::symbolic::Symbolic;

use super::tree::{Tree, statement};
use super::{Name, Names};

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `data "aws_iam_policy_document"`.
    Document,
    /// `jsonencode({ … })`.
    Jsonencode,
}

/// A line of a block: `name = value`, where the value may go on.
struct Item {
    comments: Vec<String>,
    /// With quotes where it needs them.
    name: String,
    value: String,
}

/// A whole file.
#[must_use]
pub fn module(documents: &[Document], names: &Names, style: Style, head: &[String]) -> String {
    let writer = Writer { names };
    let mut blocks: Vec<String> = Vec::new();
    if !head.is_empty() {
        let lines: Vec<String> = head.iter().map(|line| format!("# {line}")).collect();
        blocks.push(lines.join("\n") + "\n");
    }
    for name in names.asked_by(documents) {
        blocks.push(variable(name));
    }
    for document in documents {
        if style == Style::Document {
            blocks.push(writer.data(document));
        }
        blocks.push(writer.resource(document, style));
        blocks.extend(writer.attachments(document, documents));
    }
    blocks.join("\n")
}

fn variable(name: Name) -> String {
    let (variable, meaning) = name.variable();
    let items = [("description", format!("\"{meaning}\"")), ("type", "string".to_owned())];
    format!("variable \"{variable}\" {{\n{}}}\n", lines(&plain(&items), 1))
}

fn plain(items: &[(&str, String)]) -> Vec<Item> {
    let item = |(name, value): &(&str, String)| Item {
        comments: Vec::new(),
        name: (*name).to_owned(),
        value: value.clone(),
    };
    items.iter().map(item).collect()
}

/// Items on lines of their own; the signs of those that stand together and have one line each are
/// below each other.
fn lines(items: &[Item], depth: usize) -> String {
    let pad = "  ".repeat(depth);
    let mut out = String::new();
    let alone = |item: &Item| item.value.contains('\n');
    let breaks = |item: &Item| alone(item) || !item.comments.is_empty();
    for run in items.chunk_by(|a, b| !alone(a) && !breaks(b)) {
        let width = run.iter().map(|item| item.name.chars().count()).max().unwrap_or(0);
        for item in run {
            for comment in &item.comments {
                out.push_str(&format!("{pad}# {comment}\n"));
            }
            let name = &item.name;
            let width = if alone(item) { 0 } else { width };
            out.push_str(&format!("{pad}{name:width$} = {}\n", item.value));
        }
    }
    out
}

struct Writer<'n> {
    names: &'n Names,
}

impl Writer<'_> {
    fn text(&self, text: &Symbolic) -> String {
        // Two signs stand for one where a template would begin.
        let escape =
            |text: &str| super::json::escape(text).replace("${", "$${").replace("%{", "%%{");
        let filled =
            self.names.fill(text, escape, |name| format!("${{var.{}}}", name.variable().0));
        format!("\"{filled}\"")
    }

    /// One on a line, several on lines of their own.
    fn list(&self, texts: &[Symbolic], depth: usize) -> String {
        let items: Vec<String> = texts.iter().map(|text| self.text(text)).collect();
        self.items(&items, depth)
    }

    fn items(&self, items: &[String], depth: usize) -> String {
        match items {
            [one] => format!("[{one}]"),
            _ => {
                let pad = "  ".repeat(depth + 1);
                let inner: String = items.iter().map(|item| format!("{pad}{item},\n")).collect();
                format!("[\n{inner}{}]", "  ".repeat(depth))
            }
        }
    }

    /// `data "aws_iam_policy_document"`.
    fn data(&self, document: &Document) -> String {
        let mut out = format!("data \"aws_iam_policy_document\" \"{}\" {{\n", label(document));
        for (at, one) in document.statements.iter().enumerate() {
            out.push_str(if at > 0 { "\n" } else { "" });
            for comment in one.comments() {
                out.push_str(&format!("  # {comment}\n"));
            }
            out.push_str(&self.block(one));
        }
        out.push_str("}\n");
        out
    }

    fn block(&self, one: &Statement) -> String {
        let mut items = vec![("sid", format!("\"{}\"", one.sid))];
        if one.effect == Effect::Deny {
            items.push(("effect", "\"Deny\"".to_owned()));
        }
        let actions: Vec<Symbolic> =
            one.actions.iter().map(|action| Symbolic::literal(action)).collect();
        items.push(("actions", self.list(&actions, 2)));
        if !one.resources.is_empty() {
            items.push(("resources", self.list(&one.resources, 2)));
        }
        let mut out = format!("  statement {{\n{}", lines(&plain(&items), 2));
        if let Some((kind, names)) = &one.principal {
            let own = [("type", format!("\"{kind}\"")), ("identifiers", self.list(names, 3))];
            out.push_str(&format!("\n    principals {{\n{}    }}\n", lines(&plain(&own), 3)));
        }
        for Line { operator, key, values } in &one.conditions {
            let own = [
                ("test", format!("\"{operator}\"")),
                ("variable", self.text(key)),
                ("values", self.list(values, 3)),
            ];
            out.push_str(&format!("\n    condition {{\n{}    }}\n", lines(&plain(&own), 3)));
        }
        out.push_str("  }\n");
        out
    }

    /// `jsonencode({ … })`, with comments in front of the statements.
    fn encoded(&self, document: &Document, depth: usize) -> String {
        let pad = "  ".repeat(depth);
        let mut out = format!("jsonencode({{\n{pad}  Version = \"{}\"\n", super::tree::VERSION);
        out.push_str(&format!("{pad}  Statement = [\n"));
        for one in &document.statements {
            for comment in one.comments() {
                out.push_str(&format!("{pad}    # {comment}\n"));
            }
            let tree = self.tree(&statement(one), depth + 2);
            out.push_str(&format!("{pad}    {tree},\n"));
        }
        out.push_str(&format!("{pad}  ]\n{pad}}})"));
        out
    }

    fn tree(&self, tree: &Tree, depth: usize) -> String {
        match tree {
            Tree::Text(text) => self.text(text),
            Tree::List(items) => {
                let items: Vec<String> =
                    items.iter().map(|item| self.tree(item, depth + 1)).collect();
                self.items(&items, depth)
            }
            Tree::Map(entries) => {
                let items: Vec<Item> = entries
                    .iter()
                    .map(|entry| Item {
                        comments: Vec::new(),
                        name: self.name(&entry.key),
                        value: self.tree(&entry.value, depth + 1),
                    })
                    .collect();
                format!("{{\n{}{}}}", lines(&items, depth + 1), "  ".repeat(depth))
            }
        }
    }

    /// A key of an object, in quotes unless it is a word.
    fn name(&self, key: &Symbolic) -> String {
        let word = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric());
        match key.as_literal().filter(word) {
            Some(word) => word.to_owned(),
            None => self.text(key),
        }
    }

    fn policy(&self, document: &Document, style: Style) -> String {
        match style {
            Style::Document => format!("data.aws_iam_policy_document.{}.json", label(document)),
            Style::Jsonencode => self.encoded(document, 1),
        }
    }

    fn resource(&self, document: &Document, style: Style) -> String {
        let (kind, items) = match document.kind {
            DocumentKind::Controller => {
                let items =
                    [("name", self.text(&document.name)), ("policy", self.policy(document, style))];
                ("aws_iam_policy", items)
            }
            DocumentKind::Trust | DocumentKind::Node => {
                let items = [
                    ("name", self.text(&document.name)),
                    ("assume_role_policy", self.policy(document, style)),
                ];
                ("aws_iam_role", items)
            }
            DocumentKind::Queue => {
                let url = super::queue_url(&document.name);
                let items =
                    [("queue_url", self.text(&url)), ("policy", self.policy(document, style))];
                ("aws_sqs_queue_policy", items)
            }
        };
        let label = label(document);
        format!("resource \"{kind}\" \"{label}\" {{\n{}}}\n", lines(&plain(&items), 1))
    }

    /// What binds policies to a role.
    fn attachments(&self, document: &Document, all: &[Document]) -> Vec<String> {
        let role = label(document);
        let attachment = |name: &str, arn: String| {
            let items = [("role", format!("aws_iam_role.{role}.name")), ("policy_arn", arn)];
            let items = lines(&plain(&items), 1);
            format!("resource \"aws_iam_role_policy_attachment\" \"{name}\" {{\n{items}}}\n")
        };
        match document.kind {
            DocumentKind::Trust => {
                let own = all.iter().filter(|one| one.kind == DocumentKind::Controller);
                own.map(|one| {
                    let policy = label(one);
                    attachment(&policy, format!("aws_iam_policy.{policy}.arn"))
                })
                .collect()
            }
            DocumentKind::Node => {
                let each = document.attached.iter().enumerate();
                each.map(|(at, arn)| attachment(&format!("{role}_{}", at + 1), self.text(arn)))
                    .collect()
            }
            DocumentKind::Controller | DocumentKind::Queue => Vec::new(),
        }
    }
}

/// The name of a block: that of upstream's template in small letters, `karpenter_node_lifecycle`.
fn label(document: &Document) -> String {
    match document.kind {
        DocumentKind::Controller => {}
        DocumentKind::Trust => return "karpenter_controller_role".to_owned(),
        DocumentKind::Node => return "karpenter_node".to_owned(),
        DocumentKind::Queue => return "karpenter_queue".to_owned(),
    }
    let stem = document.stem.trim_start_matches("KarpenterController").trim_end_matches("Policy");
    if stem.is_empty() {
        return "karpenter_controller".to_owned();
    }
    let mut out = String::from("karpenter");
    let mut before = false;
    let mut chars = stem.chars().peekable();
    while let Some(c) = chars.next() {
        // `EKSIntegration` is `eks_integration`.
        let word = chars.peek().is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && (!before || word) {
            out.push('_');
        }
        before = c.is_ascii_uppercase();
        out.push(c.to_ascii_lowercase());
    }
    out
}
