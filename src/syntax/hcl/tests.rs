use super::*;

/// The pieces of the string that `x` is, each sliced back out of the text.
fn pieces(text: &str) -> Vec<(String, String)> {
    let sources = SourceMap::new();
    let source = sources.add_file("t.tf", text);
    let body = parse(source, text).unwrap();
    let ExprKind::Template(template) = &body.get("x").unwrap().kind else { panic!("{text}") };
    let piece = |piece: &Piece| {
        let shown = match piece {
            Piece::Literal(_, text) => text.to_string(),
            Piece::Interpolation(..) => "<>".to_owned(),
            Piece::If(..) => "<if>".to_owned(),
            Piece::For(..) => "<for>".to_owned(),
        };
        (sources.slice(piece.span()), shown)
    };
    template.pieces.iter().map(piece).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn pieces_lead_back_to_the_text() {
    let same = |text: &'static str| (text, text);
    for (text, expected) in [
        ("x = \"plain\"\n", vec![same("plain")]),
        ("x = \"\"\n", vec![]),
        ("x = \"a\\\"b\"\n", vec![same("a"), ("\\\"", "\""), same("b")]),
        ("x = \"\\u00e9$${y}\"\n", vec![("\\u00e9", "é"), ("$${", "${"), same("y}")]),
        ("x = \"é${y}z\"\n", vec![same("é"), ("${y}", "<>"), same("z")]),
        ("x = <<E\na\\n\"${y}\"\nE\n", vec![same("a\\n\""), ("${y}", "<>"), same("\"\n")]),
        ("x = <<-E\n    a\n      b\n    E\n", vec![same("a\n"), same("  b\n")]),
        ("x = \"a ${~ y ~} b\"\n", vec![same("a"), ("${~ y ~}", "<>"), same("b")]),
        ("x = \"%{if y}a%{endif}\"\n", vec![("%{if y}a%{endif}", "<if>")]),
        ("\u{feff}x = \"a\"\n", vec![same("a")]),
    ] {
        assert_eq!(pieces(text), pairs(&expected), "{text}");
    }
}

#[test]
fn blocks_have_labels_with_places() {
    let text = "resource \"aws_iam_role\" x {\n  a = 1\n  b { c = 2 }\n}\n";
    let sources = SourceMap::new();
    let body = parse(sources.add_file("t.tf", text), text).unwrap();
    let block = &body.blocks[0];
    let labels: Vec<String> = block.labels.iter().map(|l| sources.slice(l.span)).collect();
    assert_eq!(labels, ["aws_iam_role", "x"]);
    assert_eq!(sources.slice(block.kind.span), "resource");
    assert_eq!(block.body.attributes.len() + block.body.blocks.len(), 2);
}

#[test]
fn json_is_the_same_language() {
    let text = r#"{"//": "c", "resource": {"k": {"n": {"a": "x-${var.y}", "statement": [{"sid": "S"}]}}},
        "locals": {"l": [1, true]}, "variable": {"v": {"type": "list(string)", "default": "${no}"}}}"#;
    let sources = SourceMap::new();
    let body = parse_json(&sources, sources.add_file("t.tf.json", text), text).unwrap();
    let kinds: Vec<&str> = body.blocks.iter().map(|block| &*block.kind.text).collect();
    assert_eq!(kinds, ["resource", "locals", "variable"]);
    let resource = &body.blocks[0];
    assert_eq!(resource.labels.len(), 2);
    assert_eq!(&*resource.body.blocks[0].kind.text, "statement");
    let ExprKind::Template(template) = &resource.body.get("a").unwrap().kind else { panic!() };
    let Piece::Interpolation(span, _) = &template.pieces[1] else { panic!() };
    assert_eq!(sources.slice(sources.to_file(*span)), "${var.y}");
    assert!(matches!(&body.blocks[2].body.get("type").unwrap().kind, ExprKind::Call(..)));
}

#[test]
fn errors_have_a_place() {
    for (text, at, message) in [
        ("a = \nb = 1\n", 4, "an expression must stand here"),
        ("a = 1\na = 2\n", 6, "this attribute is given twice"),
        ("a \"b\" {\n", 7, "the file ends in the middle of a block or an expression"),
        ("a = \"\\q\"\n", 7, "this escape is none that HCL knows"),
        ("a = 1 b = 2\n", 6, "this cannot stand here"),
    ] {
        let source = SourceMap::new().add_file("t.tf", text);
        let error = parse(source, text).unwrap_err();
        assert_eq!((error.span.start, error.message.as_str()), (at, message), "{text:?}");
    }
}
