//! JSON that a template puts together out of texts: `Join`, `Sub` and what they hold become one text
//! again, in which every part is known by the place it came from.

use super::resolve::{Call, Resolver, call, is_no_value};
use crate::source::{Embedding, SegmentMap, SourceId};
use crate::syntax::{self, HoleSyntax, Node, Part, SyntaxError, Text, json};

/// Text under way, written as `Sub` takes it: `${X}` is a hole, `${!X}` the text `${X}`.
struct Pieces {
    file: SourceId,
    text: String,
    map: SegmentMap,
}

impl Resolver<'_> {
    /// The JSON that a text or a call makes; `None` if it makes no text. `address` heads the frames.
    pub(super) fn joined(&self, address: &str, node: &Node) -> Option<Result<Node, SyntaxError>> {
        let mut pieces = Pieces {
            file: node.span.source,
            text: String::new(),
            map: SegmentMap::starting_at(node.span.start),
        };
        self.put(&mut pieces, node)?;
        let embedding =
            Embedding { parent: node.span, map: pieces.map, address: Some(address.into()) };
        let child = self.sources.add_embedded(pieces.text, embedding);
        let source = self.sources.get(child);
        Some(json::parse(child, source.text(), HoleSyntax::CfnSub).map(|mut node| {
            self.substitute_all(&mut node, &[]);
            node
        }))
    }

    fn put(&self, pieces: &mut Pieces, node: &Node) -> Option<()> {
        if is_no_value(node) {
            return None;
        }
        match call(node) {
            None => match node.as_text() {
                Some(text) => pieces.verbatim(self, text, false),
                None => pieces.text(&self.text(node)?),
            },
            Some(Call { name: "Join", argument }) => {
                let [separator, list] = argument.items() else { return None };
                let separator = separator.as_text()?;
                if call(list).is_some() {
                    pieces.text(&self.text(node)?);
                    return Some(());
                }
                let items = list.items().iter().filter(|item| !is_no_value(item));
                for (number, item) in items.enumerate() {
                    if number > 0 {
                        pieces.between(&separator.display());
                    }
                    self.put(pieces, item)?;
                }
            }
            Some(Call { name: "Sub", argument }) if argument.items().is_empty() => {
                pieces.verbatim(self, argument.as_text()?, true);
            }
            // Its value may change with `--parameter`, its place does not.
            Some(_) => pieces.text(&self.text(node)?),
        }
        Some(())
    }
}

impl Pieces {
    /// A text as it was written; `is_sub` if it is written for `Sub` already.
    fn verbatim(&mut self, resolver: &Resolver<'_>, text: &Text, is_sub: bool) {
        let (decoded, map) = syntax::decode(resolver.sources, text);
        if text.span.source != self.file {
            self.between(&if is_sub { decoded.into() } else { decoded.replace("${", "${!") });
            return;
        }
        let mut at = 0;
        for found in memchr::memmem::find_iter(decoded.as_bytes(), "${").filter(|_| !is_sub) {
            self.copy(&decoded, &map, at, found + 2);
            self.between("!");
            at = found + 2;
        }
        self.copy(&decoded, &map, at, decoded.len());
    }

    fn copy(&mut self, decoded: &str, map: &SegmentMap, start: usize, end: usize) {
        self.text.push_str(decoded.get(start..end).unwrap_or_default());
        self.map.append(map, narrow(start), narrow(end));
    }

    /// A text that has been resolved: each part stands at its place as a whole.
    fn text(&mut self, text: &Text) {
        for part in &text.parts {
            let (span, written) = match part {
                Part::Literal(span, literal) => (span, literal.replace("${", "${!")),
                Part::Hole(span, expression) => (span, format!("${{{}}}", name(expression))),
            };
            if span.source == self.file && span.start >= self.map.parent_end() {
                self.map.skip_to(span.start);
                self.map.decode(narrow(written.len()), span.len());
                self.text.push_str(&written);
            } else {
                self.between(&written);
            }
        }
    }

    /// Text that stands nowhere here.
    fn between(&mut self, text: &str) {
        self.map.decode(narrow(text.len()), 0);
        self.text.push_str(text);
    }
}

/// An expression as `Sub` takes one.
fn name(expression: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    let mut out = String::with_capacity(expression.len());
    for c in expression.chars() {
        match is_name(c) {
            true => out.push(c),
            false if out.ends_with('.') => {}
            false => out.push('.'),
        }
    }
    out.trim_end_matches('.').to_owned()
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
