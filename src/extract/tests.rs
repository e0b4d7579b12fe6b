use super::*;

/// What `text` holds, with every text in it sliced back out of the file.
pub(super) fn read(name: &str, text: &str) -> (SourceMap, Extracted) {
    let sources = SourceMap::new();
    let file = sources.add_file(name, text);
    let extracted = extract(&sources, file, true, &Supplied::default()).unwrap();
    for document in &extracted.documents {
        assert_eq!(document.origin.file, file);
        check_spans(&sources, &document.node);
    }
    (sources, extracted)
}

/// Every literal of a verbatim style stands in the file as it reads.
fn check_spans(sources: &SourceMap, node: &Node) {
    let texts = node.as_text().into_iter().chain(node.entries().iter().map(|entry| &entry.key));
    for text in texts {
        for part in &text.parts {
            let (Part::Literal(span, text) | Part::Hole(span, text)) = part;
            let raw = sources.slice(sources.to_file(*span));
            // Escapes, variables of `Sub` and calls stand for what they do not contain.
            let holds = raw.contains(&**text)
                || text.contains(&raw)
                || raw.contains(['\\', '$', '[', '{', '\n']);
            assert!(holds, "{raw:?} stands for {text:?}");
        }
    }
    node.items().iter().for_each(|item| check_spans(sources, item));
    node.entries().iter().for_each(|entry| check_spans(sources, &entry.value));
}

/// `address kind name` of each document.
pub(super) fn documents(extracted: &Extracted) -> Vec<String> {
    let line = |document: &Document| {
        let origin = &document.origin;
        let address = origin.address.as_deref().unwrap_or("-");
        let name = origin.name.as_ref().map_or_else(|| "-".into(), Text::display);
        format!("{address} {:?} {name}", origin.kind)
    };
    extracted.documents.iter().map(line).collect()
}

fn error(name: &str, text: &str, named: bool) -> Option<String> {
    let sources = SourceMap::new();
    let file = sources.add_file(name, text);
    extract(&sources, file, named, &Supplied::default()).err().map(|error| error.message)
}

#[test]
fn bare_documents() {
    let (_, one) =
        read("a.json", r#"{"Statement": {"Action": "a/${X}", "Sid": "${aws:username}"}}"#);
    assert_eq!(documents(&one), ["- Bare -"]);
    let statement = one.documents[0].node.get("Statement").unwrap();
    assert_eq!(statement.get("Action").unwrap().as_text().unwrap().holes().count(), 1);
    assert_eq!(statement.get("Sid").unwrap().as_str(), Some("${aws:username}"));

    let (_, list) = read("a.json", r#"[{"Statement": []}, {"x": 1}, {"Statement": []}]"#);
    assert_eq!(list.documents.len(), 2);
    let (_, yaml) = read("a.yaml", "Statement:\n- Action: 'it${X}'\n---\n- Statement: []\n");
    assert_eq!(yaml.documents.len(), 2);
    let action = yaml.documents[0].node.get("Statement").unwrap().items()[0].get("Action").unwrap();
    assert_eq!(action.as_text().unwrap().style, Style::SingleQuoted);
    assert_eq!(action.as_text().unwrap().holes().collect::<Vec<_>>(), ["X"]);
}

#[test]
fn what_the_aws_cli_wraps() {
    let policy = r#"{"Statement": []}"#;
    let (_, version) = read("a.json", &format!(r#"{{"PolicyVersion": {{"Document": {policy}}}}}"#));
    assert_eq!(documents(&version), ["- Managed -"]);
    let text = format!(r#"{{"RoleName": "r", "PolicyName": "p", "PolicyDocument": {policy}}}"#);
    let (_, inline) = read("a.json", &text);
    assert_eq!(documents(&inline), ["- Inline p"]);
    assert_eq!(inline.roles[0].address, "r");
    assert_eq!(inline.roles[0].documents, [0]);
}

#[test]
fn a_file_without_a_policy_holds_nothing() {
    for (name, text) in [
        ("tsconfig.json", r#"{"compilerOptions": {"x": "Statement"}}"#),
        ("deep.json", r#"{"a": [[[["Statement"]]]]}"#),
        ("chart.yaml", "kind: ConfigMap\ndata:\n  x: Statement\n"),
        ("list.yaml", "- Statement\n- 1\n"),
        ("main.tf", "# Statement\nresource \"x\" \"y\" {}\n"),
        ("empty.yaml", ""),
        ("resources.yaml", "Resources: [1]\nx: Statement"),
    ] {
        let (_, extracted) = read(name, text);
        assert!(extracted.documents.is_empty() && extracted.broken.is_empty(), "{name}");
    }
    // Found, not named: source code is passed over, settings with comments too.
    assert_eq!(error("main.rs", "enum Statement {}", false), None);
    assert_eq!(error("tsconfig.json", "{ // Statement\n}", false), None);
    assert_eq!(error("tsconfig.json", "{ // Statement\n}", true).unwrap(), "JSON has no comments");
    assert!(error("p.json", "{ // x\n\"Statement\": []}", false).is_some());
    assert!(error("p.json", "{\"Statement\": [", false).is_some());
}

#[test]
fn a_flow_map_of_yaml_is_not_json() {
    let (_, extracted) = read("a.yaml", "{\"Statement\": [x, 'y'], # c\n}\n");
    assert_eq!(extracted.documents.len(), 1);
    let message = error("a.yaml", "{\"Statement\": [1 2}", true).unwrap();
    assert_eq!(message, "expected `,` or `]` after this value");
}

#[test]
fn a_template_language_is_named() {
    let text = "apiVersion: v1\n{{- if .Values.x }}\nStatement: []\n{{- end }}\n";
    let message = error("a.yaml", text, false).unwrap();
    assert_eq!(message, "the file looks like a template, not like YAML");
    let text = "{{- if .Values.x }}\nStatement: []\n{{- end }}\n";
    let message = error("a.yaml", text, false).unwrap();
    assert_eq!(message, "the file looks like a template, not like YAML");
}

#[test]
fn nesting_without_end_is_an_error() {
    let text = format!("{{\"Statement\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(error("a.json", &text, false).unwrap().contains("nested more than 128 levels"));
    assert!(error("a.json", &"[".repeat(100_000), true).is_some());
    let text = format!("Statement: {}", "[".repeat(100_000));
    assert!(error("a.yaml", &text, false).unwrap().contains("nested more than 128 levels"));
}
