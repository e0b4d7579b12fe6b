#![expect(clippy::string_slice, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::syntax::Part;

fn read(text: &str) -> Result<Node, SyntaxError> {
    let sources = SourceMap::new();
    let source = sources.add_file("t.json", text);
    parse(source, text, HoleSyntax::None)
}

/// `start..end message` of the error.
fn error(text: &str) -> String {
    let error = read(text).expect_err(text);
    format!("{}..{} {}", error.span.start, error.span.end, error.message)
}

#[test]
fn spans_keys_and_duplicates_are_kept() {
    let text = "\u{feff} {\"a\": [1, true], \"a\": \"x\\ny\", \"é\": null}\n";
    let node = read(text).unwrap();
    let slice = |span: Span| &text[span.start as usize..span.end as usize];
    assert_eq!(slice(node.span), text.trim_start_matches(['\u{feff}', ' ']).trim_end());
    let keys: Vec<_> = node.entries().iter().map(|e| slice(e.key.span)).collect();
    assert_eq!(keys, ["a", "a", "é"]);
    let values: Vec<_> = node.entries().iter().map(|e| slice(e.value.span)).collect();
    assert_eq!(values, ["[1, true]", "\"x\\ny\"", "null"]);
    assert_eq!(node.get("a").and_then(Node::as_str), Some("x\ny"));
    assert_eq!(node.get("é").map(|n| &n.value), Some(&Value::Null));
    assert_eq!(node.entries()[0].value.items()[0].value, Value::Number("1".into()));
}

#[test]
fn holes_in_keys_and_values() {
    let text = r#"{"a/${X}": "\u0041${ y }\n"}"#;
    let sources = SourceMap::new();
    let source = sources.add_file("t.json", text);
    let node = parse(source, text, HoleSyntax::Template).unwrap();
    let entry = &node.entries()[0];
    assert_eq!(entry.key.display(), "a/${X}");
    let text = entry.value.as_text().unwrap();
    let slices: Vec<_> = text
        .parts
        .iter()
        .map(|part| match part {
            Part::Literal(span, text) => (sources.slice(*span), text.to_string()),
            Part::Hole(span, text) => (sources.slice(*span), text.to_string()),
        })
        .collect();
    assert_eq!(
        slices,
        [("\\u0041", "A"), ("${ y }", "y"), ("\\n", "\n")].map(|(a, b)| (a.into(), b.into()))
    );
}

#[test]
fn mistakes_are_named() {
    for (text, expected) in [
        ("", "0..0 the text is empty"),
        ("\u{feff}\n ", "5..5 the text is empty"),
        ("{\"a\": 1 \"b\": 2}", "8..9 expected `,` or `}` after this value"),
        ("[1 2]", "3..4 expected `,` or `]` after this value"),
        ("{\"a\": 1]", "7..8 expected `,` or `}` after this value"),
        ("{\"a\" 1}", "5..6 expected `:` after this key"),
        ("{\"a\": 1,}", "7..8 trailing comma before `}`"),
        ("[1, ]", "2..3 trailing comma before `]`"),
        ("{\"a\": 1, // x\n}", "9..11 JSON has no comments"),
        ("/* x */ {}", "0..2 JSON has no comments"),
        ("# x\n{}", "0..1 JSON has no comments"),
        ("{'a': 1}", "1..2 JSON strings take double quotes"),
        ("{\"a\": 'b'}", "6..7 JSON strings take double quotes"),
        ("{a: 1}", "1..2 expected a key in double quotes, or `}`"),
        ("{\"a\": 1, bc: 1}", "9..11 expected a key in double quotes"),
        ("{\"a\": NaN}", "6..9 `NaN` is not a JSON value"),
        ("{\"a\": }", "6..7 expected a value"),
        ("{\"a\": ${X}}", "6..8 a placeholder stands where JSON wants a value, outside of quotes"),
        ("[{{ x }}]", "1..3 a placeholder stands where JSON wants a value, outside of quotes"),
        ("{\"a", "1..3 this string is not closed"),
        ("{\"a\\", "1..4 this string is not closed"),
        ("{\"a\": \"b\n}", "6..8 this string is not closed before the end of the line"),
        ("[\"a\tb\"]", "3..4 a tab inside a string is written `\\t`"),
        ("[\"\\ud800x\"]", "2..4 half of a surrogate pair stands alone in this escape"),
        ("\"\\ud800x\"", "1..7 half of a surrogate pair stands alone in this escape"),
        ("{\"a\"", "4..4 the text ends after a key, before its value"),
        ("{\"a\": [", "7..7 the text ends before the `]` that closes a list"),
        ("{\"a\": [1]", "9..9 the text ends before the `}` that closes an object"),
        ("{} x", "3..4 unexpected text after the end of the JSON"),
        ("{}}", "2..3 unexpected text after the end of the JSON"),
        ("[01]", "1..2 a JSON number has no leading zero"),
        ("[1.]", "1..4 this is not a JSON number"),
        ("[tru]", "1..4 expected a value"),
        ("{\0\"\0", "1..2 a NUL byte stands where JSON wants a value"),
    ] {
        if text.contains("ud800") && text.starts_with('[') {
            // Found while decoding, with the whole escape.
            assert_eq!(error(text), expected.replace("2..4", "2..8"), "{text}");
            continue;
        }
        assert_eq!(error(text), expected, "{text}");
    }
    let error = read("{\0\"\0").unwrap_err();
    assert!(error.help.unwrap().contains("UTF-16"));
}

