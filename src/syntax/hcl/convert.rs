//! The tree of the parser to ours: spans kept, strings cut into pieces that lead back to the text.

use std::ops::Range;
use std::rc::Rc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, ForExpr, ObjectKey, TraversalOperator};
use hcl_edit::structure::{BlockLabel, Structure};
use hcl_edit::template::{Directive, Element, HeredocTemplate, Strip};

use super::{
    Attribute, Block, Body, Expr, ExprKind, For, ForPiece, Key, Name, Piece, Step, Template,
};
use crate::source::{SourceId, Span};

/// Reads one text, whose first byte stands at `base`.
pub(super) struct Reader<'a> {
    pub(super) source: SourceId,
    pub(super) text: &'a str,
    pub(super) base: usize,
}

impl Reader<'_> {
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        let place = |at: usize| u32::try_from(at + self.base).unwrap_or(u32::MAX);
        Span::new(self.source, place(range.start), place(range.end))
    }

    fn place(&self, range: Option<Range<usize>>) -> Span {
        self.span(range.unwrap_or(0..0))
    }

    fn slice(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or("")
    }

    pub(super) fn body(&self, body: &hcl_edit::structure::Body) -> Body {
        let mut out =
            Body { span: self.place(body.span()), attributes: Vec::new(), blocks: Vec::new() };
        for structure in body {
            match structure {
                Structure::Attribute(attribute) => out.attributes.push(Attribute {
                    name: self.name(attribute.key.as_str(), attribute.key.span()),
                    value: Rc::new(self.expr(&attribute.value)),
                }),
                Structure::Block(block) => out.blocks.push(Block {
                    span: self.place(block.span()),
                    kind: self.name(block.ident.as_str(), block.ident.span()),
                    labels: block.labels.iter().map(|label| self.label(label)).collect(),
                    body: Rc::new(self.body(&block.body)),
                }),
            }
        }
        out
    }

    fn name(&self, text: &str, range: Option<Range<usize>>) -> Name {
        Name { span: self.place(range), text: text.into() }
    }

    fn label(&self, label: &BlockLabel) -> Name {
        let range = label.span().unwrap_or(0..0);
        // The span of a label in quotes may hold them, or the blank behind.
        let written = self.slice(range.clone());
        let start = range.start + usize::from(written.starts_with('"'));
        let end = match label {
            BlockLabel::String(_) => {
                self.slice(start..range.end).find('"').map_or(range.end, |at| start + at)
            }
            BlockLabel::Ident(_) => range.start + written.trim_end().len(),
        };
        self.name(label.as_str(), Some(start..end.max(start)))
    }

    pub(super) fn expr(&self, expr: &Expression) -> Expr {
        let range = expr.span().unwrap_or(0..0);
        let span = self.span(range.clone());
        let one = |expr: &Expression| Box::new(self.expr(expr));
        let kind = match expr {
            Expression::Null(_) => ExprKind::Null,
            Expression::Bool(value) => ExprKind::Bool(*value.value()),
            Expression::Number(number) => {
                let written = self.slice(range).trim();
                let written = match written {
                    "" => number.value().to_string(),
                    written => written.replace(' ', ""),
                };
                ExprKind::Number(written.into())
            }
            Expression::String(_) => {
                let inner = range.start + 1..range.end.saturating_sub(1).max(range.start + 1);
                let mut pieces = Pieces::new(self);
                pieces.quoted(inner.clone());
                ExprKind::Template(Template { span: self.span(inner), pieces: pieces.out })
            }
            Expression::StringTemplate(template) => {
                let inner = range.start + 1..range.end.saturating_sub(1).max(range.start + 1);
                let mut pieces = Pieces::new(self);
                pieces.elements(template, true, 0);
                ExprKind::Template(Template { span: self.span(inner), pieces: pieces.out })
            }
            Expression::HeredocTemplate(heredoc) => ExprKind::Template(self.heredoc(heredoc, span)),
            Expression::Parenthesis(inner) => {
                let inner = self.expr(inner.inner());
                return Expr { span, kind: inner.kind };
            }
            Expression::Variable(name) => ExprKind::Variable(name.value().as_str().into()),
            Expression::Array(array) => {
                ExprKind::List(array.iter().map(|item| self.expr(item)).collect())
            }
            Expression::Object(object) => ExprKind::Object(
                object
                    .iter()
                    .map(|(key, value)| (self.key(key), self.expr(value.expr())))
                    .collect(),
            ),
            Expression::Conditional(found) => ExprKind::Conditional(Box::new([
                self.expr(&found.cond_expr),
                self.expr(&found.true_expr),
                self.expr(&found.false_expr),
            ])),
            Expression::FuncCall(call) => {
                let mut name = String::new();
                for part in &call.name.namespace {
                    name.push_str(part.as_str());
                    name.push_str("::");
                }
                name.push_str(call.name.name.as_str());
                let arguments = call.args.iter().map(|argument| self.expr(argument)).collect();
                ExprKind::Call(name.into(), arguments, call.args.expand_final())
            }
            Expression::Traversal(traversal) => {
                let steps = traversal.operators.iter().map(|step| match step.value() {
                    TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                        Step::Splat
                    }
                    TraversalOperator::GetAttr(name) => Step::Attribute(name.as_str().into()),
                    TraversalOperator::Index(index) => Step::Index(self.expr(index)),
                    TraversalOperator::LegacyIndex(index) => {
                        Step::Attribute(index.value().to_string().into())
                    }
                });
                ExprKind::Traversal(one(&traversal.expr), steps.collect())
            }
            Expression::UnaryOp(op) => {
                let sign = op.operator.value().as_str().chars().next().unwrap_or('!');
                ExprKind::Unary(sign, one(&op.expr))
            }
            Expression::BinaryOp(op) => ExprKind::Binary(
                op.operator.value().as_str(),
                Box::new([self.expr(&op.lhs_expr), self.expr(&op.rhs_expr)]),
            ),
            Expression::ForExpr(found) => ExprKind::For(Box::new(self.for_expr(found))),
        };
        Expr { span, kind }
    }

    fn key(&self, key: &ObjectKey) -> Key {
        match key {
            ObjectKey::Ident(name) => Key::Name(self.name(name.as_str(), name.span())),
            ObjectKey::Expression(expr) => match self.expr(expr) {
                // A bare word in front of `=` is its own name.
                Expr { span, kind: ExprKind::Variable(text) } if self.is_word(span) => {
                    Key::Name(Name { span, text })
                }
                expr => Key::Expr(expr),
            },
        }
    }

    /// Whether nothing but a word stands there: no parentheses around it.
    fn is_word(&self, span: Span) -> bool {
        let start = (span.start as usize).saturating_sub(self.base);
        self.text.as_bytes().get(start) != Some(&b'(')
    }

    fn for_expr(&self, found: &ForExpr) -> For {
        For {
            key_name: found.intro.key_var.as_ref().map(|name| name.as_str().into()),
            value_name: found.intro.value_var.as_str().into(),
            collection: self.expr(&found.intro.collection_expr),
            key: found.key_expr.as_ref().map(|key| self.expr(key)),
            value: self.expr(&found.value_expr),
            condition: found.cond.as_ref().map(|condition| self.expr(&condition.expr)),
            grouping: found.grouping,
        }
    }

    fn heredoc(&self, heredoc: &HeredocTemplate, whole: Span) -> Template {
        let mut pieces = Pieces::new(self);
        pieces.elements(&heredoc.template, false, heredoc.indent().unwrap_or(0));
        let span = match (pieces.out.first(), pieces.out.last()) {
            (Some(first), Some(last)) => {
                Span::new(whole.source, first.span().start, last.span().end)
            }
            _ => Span::new(whole.source, whole.end, whole.end),
        };
        Template { span, pieces: pieces.out }
    }

    pub(super) fn raw(&self, template: &hcl_edit::template::Template, indent: usize) -> Vec<Piece> {
        let mut pieces = Pieces::new(self);
        pieces.elements(template, false, indent);
        pieces.out
    }
}

