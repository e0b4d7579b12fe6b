#![expect(clippy::string_slice, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::source::SourceMap;
use crate::syntax::{Part, embed};

struct Read {
    sources: SourceMap,
    documents: Vec<Node>,
}

impl Read {
    fn try_new(text: &str, holes: HoleSyntax) -> Result<Self, SyntaxError> {
        let sources = SourceMap::new();
        let source = sources.add_file("t.yaml", text);
        Ok(Self { documents: parse(source, text, holes)?, sources })
    }

    fn new(text: &str) -> Self {
        Self::try_new(text, HoleSyntax::None).unwrap()
    }

    fn get(&self, path: &str) -> &Node {
        path.split('.').fold(&self.documents[0], |node, key| {
            key.parse::<usize>().map_or_else(|_| node.get(key).unwrap(), |i| &node.items()[i])
        })
    }

    fn slice(&self, path: &str) -> String {
        self.sources.slice(self.get(path).span)
    }
}

fn error(text: &str) -> String {
    let error = Read::try_new(text, HoleSyntax::None).err().expect(text);
    format!("{}..{} {}", error.span.start, error.span.end, error.message)
}

#[test]
fn spans_tags_and_types() {
    let text = "\u{feff}é:\n  Version: 2012-10-17\n  b: !Sub 'x ''y'''\n  c: [1, !Ref A, {d: yes}]\n\
                \x20 e:\n  f:\n    - g: 1\n      h: 2\n    - ~\n  i: \"\"\n# end\nz: |\n  q\n\n";
    let read = Read::new(text);
    assert_eq!(read.get("é.Version").as_str(), Some("2012-10-17"));
    assert_eq!(read.get("é.b").as_str(), Some("x 'y'"));
    assert_eq!(read.get("é.b").tag.as_deref(), Some("!Sub"));
    assert_eq!(read.slice("é.b"), "'x ''y'''");
    assert_eq!(read.slice("é.c"), "[1, !Ref A, {d: yes}]");
    assert_eq!(read.get("é.c.1").tag.as_deref(), Some("!Ref"));
    assert_eq!(read.get("é.c.2.d").as_str(), Some("yes"));
    assert_eq!(read.get("é.e").value, Value::Null);
    assert_eq!(read.slice("é.f"), "- g: 1\n      h: 2\n    - ~");
    assert_eq!(read.slice("é.f.0"), "g: 1\n      h: 2");
    assert_eq!(read.get("é.f.1").value, Value::Null);
    assert_eq!(read.get("é.i").as_str(), Some(""));
    assert_eq!(read.slice("é.i"), "\"\"");
    assert_eq!(read.get("z").as_str(), Some("q\n"));
    assert_eq!(read.slice("z"), "q\n");
    assert!(read.slice("é").starts_with("Version") && read.slice("é").ends_with("i: \"\""));
}

#[test]
fn tags_of_collections_and_documents() {
    let read = Read::new("a: !Join\n  - ','\n  - - x\n    - !GetAtt [Y, Arn]\n---\nb: 1\n--- \n");
    assert_eq!(read.documents.len(), 3);
    assert_eq!(read.get("a").tag.as_deref(), Some("!Join"));
    assert_eq!(read.get("a.1.1").tag.as_deref(), Some("!GetAtt"));
    assert_eq!(read.slice("a.1.1"), "[Y, Arn]");
    assert_eq!(read.documents[1].get("b").and_then(Node::as_str), Some("1"));
    assert_eq!(read.documents[2].value, Value::Null);
    assert!(Read::new("").documents.is_empty());
}

#[test]
fn duplicate_keys_and_odd_keys_are_kept() {
    let read = Read::new("a: 1\na: 2\n? [x]\n: 3\n<<: {b: 4}\n");
    let keys: Vec<_> = read.documents[0].entries().iter().map(|e| e.key.display()).collect();
    assert_eq!(keys, ["a", "a", "", "<<"]);
    assert_eq!(read.get("a").as_str(), Some("2"));
}

#[test]
fn holes_where_the_text_is_not_verbatim() {
    let text = "a: 'it''s ${X}\n  b ${Y.Z}'\nc: \"\\x41${ Q }\"\n\"k/${N}\": 1\n";
    let read = Read::try_new(text, HoleSyntax::Template).unwrap();
    let parts = |text: &Text| -> Vec<(String, String)> {
        let part = |part: &Part| match part {
            Part::Literal(span, text) => (read.sources.slice(*span), text.to_string()),
            Part::Hole(span, text) => (read.sources.slice(*span), format!("<{text}>")),
        };
        text.parts.iter().map(part).collect()
    };
    let pairs = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect()
    };
    assert_eq!(
        parts(read.get("a").as_text().unwrap()),
        pairs(&[("it''s ", "it's "), ("${X}", "<X>"), ("\n  b ", " b "), ("${Y.Z}", "<Y.Z>")])
    );
    assert_eq!(
        parts(read.get("c").as_text().unwrap()),
        pairs(&[("\\x41", "A"), ("${ Q }", "<Q>")])
    );
    assert_eq!(read.documents[0].entries()[2].key.display(), "k/${N}");
}