#[test]
fn deep_nesting_is_an_error_and_quick() {
    for open in ["[", "{\"a\":"] {
        let text = open.repeat(100_000);
        let message = read(&text).unwrap_err().message;
        assert_eq!(message, "the value is nested more than 128 levels deep");
        let lazy = Lazy::root(SourceMap::new().add_file("t", ""), &text);
        assert!(
            lazy.entries().and(lazy.items().map(|_| ())).is_err_and(|e| !e.message.is_empty())
                || lazy.is_map()
        );
    }
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read(&text).is_err());
    let text = format!("{}{}", "[".repeat(128), "]".repeat(128));
    assert!(read(&text).is_ok());
}

#[test]
fn truncated_anywhere_is_an_error_inside_the_text() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["a","b\u00e9"],"x":-1.5e3,"y":{"z":null}}]}"#;
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let error = read(&text[..end]).expect_err(&text[..end]);
        assert!(error.span.end as usize <= end && !error.message.is_empty());
    }
}

#[test]
fn a_skimmed_value_is_not_decoded() {
    let text = r#"{"skip": {"lone": "\ud800"}, "Statement": [{"a\u0062": 1}]}"#;
    let sources = SourceMap::new();
    let root = Lazy::root(sources.add_file("t", text), text);
    let entries = root.entries().unwrap();
    assert!(!entries.get("skip").unwrap().holds("Statement"));
    let statement = entries.get("Statement").unwrap();
    let item = statement.items().unwrap()[0];
    assert_eq!(item.entries().unwrap().get("ab").unwrap().raw(), "1");
    assert_eq!(sources.slice(item.span()), r#"{"a\u0062": 1}"#);
}

#[test]
fn a_policy_in_a_string_leads_back() {
    let text = r#"{"policy": "{\"Statement\": \"\u00e9x\"}"}"#;
    let sources = SourceMap::new();
    let file = sources.add_file("plan.json", text);
    let node = parse(file, text, HoleSyntax::None).unwrap();
    let child = embed_string(&sources, node.get("policy").unwrap().span, Some("p")).unwrap();
    let source = sources.get(child);
    assert_eq!(source.text(), "{\"Statement\": \"éx\"}");
    let policy = parse(child, source.text(), HoleSyntax::None).unwrap();
    let at = sources.to_file(policy.entries()[0].key.span);
    assert_eq!(sources.slice(at), "Statement");
    let at = sources.to_file(policy.get("Statement").unwrap().span);
    assert_eq!(sources.slice(at), r#"\"\u00e9x\""#);
}

/// Text that often is nearly JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"",
        "\\",
        "1",
        "-",
        "0",
        ".5",
        "e1",
        "true",
        "nul",
        "null",
        " ",
        "\n",
        "é",
        "\\u12",
        "\\ud83d\\ude00",
        "\t",
        "/",
        "#",
        "x",
    ]);
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

/// The inside of a string, right or wrong.
fn string_body() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "a",
        "é",
        "𝄞",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\u00e9",
        "\\ud834\\udd1e",
        "\\ud834",
        "\\udd1e",
        "\\x",
        "\\u12",
        "\t",
        "\u{7f}",
        "\"",
        " ",
        "\\",
        "${X}",
    ]);
    prop::collection::vec(token, 0..10).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn strings_agree_with_serde_json(body in string_body()) {
        let raw = format!("\"{body}\"");
        let theirs = serde_json::from_str::<String>(&raw);
        let ours = string::decode(&raw, 0);
        prop_assert_eq!(theirs.is_ok(), ours.is_ok(), "{}", raw);
        if let (Ok(theirs), Ok((ours, _))) = (&theirs, &ours) {
            prop_assert_eq!(theirs, ours);
        }
        if let Err(error) = ours {
            prop_assert!(raw.get(error.start..error.end).is_some_and(|text| !text.is_empty()));
        }
    }

    #[test]
    fn every_range_of_a_string_leads_back(body in string_body(), cut in any::<(u16, u16)>()) {
        let raw = format!("\"{body}\"");
        let Ok((text, map)) = string::decode(&raw, 0) else { return Ok(()) };
        let (a, b) = (cut.0 as usize % (text.len() + 1), cut.1 as usize % (text.len() + 1));
        let (a, b) = (a.min(b), a.max(b));
        prop_assume!(text.is_char_boundary(a) && text.is_char_boundary(b));
        let (start, end) = map.to_parent(a as u32, b as u32);
        let back = format!("\"{}\"", &raw[start as usize..end as usize]);
        let (decoded, _) = string::decode(&back, 0).unwrap();
        prop_assert_eq!(&*decoded, &text[a..b]);
    }

    #[test]
    fn one_pass_reads_what_level_by_level_reads(text in nearly_json(), body in string_body()) {
        let text = format!("{text}\n");
        let keyed = format!(r#"[{{"{body}": [1, -2.5e3, null, "{body}"]}}, true]"#);
        for text in [text, keyed] {
            for holes in [HoleSyntax::None, HoleSyntax::Template] {
                let source = SourceMap::new().add_file("t.json", text.as_str());
                let root = Lazy::root(source, &text);
                let quick = direct::read(source, root.raw(), root.span().start, holes);
                let slow = root.node(holes);
                prop_assert_eq!(quick.as_ref(), slow.as_ref().ok(), "{}", text);
            }
        }
    }

    #[test]
    fn what_serde_json_refuses_is_explained(text in nearly_json()) {
        let theirs = serde_json::from_str::<&RawValue>(&text);
        let ours = diagnose::diagnose(&text);
        // Lone surrogates pass while skimming; the decoder refuses them.
        if !text.contains("\\ud") {
            prop_assert_eq!(theirs.is_err(), ours.is_some(), "{}", text);
        }
        if let Some(mistake) = ours {
            prop_assert!(text.get(mistake.start..mistake.end).is_some(), "{mistake:?}");
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,30}") {
        let _ = read(&text);
    }
}
