//! Strings with what is filled into them, and the policies that are written as text.
//!
//! A policy in a heredoc or a template file is JSON with gaps. It is put together as a text of its own,
//! the gaps marked, read as JSON, and the marks are then replaced: by holes, or by values whose tokens
//! keep the place they come from.

use std::rc::Rc;

use super::eval::is_choice_of_words;
use super::scope::{Scope, World};
use super::value::{Bit, Kind, LONGEST_TEXT, Str, Val};
use crate::source::{Embedding, SegmentMap, SourceMap, Span};
use crate::syntax::hcl::{Expr, Piece, Template};
use crate::syntax::holes::{MARK_END, MARK_START};
use crate::syntax::{HoleSyntax, Node, Part, SyntaxError, Value, json};

impl World<'_> {
    /// The value of a string.
    pub(super) fn template(&self, template: &Template, span: Span, scope: &Scope) -> Val {
        if let [Piece::Interpolation(_, expr)] = template.pieces.as_slice() {
            // `"${x}"` is x, whatever it is.
            return self.eval(expr, scope);
        }
        let mut bits = Vec::with_capacity(template.pieces.len());
        self.pieces(&template.pieces, scope, &mut bits);
        let length: usize = bits.iter().map(length).sum();
        if length > LONGEST_TEXT {
            return super::scope::unknown(span, &self.shown(span));
        }
        Val::new(span, Kind::Text(Rc::new(Str { span: template.span, bits })))
    }

    fn pieces(&self, pieces: &[Piece], scope: &Scope, out: &mut Vec<Bit>) {
        for piece in pieces {
            match piece {
                Piece::Literal(span, text) => out.push(Bit::Text(*span, (&**text).into())),
                Piece::Interpolation(span, expr) => {
                    let value = self.eval(expr, scope);
                    match value.bits() {
                        // It stands where it is filled in, whatever it is made of.
                        Some(bits) => out.extend(bits.into_iter().map(|bit| placed(bit, *span))),
                        None => out.push(Bit::Hole(*span, self.shown(expr.span).into())),
                    }
                }
                Piece::If(span, parts) => {
                    let (condition, yes, no) = &**parts;
                    match self.eval(condition, scope).as_bool() {
                        Some(true) => self.pieces(yes, scope, out),
                        Some(false) => self.pieces(no, scope, out),
                        None => self.either_pieces(*span, condition, [yes, no], scope, out),
                    }
                }
                Piece::For(span, found) => {
                    let collection = self.eval(&found.collection, scope);
                    let Some(pairs) = self.pairs(&collection) else {
                        out.push(Bit::Hole(*span, self.shown(found.collection.span).into()));
                        continue;
                    };
                    let several = pairs.len() > 1;
                    for (key, value) in pairs {
                        let mut inner = scope.with(&found.value_name, value);
                        if let Some(name) = &found.key_name {
                            inner = inner.with(name, key);
                        }
                        let mut bits = Vec::new();
                        self.pieces(&found.pieces, &inner, &mut bits);
                        // What stands there once cannot be the place of several.
                        let place = |bit| if several { placed(bit, *span) } else { bit };
                        out.extend(bits.into_iter().map(place));
                        if out.len() > LONGEST_TEXT || !self.step() {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// A condition that nobody knows. Of whole elements the alternative of the case is taken that is
    /// gone through; where the condition cannot be kept open, the first, which is told. Inside of a
    /// string it is a hole, but for effects and actions.
    fn either_pieces(
        &self,
        span: Span,
        condition: &Expr,
        [yes, no]: [&Vec<Piece>; 2],
        scope: &Scope,
        out: &mut Vec<Bit>,
    ) {
        let is_structure = |pieces: &[Piece]| {
            pieces.iter().any(|piece| match piece {
                Piece::Literal(_, text) => text.contains(['"', '{', '[', ',']),
                _ => false,
            })
        };
        let words = match (yes.as_slice(), no.as_slice()) {
            ([Piece::Literal(_, one)], [Piece::Literal(_, other)]) => {
                is_choice_of_words(one.trim(), other.trim())
            }
            _ => false,
        };
        if is_structure(yes) || is_structure(no) || words {
            let holds = self.decide(condition, scope);
            if holds.is_none() {
                self.assume(condition);
            }
            self.pieces(if holds == Some(false) { no } else { yes }, scope, out);
        } else {
            out.push(Bit::Hole(span, self.shown(span).into()));
        }
    }

    /// Adds an error in a text that may have been read before, in another case.
    pub(super) fn add_error(&self, errors: &mut Vec<SyntaxError>, error: SyntaxError) {
        let place = |error: &SyntaxError| self.sources.to_file(error.span);
        let same =
            |known: &SyntaxError| known.message == error.message && place(known) == place(&error);
        if !errors.iter().any(same) {
            errors.push(error);
        }
    }

    /// The policy that a text is.
    ///
    /// # Errors
    /// Where the text is no JSON.
    pub(super) fn read_text(&self, text: &Str, address: Option<&str>) -> Result<Node, SyntaxError> {
        let mut composed = Composed::new(self.sources, text);
        for bit in &text.bits {
            composed.add(bit);
        }
        let (node, marks) = composed.read(self.sources, address)?;
        let mut node = node;
        let mut budget = super::NODES;
        fill_in(&mut node, &marks, &mut budget);
        Ok(node)
    }
}

fn length(bit: &Bit) -> usize {
    match bit {
        Bit::Text(_, text) | Bit::Hole(_, text) => text.len(),
        Bit::Json(..) => 0,
    }
}

/// A bit at another place.
fn placed(bit: Bit, span: Span) -> Bit {
    match bit {
        Bit::Text(_, text) => Bit::Text(span, text),
        Bit::Hole(_, expr) => Bit::Hole(span, expr),
        Bit::Json(_, value) => Bit::Json(span, value),
    }
}

/// What a mark stands for.
enum Mark {
    Hole(Rc<str>),
    Json(Val),
}

/// A text in the making, with the way back.
struct Composed {
    parent: Span,
    text: String,
    map: SegmentMap,
    marks: Vec<Mark>,
    /// Whether the end so far stands inside of a JSON string, and behind a backslash there.
    quoted: bool,
    escaped: bool,
    file: std::sync::Arc<crate::source::Source>,
}

impl Composed {
    fn new(sources: &SourceMap, text: &Str) -> Self {
        let start = text.bits.first().map_or(text.span, span_of);
        // A text that is the value of a name stands where that value is written.
        let parent = if start.source == text.span.source { text.span } else { start };
        Self {
            parent,
            text: String::new(),
            map: SegmentMap::starting_at(start.start),
            marks: Vec::new(),
            quoted: false,
            escaped: false,
            file: sources.get(parent.source),
        }
    }

    fn add(&mut self, bit: &Bit) {
        let span = span_of(bit);
        match bit {
            Bit::Text(_, text) => {
                self.scan(text);
                let clean = text
                    .contains(['\u{e000}', '\u{e001}'])
                    .then(|| text.replace([MARK_START, MARK_END], "\u{fffd}"));
                let expression = self.is_expression(span);
                self.push(clean.as_deref().unwrap_or(text), span, expression);
            }
            Bit::Hole(_, expr) => self.mark(Mark::Hole(Rc::clone(expr)), span),
            Bit::Json(_, value) => self.mark(Mark::Json(value.clone()), span),
        }
    }

    fn mark(&mut self, mark: Mark, span: Span) {
        let number = self.marks.len();
        self.marks.push(mark);
        let quote = if self.quoted { "" } else { "\"" };
        self.push(&format!("{quote}{MARK_START}{number}{MARK_END}{quote}"), span, false);
    }

    /// Whether an expression stands at a place, of which a text that stands there is the value.
    fn is_expression(&self, span: Span) -> bool {
        let written = self.file.text().get(span.start as usize..);
        span.source == self.parent.source
            && written.is_some_and(|text| text.starts_with("${") || text.starts_with("%{"))
    }

    fn scan(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                _ => {}
            }
        }
    }

    fn push(&mut self, text: &str, span: Span, filled: bool) {
        self.text.push_str(text);
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let end = self.map.parent_end();
        if span.source != self.parent.source || span.start < end {
            // It stands elsewhere, or where another bit stood already.
            self.map.decode(length, 0);
            return;
        }
        self.map.skip(span.start - end);
        let range = span.start as usize..span.end as usize;
        if self.file.text().get(range) == Some(text) {
            self.map.copy(length);
        } else if filled {
            self.map.fill(length, span.len());
        } else {
            self.map.decode(length, span.len());
        }
    }

    fn read(
        self,
        sources: &SourceMap,
        address: Option<&str>,
    ) -> Result<(Node, Vec<Mark>), SyntaxError> {
        let Self { parent, text, map, marks, file, .. } = self;
        // A file that is a policy as it stands needs no second text.
        let whole = marks.is_empty() && *text == *file.text() && map.segments().len() <= 1;
        let child = if whole {
            parent.source
        } else {
            let end = map.parent_end();
            let parent = Span::new(parent.source, parent.start.min(end), end);
            sources.add_embedded(text, Embedding { parent, map, address: address.map(Into::into) })
        };
        let source = sources.get(child);
        let node = json::parse(child, source.text(), HoleSyntax::Marked)?;
        Ok((node, marks))
    }
}

fn span_of(bit: &Bit) -> Span {
    match bit {
        Bit::Text(span, _) | Bit::Hole(span, _) | Bit::Json(span, _) => *span,
    }
}

/// Puts holes and values where the marks are.
fn fill_in(node: &mut Node, marks: &[Mark], budget: &mut usize) {
    let mark = |text: &str| text.parse::<usize>().ok().and_then(|at| marks.get(at));
    match &mut node.value {
        Value::String(text) => {
            if let [Part::Hole(_, name)] = text.parts.as_slice()
                && let Some(Mark::Json(value)) = mark(name)
            {
                *node = value.to_node(budget);
                return;
            }
            rename(&mut text.parts, &mark);
        }
        Value::List(items) => items.iter_mut().for_each(|item| fill_in(item, marks, budget)),
        Value::Map(entries) => {
            for entry in entries {
                rename(&mut entry.key.parts, &mark);
                fill_in(&mut entry.value, marks, budget);
            }
        }
        _ => {}
    }
}

fn rename<'m>(parts: &mut [Part], mark: &impl Fn(&str) -> Option<&'m Mark>) {
    for part in parts {
        if let Part::Hole(_, name) = part {
            *name = match mark(name) {
                Some(Mark::Hole(expr)) => (&**expr).into(),
                Some(Mark::Json(_)) | None => "jsonencode(...)".into(),
            };
        }
    }
}