#[test]
fn a_policy_in_a_block_leads_back() {
    let text = "P: !Sub |\r\n\r\n    {\r\n      \"Statement\": [\r\n        \"${X}\"\r\n      ]\r\n    }\r\nz: 1\r\n";
    let read = Read::new(text);
    let child = embed(&read.sources, read.get("P").as_text().unwrap(), Some("P"));
    let decoded = read.sources.get(child);
    assert_eq!(decoded.text(), "\n{\n  \"Statement\": [\n    \"${X}\"\n  ]\n}\n");
    let policy = crate::syntax::json::parse(child, decoded.text(), HoleSyntax::CfnSub).unwrap();
    let file = |span| read.sources.slice(read.sources.to_file(span));
    assert_eq!(file(policy.entries()[0].key.span), "Statement");
    assert_eq!(file(policy.get("Statement").unwrap().items()[0].span), "\"${X}\"");
    assert_eq!(file(policy.span), text[text.find('{').unwrap()..=text.rfind('}').unwrap()]);
}

#[test]
fn aliases_are_expanded_within_a_budget() {
    let read = Read::new("a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: *x\n");
    assert_eq!(read.get("c.b").as_str(), Some("1"));
    assert_eq!(read.get("d.e.b").as_str(), Some("1"));
    assert_eq!(read.slice("d"), "<<: *x\n  e: *x");

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..30 {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        bomb += &format!("a{i}: &a{i} [{aliases}]\n");
    }
    let message = error(&bomb);
    assert!(message.contains("aliases expand to more than 100000 values"), "{message}");

    let mut deep = "a0: &a0 [x]\n".to_owned();
    for i in 1..300 {
        deep += &format!("a{i}: &a{i} [*a{}]\n", i - 1);
    }
    let message = error(&deep);
    assert!(message.contains("nested more than 128 levels"), "{message}");
}

#[test]
fn deep_nesting_is_an_error_and_quick() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(100_000)] {
        let message = error(&text);
        assert!(message.contains("nested more than 128 levels deep"), "{message}");
    }
}

#[test]
fn mistakes_are_named() {
    for (text, expected) in [
        ("a:\n\tb: 1", "3..4 a tab stands in the indentation, where YAML takes only spaces"),
        ("a: |\n\tx", "5..6 a tab stands in the indentation, where YAML takes only spaces"),
        (
            "a:\n  b: 1\n\tc: 2",
            "10..11 a tab stands in the indentation, where YAML takes only spaces",
        ),
        ("a: 'x", "3..4 this string is not closed"),
        ("a: {", "3..4 this `{` is not closed"),
        (
            "a: \"\\q\"",
            "3..4 unknown escape in double quotes; single quotes take a backslash as it is",
        ),
        ("a: *x", "3..4 this alias names no anchor before it"),
        ("a: &a [*a]", "7..9 an alias must not stand inside of what it names"),
        ("- a\nb: c", "4..5 expected `-` with this indentation"),
        (
            "a: b: c",
            "4..5 a `:` cannot stand here: put text that holds `: ` in quotes, or check the indentation",
        ),
        ("a: @x", "3..4 no YAML value starts with `@`"),
        ("a: \u{1}", "3..3 the character U+0001 cannot stand in YAML"),
        ("s\0t\0", "1..1 a NUL character cannot stand in YAML; the file may be UTF-16"),
        (
            "a:\n{{- if .Values.x }}\n  b: 1\n{{- end }}\n",
            "3..5 the file looks like a template, not like YAML",
        ),
        (
            "a: 1\nname: {{ include \"x\" . }}-y\n",
            "11..13 the file looks like a template, not like YAML",
        ),
    ] {
        assert_eq!(error(text), expected, "{text:?}");
    }
}