impl Piece {
    /// Where it stands.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Literal(span, _)
            | Self::Interpolation(span, _)
            | Self::If(span, _)
            | Self::For(span, _) => *span,
        }
    }
}

/// Pieces in the making.
struct Pieces<'r, 'a> {
    reader: &'r Reader<'a>,
    out: Vec<Piece>,
    /// `~}` takes the blanks behind it away.
    trim: bool,
    /// Whether the next literal starts a line.
    line_start: bool,
}

impl<'r, 'a> Pieces<'r, 'a> {
    fn new(reader: &'r Reader<'a>) -> Self {
        Self { reader, out: Vec::new(), trim: false, line_start: true }
    }

    fn elements(&mut self, template: &hcl_edit::template::Template, quoted: bool, indent: usize) {
        for element in template.iter() {
            let range = element.span().unwrap_or(0..0);
            let span = self.reader.span(range.clone());
            match element {
                Element::Literal(_) if quoted => self.quoted(range),
                Element::Literal(_) => self.lines(range, indent),
                Element::Interpolation(found) => {
                    self.before(found.strip);
                    let expr = self.reader.expr(&found.expr);
                    self.out.push(Piece::Interpolation(span, expr));
                    self.trim = strips_end(found.strip);
                    self.line_start = false;
                }
                Element::Directive(directive) => {
                    self.directive(directive, span, quoted, indent);
                    self.line_start = false;
                }
            }
        }
    }

