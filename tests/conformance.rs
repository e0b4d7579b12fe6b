//! The public suites of JSON (nst/JSONTestSuite), YAML (yaml/yaml-test-suite) and TOML (toml-lang/toml-test), where
//! `KARPLINT_SUITES` names a folder that holds clones of them; without it a word says that they were left out.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test may panic: that is how it fails"
)]

use std::fs;
use std::path::{Path, PathBuf};

use karplint::source::SourceMap;
use karplint::syntax::{HoleSyntax, Node, Value, json, yaml};

/// The folder of a suite.
fn suite(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("KARPLINT_SUITES").map(|all| Path::new(&all).join(name));
    let found = found.filter(|folder| folder.is_dir());
    if found.is_none() {
        println!("no {name} in KARPLINT_SUITES: left out");
    }
    found
}

fn files(folder: &Path, ending: &str, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ending, out);
        } else if path.to_string_lossy().ends_with(ending) {
            out.push(path);
        }
    }
    out.sort();
}

#[test]
fn json_is_taken_and_refused_as_the_suite_says() {
    let Some(folder) = suite("JSONTestSuite/test_parsing") else { return };
    let mut all = Vec::new();
    files(&folder, ".json", &mut all);
    assert!(all.len() > 300, "{} files", all.len());
    let mut wrong = Vec::new();
    for path in all {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // What is not UTF-8 never comes as far as the parser: `tests/bad_input.rs`.
        let Ok(text) = String::from_utf8(fs::read(&path).unwrap()) else {
            assert!(!name.starts_with("y_"), "{name}");
            continue;
        };
        let sources = SourceMap::new();
        let source = sources.add_file(name.as_str(), text.as_str());
        let taken = json::parse(source, &text, HoleSyntax::None);
        let lazy = json::Lazy::root(source, &text).entries();
        // Deeper than any policy: refused with a place, as the limits say.
        let deep = name == "n_structure_100000_opening_arrays.json"
            || name == "i_structure_500_nested_arrays.json";
        match name.as_bytes().first() {
            Some(b'y') if taken.is_err() || lazy.is_err() => wrong.push(name),
            Some(b'n') if taken.is_ok() => wrong.push(name),
            _ if deep => assert!(taken.is_err(), "{name}"),
            _ => {}
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The marks of the suite for what cannot be seen.
fn unmark(text: &str) -> String {
    let mut out = text.replace('␣', " ").replace('⇔', "\u{feff}").replace('↵', "");
    out = out.replace('←', "\r");
    while let Some(at) = out.find('»') {
        let start = out[..at].trim_end_matches('—').len();
        out.replace_range(start..at + '»'.len_utf8(), "\t");
    }
    match out.strip_suffix("∎\n") {
        Some(cut) => cut.to_owned(),
        None => out,
    }
}

/// A node as JSON, as far as a linter of policies has to know: scalars are texts.
fn plain(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => value.to_string().into(),
        Value::Number(text) => text.to_string().into(),
        Value::String(text) => text.display().into(),
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.display(), plain(&entry.value)));
            serde_json::Value::Object(pairs.collect())
        }
    }
}

/// The suite's JSON with scalars as texts, for comparison.
fn as_texts(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Array(items) => items.iter().map(as_texts).collect(),
        serde_json::Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), as_texts(value))).collect()
        }
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Null => serde_json::Value::Null,
        other => other.to_string().into(),
    }
}

/// Whether two values say the same; how a null or a number is spelt does not count.
fn same(ours: &serde_json::Value, theirs: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Null, Object, String};
    match (ours, theirs) {
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Object(a), Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (String(text), Null) => matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"),
        (String(a), String(b)) if a != b => {
            let number = |text: &str| text.trim_start_matches('+').parse::<f64>().ok();
            number(a).is_some() && number(a) == number(b)
        }
        (a, b) => a == b,
    }
}

#[test]
fn yaml_is_taken_and_refused_as_the_suite_says() {
    let Some(folder) = suite("yaml-test-suite/src") else { return };
    let mut all = Vec::new();
    files(&folder, ".yaml", &mut all);
    let (mut cases, mut taken, mut refused, mut differs) = (0, Vec::new(), Vec::new(), Vec::new());
    for path in all {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let sources = SourceMap::new();
        let source = sources.add_file(name.as_str(), text.as_str());
        let Ok(documents) = yaml::parse(source, &text, HoleSyntax::None) else {
            refused.push(format!("{name} (the case file)"));
            continue;
        };
        // Fields that a later case leaves out are those of the case before it.
        let mut before = (None, false);
        for (at, case) in documents.iter().flat_map(|document| document.items()).enumerate() {
            let field =
                |key: &str| case.get(key).and_then(|value| value.as_text()).map(|t| t.display());
            let input = field("yaml").or(before.0.clone());
            let fails = case.get("fail").is_some();
            let Some(input) = input else { continue };
            before = (Some(input.clone()), fails);
            let input = unmark(&input);
            let id = format!("{name}:{at}");
            cases += 1;
            let sources = SourceMap::new();
            let source = sources.add_file(id.as_str(), input.as_str());
            match yaml::parse(source, &input, HoleSyntax::None) {
                Ok(_) if fails => taken.push(id),
                Err(_) if !fails => refused.push(id),
                Ok(found) => {
                    let Some(json) = field("json").filter(|json| !json.is_empty()) else {
                        continue;
                    };
                    let theirs: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&json)
                        .into_iter()
                        .collect::<Result<_, _>>()
                        .unwrap();
                    let ours: Vec<_> = found.iter().map(plain).collect();
                    let alike = ours.len() == theirs.len()
                        && ours.iter().zip(&theirs).all(|(a, b)| same(a, &as_texts(b)));
                    if !alike {
                        differs.push(id);
                    }
                }
                Err(_) => {}
            }
        }
    }
    println!("{cases} cases; taken {taken:?}; refused {refused:?}; differs {differs:?}");
    assert!(cases > 350, "{cases}");
    // Where the parser goes another way: it takes a list in brackets that is not indented, it refuses a directive
    // with two versions, and a number in hexadecimal stays as it is written. No policy hangs on these.
    assert_eq!(taken, ["9C9N:0"]);
    assert_eq!(refused, ["ZYU8:2"]);
    assert_eq!(differs, ["C4HZ:0"]);
}

#[test]
fn toml_is_taken_and_refused_as_the_suite_says() {
    let Some(folder) = suite("toml-test/tests") else { return };
    let list = fs::read_to_string(folder.join("files-toml-1.1.0")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let config = scratch.path().join("karplint.toml");
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in list.lines().filter(|name| name.ends_with(".toml")) {
        let Ok(text) = fs::read_to_string(folder.join(name)) else { continue };
        count += 1;
        fs::write(&config, &text).unwrap();
        let read = karplint::config::load(&SourceMap::new(), &config, "karplint.toml");
        let syntax = text.parse::<toml::Table>().is_ok();
        // Any key is unknown in `karplint.toml`; nothing but a place and a word may come of it.
        if syntax != name.starts_with("valid/") || (read.is_ok() && !syntax) {
            wrong.push(name.to_owned());
        }
    }
    assert!(count > 400, "{count}");
    assert_eq!(wrong, Vec::<String>::new());
}