/// The pieces that bodies of each style are made of, with a line break where the style has one.
fn body(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

fn document() -> impl Strategy<Value = (String, Style)> {
    let double = body(&[
        "a",
        "b",
        "é",
        " ",
        "\t",
        "\\n",
        "\\\"",
        "\\u00e9",
        "\\ud834\\udd1e",
        "\\x41",
        "\\ ",
        "#",
        "\n    ",
        "\n\n  ",
        " \n \n    ",
        "\\\n    ",
        "\\\n\n    ",
        "\r\n    ",
        "\\\r\n  ",
        "'",
        "\\t",
    ]);
    let single =
        body(&["a", "b", "é", "''", " ", "\n    ", "\n\n  ", " \r\n  ", "\\", "\"", "${X}"]);
    let plain =
        body(&["a", "b", " c", "é", "\n    d", "\n\n  e", " \r\n  f", "'", "\"", "${X}", "\\"]);
    let blocks = (
        prop::sample::select(vec!["|", "|-", "|+", "|2", "|2-", ">", ">-", ">+", ">2", "|4"]),
        prop::collection::vec(
            prop::sample::select(vec![
                "",
                "a",
                "b c",
                "  d",
                "é",
                " ",
                "   ",
                " \te",
                "{\"x\": 1}",
            ]),
            0..7,
        ),
        prop::sample::select(vec!["\n", "\r\n"]),
        prop::sample::select(vec!["  ", "    "]),
    );
    prop_oneof![
        double.prop_map(|body| (format!("k: \"{body}\"\nz: 1\n"), Style::DoubleQuoted)),
        single.prop_map(|body| (format!("k: '{body}'\nz: 1\n"), Style::SingleQuoted)),
        plain.prop_map(|body| (format!("- k: x{body}\n  z: 1\n"), Style::Plain)),
        (blocks, prop::sample::select(vec!["", "\n", "z: 1\n", "# c\nz: 1\n"])).prop_map(
            |((header, lines, line_break, indent), end)| {
                let mut text = format!("k: {header}{line_break}");
                for (i, line) in lines.iter().enumerate() {
                    let last = i + 1 == lines.len() && end.is_empty();
                    text += &format!("{indent}{line}{}", if last { "" } else { line_break });
                }
                let folded = header.starts_with('>');
                (text + end, if folded { Style::Folded } else { Style::Literal })
            }
        ),
    ]
}

/// What the raw text of a range decodes to, given the style and the indentation of its block.
fn decode(raw: &str, style: Style, indent: usize) -> String {
    match style {
        Style::DoubleQuoted | Style::SingleQuoted | Style::Plain => {
            // Plain text folds as quoted text does, but has no escapes.
            let text = match style {
                Style::DoubleQuoted => format!("\"{raw}\""),
                Style::SingleQuoted => format!("'{raw}'"),
                _ => format!("'{}'", raw.replace('\'', "''")),
            };
            Read::new(&text).documents[0].as_str().unwrap().to_owned()
        }
        _ => {
            let raw = raw.replace("\r\n", "\n");
            let mut lines = raw.split('\n');
            let mut out = lines.next().unwrap().to_owned();
            for line in lines {
                let spaces = line.len() - line.trim_start_matches(' ').len();
                out.push('\n');
                out.push_str(&line[spaces.min(indent)..]);
            }
            out
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_range_of_a_scalar_leads_back(
        (text, style) in document(),
        cut in any::<(u16, u16)>(),
    ) {
        let Ok(read) = Read::try_new(&text, HoleSyntax::None) else { return Ok(()) };
        let root = &read.documents[0];
        let Some(node) = root.items().first().unwrap_or(root).get("k") else { return Ok(()) };
        let Some(scalar) = node.as_text() else { return Ok(()) };
        let child = embed(&read.sources, scalar, None);
        let decoded = read.sources.get(child);
        let decoded = decoded.text();
        prop_assert_eq!(decoded, scalar.as_literal().unwrap());
        let back = |a: usize, b: usize| {
            read.sources.to_file(Span::new(child, a as u32, b as u32))
        };
        let all = back(0, decoded.len());
        prop_assert_eq!(all, scalar.span, "what was read twice stands at one place");

        if decoded.chars().all(|c| c == '\n') {
            return Ok(()); // A block without any text is one piece.
        }
        let (a, b) = (cut.0 as usize % (decoded.len() + 1), cut.1 as usize % (decoded.len() + 1));
        let (a, b) = (a.min(b), a.max(b));
        if !decoded.is_char_boundary(a) || !decoded.is_char_boundary(b) {
            return Ok(());
        }
        // A cut inside of a break that was folded takes in the whole.
        let span = back(a, b);
        let raw = read.sources.slice(span);
        let first = text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
        let column = span.start as usize - first;
        let indent = text.lines().skip(1).filter(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start_matches(' ').len()).next().unwrap_or(0);
        match style {
            // A piece of a break that was folded takes in the whole break, so that only the
            // characters can be compared.
            Style::Folded => {
                let squeeze = |s: &str| s.split_whitespace().collect::<String>();
                prop_assert_eq!(squeeze(&raw), squeeze(&decoded[a..b]), "{:?}", text);
            }
            Style::Literal if !raw.starts_with(' ') && column == indent => {
                let header = text.lines().next().unwrap();
                if !header.contains('2') && !header.contains('4') {
                    let mut expected = decode(&raw, style, indent);
                    let lacking = b == decoded.len() && !text.ends_with('\n');
                    if lacking && decoded[a..].ends_with('\n') && !expected.ends_with('\n') {
                        expected.push('\n'); // The parser adds the break that the file lacks.
                    }
                    prop_assert_eq!(expected, &decoded[a..b], "{:?}", text);
                }
            }
            Style::Literal => {
                let squeeze = |s: &str| s.split_whitespace().collect::<String>();
                prop_assert_eq!(squeeze(&raw), squeeze(&decoded[a..b]), "{:?}", text);
            }
            _ => {
                let inside = |at: usize| decoded[..at].ends_with('\n') && decoded[at..].starts_with('\n');
                if !inside(a) && !inside(b) {
                    let expected = decode(&raw, style, 0);
                    prop_assert_eq!(expected, &decoded[a..b], "{:?} {:?}", text, raw);
                }
            }
        }
        // Letters stand where they are written: no scalar fell back to one indivisible piece.
        for (at, c) in decoded.char_indices().filter(|(_, c)| c.is_alphabetic()) {
            let raw = read.sources.slice(back(at, at + c.len_utf8()));
            prop_assert!(raw.starts_with('\\') || raw == c.to_string(), "{:?} {:?}", text, raw);
        }
    }

    #[test]
    fn no_text_panics(text in "[-a:{}\\[\\]&*!|>'\"%#?,\\\\ \\n\\t\\réx]{0,40}") {
        if let Ok(read) = Read::try_new(&text, HoleSyntax::Template) {
            for node in &read.documents {
                prop_assert!(text.get(node.span.start as usize..node.span.end as usize).is_some());
            }
        }
    }
}

/// What a map is once its merge keys are followed: keys and values in order.
fn merged(text: &str) -> Vec<(String, String)> {
    let mut read = Read::new(text);
    let document = &mut read.documents[0];
    merge_keys(document);
    let entries = document.entries().last().unwrap().value.entries();
    let value = |entry: &Entry| match entry.value.as_str() {
        Some(text) => text.to_owned(),
        None => read.sources.slice(entry.value.span),
    };
    entries.iter().map(|entry| (entry.key.display(), value(entry))).collect()
}

#[test]
fn merge_keys_bring_in_what_a_map_has_not() {
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let two = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\n";
    // The map itself counts, wherever it says it, then the first of a list.
    assert_eq!(merged(&format!("{two}m: {{<<: *a, x: 0}}\n")), pairs(&[("y", "2"), ("x", "0")]));
    assert_eq!(
        merged(&format!("{two}m: {{x: 0, <<: [*a, *b]}}\n")),
        pairs(&[("x", "0"), ("y", "2"), ("z", "4")])
    );
    // What is merged may merge as well.
    assert_eq!(
        merged(&format!("{two}c: &c {{<<: *a, y: 5}}\nm: {{<<: *c}}\n")),
        pairs(&[("x", "1"), ("y", "5")])
    );
    // In quotes it is a key like any other, and what is no map cannot be merged.
    assert_eq!(merged("m: {'<<': {x: 1}}\n"), pairs(&[("<<", "{x: 1}")]));
    assert_eq!(merged("m: {<<: 1, x: 2}\n"), pairs(&[("<<", "1"), ("x", "2")]));
    assert_eq!(merged("m: {<<: [{x: 1}, 2]}\n"), pairs(&[("<<", "[{x: 1}, 2]")]));
    // A key that one map has twice stays a mistake.
    assert_eq!(merged("m: {<<: {x: 1, x: 2}}\n"), pairs(&[("x", "1"), ("x", "2")]));
}

#[test]
fn merged_entries_keep_their_places_and_make_nothing_larger() {
    let text = "a: &a {x: one}\nm: {<<: *a}\n";
    let mut read = Read::new(text);
    merge_keys(&mut read.documents[0]);
    assert_eq!(read.slice("m"), "{<<: *a}");
    assert_eq!(read.get("m.x").span.start as usize, text.find("one").unwrap());
    // Each doubles the one before: aliases are counted before anything is merged.
    let mut bomb = "a0: &a0 {x: 1, y: 2}\n".to_owned();
    for at in 1..40 {
        let before = at - 1;
        bomb.push_str(&format!(
            "a{at}: &a{at} {{<<: [*a{before}, *a{before}], k{at}: *a{before}}}\n"
        ));
    }
    assert!(error(&bomb).contains("anchors and aliases expand to more than"));
}