    fn directive(&mut self, directive: &Directive, span: Span, quoted: bool, indent: usize) {
        match directive {
            Directive::If(found) => {
                self.before(found.if_expr.strip);
                let condition = self.reader.expr(&found.if_expr.cond_expr);
                let ends = found.else_expr.as_ref().map_or(found.endif_expr.strip, |e| e.strip);
                let yes =
                    self.inner(&found.if_expr.template, found.if_expr.strip, ends, quoted, indent);
                let no = found.else_expr.as_ref().map_or_else(Vec::new, |other| {
                    self.inner(&other.template, other.strip, found.endif_expr.strip, quoted, indent)
                });
                self.out.push(Piece::If(span, Box::new((condition, yes, no))));
                self.trim = strips_end(found.endif_expr.strip);
            }
            Directive::For(found) => {
                let head = &found.for_expr;
                self.before(head.strip);
                let ends = found.endfor_expr.strip;
                let pieces = self.inner(&head.template, head.strip, ends, quoted, indent);
                let piece = ForPiece {
                    key_name: head.key_var.as_ref().map(|name| name.as_str().into()),
                    value_name: head.value_var.as_str().into(),
                    collection: self.reader.expr(&head.collection_expr),
                    pieces,
                };
                self.out.push(Piece::For(span, Box::new(piece)));
                self.trim = strips_end(ends);
            }
        }
    }

    /// The pieces between two directives.
    fn inner(
        &self,
        template: &hcl_edit::template::Template,
        opens: Strip,
        closes: Strip,
        quoted: bool,
        indent: usize,
    ) -> Vec<Piece> {
        let mut pieces = Pieces::new(self.reader);
        pieces.trim = strips_end(opens);
        pieces.line_start = false;
        pieces.elements(template, quoted, indent);
        pieces.before(closes);
        pieces.out
    }

    /// `${~` and `%{~` take the blanks before them away.
    fn before(&mut self, strip: Strip) {
        self.trim = false;
        if !matches!(strip, Strip::Start | Strip::Both) {
            return;
        }
        while let Some(Piece::Literal(span, text)) = self.out.last_mut() {
            let kept = text.trim_end().len();
            if kept > 0 {
                if text.len() == span.len() as usize {
                    let end = span.start + u32::try_from(kept).unwrap_or(u32::MAX);
                    *span = Span::new(span.source, span.start, end);
                    *text = text.get(..kept).unwrap_or("").into();
                }
                return;
            }
            self.out.pop();
        }
    }

    /// Text with the escapes of quoted strings.
    fn quoted(&mut self, range: Range<usize>) {
        let text = self.reader.slice(range.clone());
        let bytes = text.as_bytes();
        let (mut at, mut from) = (0, 0);
        while let Some(found) = next_of(bytes, at) {
            let rest = text.get(found..).unwrap_or("");
            let (length, meaning) = match escape(rest) {
                Some(escape) => escape,
                None => {
                    at = found + 1;
                    continue;
                }
            };
            self.verbatim(range.start + from..range.start + found);
            self.push(range.start + found..range.start + found + length, &meaning);
            at = found + length;
            from = at;
        }
        self.verbatim(range.start + from..range.end);
    }

    /// Text of a heredoc: no escapes but for the marks, and indentation that does not count.
    fn lines(&mut self, range: Range<usize>, indent: usize) {
        let text = self.reader.slice(range.clone());
        if indent == 0 {
            self.marks(range);
        } else {
            let mut start = range.start;
            for line in text.split_inclusive('\n') {
                let end = start + line.len();
                let skipped: usize = match self.line_start {
                    true => line
                        .chars()
                        .take(indent)
                        .take_while(|c| c.is_whitespace() && *c != '\n' && *c != '\r')
                        .map(char::len_utf8)
                        .sum(),
                    false => 0,
                };
                self.marks(start + skipped..end);
                self.line_start = line.ends_with('\n');
                start = end;
            }
        }
        self.line_start = text.ends_with('\n');
    }

    fn marks(&mut self, range: Range<usize>) {
        let text = self.reader.slice(range.clone());
        let (mut at, mut from) = (0, 0);
        while let Some(found) =
            memchr::memchr2(b'$', b'%', text.as_bytes().get(at..).unwrap_or(&[]))
        {
            let found = at + found;
            let rest = text.get(found..).unwrap_or("");
            if rest.starts_with("$${") || rest.starts_with("%%{") {
                self.verbatim(range.start + from..range.start + found);
                let meaning = rest.get(1..3).unwrap_or("").to_owned();
                self.push(range.start + found..range.start + found + 3, &meaning);
                at = found + 3;
                from = at;
            } else {
                at = found + 1;
            }
        }
        self.verbatim(range.start + from..range.end);
    }

    fn verbatim(&mut self, range: Range<usize>) {
        let text = self.reader.slice(range.clone());
        if self.trim {
            let kept = text.trim_start();
            let start = range.end - kept.len();
            if !kept.is_empty() {
                self.trim = false;
                let kept = kept.to_owned();
                self.push(start..range.end, &kept);
            }
        } else if !text.is_empty() {
            let piece = Piece::Literal(self.reader.span(range), text.into());
            self.out.push(piece);
        }
    }

    fn push(&mut self, range: Range<usize>, text: &str) {
        if self.trim && text.trim_start().is_empty() {
            return;
        }
        self.trim = false;
        self.out.push(Piece::Literal(self.reader.span(range), text.into()));
    }
}

fn strips_end(strip: Strip) -> bool {
    matches!(strip, Strip::End | Strip::Both)
}

fn next_of(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr3(b'\\', b'$', b'%', bytes.get(from..)?).map(|at| from + at)
}

/// How long an escape is, and what it stands for.
fn escape(text: &str) -> Option<(usize, String)> {
    if text.starts_with("$${") || text.starts_with("%%{") {
        return Some((3, text.get(1..3)?.to_owned()));
    }
    let code = |digits: usize| {
        let hex = text.get(2..2 + digits)?;
        let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
        Some((2 + digits, c.to_string()))
    };
    let c = match text.strip_prefix('\\')?.chars().next()? {
        'n' => "\n",
        'r' => "\r",
        't' => "\t",
        '"' => "\"",
        '\\' => "\\",
        'u' => return code(4),
        'U' => return code(8),
        _ => return None,
    };
    Some((2, c.to_owned()))
}
