//! The committed schemas are those of the types, and what is real is valid against them.
//! `KARPLINT_BLESS=1 cargo test --lib schema` writes them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::SchemaOf;

/// Files of requests, for their schema alone: the loader reads them piece by piece, to tell every mistake
/// with its place. A test holds the fields against what the loader takes.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of use")]
struct Requests {
    /// The requests, in any order.
    request: Vec<Request>,
}

/// One API call of Karpenter.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of use")]
struct Request {
    /// Stable id.
    id: String,
    /// `ec2:CreateFleet`.
    call: Option<String>,
    /// What for.
    purpose: Option<String>,
    /// `blocks` where nodes depend on it.
    impact: Option<Impact>,
    dry_run: Option<bool>,
    /// Whether AWS makes it with the controller's rights.
    by_service: Option<bool>,
    from_template: Option<bool>,
    /// Ranges of releases: `1.1.0..`, `0.32.0..1.0.0`.
    versions: Vec<String>,
    when: Option<BTreeMap<String, Value>>,
    /// The request whose fields count where this one has none.
    same_as: Option<String>,
    generation: Option<String>,
    /// Resource types that it does not ask about, unlike the other.
    except: Option<Vec<String>>,
    authorises: Option<Vec<Entry>>,
    failure: Option<OneOrMore<Failure>>,
    cadence: Option<String>,
    notes: Option<String>,
    /// Files and functions of Karpenter, with tags.
    evidence: Vec<String>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is of use")]
enum Impact {
    Blocks,
    Degrades,
}

#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is of use")]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

/// What must be allowed for the call.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of use")]
struct Entry {
    /// The call itself, where none is given.
    action: Option<String>,
    /// `instance/*`; without it, `*`.
    resource: Option<String>,
    request_tags: Option<Value>,
    resource_tags: Option<Value>,
    context: Option<BTreeMap<String, OneOrMore<String>>>,
    absent: Option<Vec<String>>,
    versions: Option<Vec<String>>,
    when: Option<BTreeMap<String, Value>>,
    optional: Option<bool>,
    must_have_when: Option<BTreeMap<String, Value>>,
    disputed: Option<String>,
    instead: Option<String>,
    symptom: Option<String>,
    basis: Option<String>,
    note: Option<String>,
    unlisted: Option<bool>,
}

/// What is seen when it is denied.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is of use")]
struct Failure {
    versions: Option<Vec<String>>,
    condition: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    symptom: Option<String>,
}

const ALL: [(SchemaOf, &str, &str); 4] = [
    (SchemaOf::Config, "config", "karplint.toml"),
    (SchemaOf::Report, "report", "karplint check --format json, schema 1"),
    (SchemaOf::Lint, "lint", "a file below rules/lints"),
    (SchemaOf::Requests, "requests", "a file of requests below rules/karpenter"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn made(of: SchemaOf, title: &str) -> String {
    let settings = SchemaSettings::draft2020_12();
    let reading = || settings.clone().for_deserialize().into_generator();
    let mut schema: Schema = match of {
        SchemaOf::Config => reading().into_root_schema_for::<crate::config::Config>(),
        SchemaOf::Report => crate::report::json_schema(&settings),
        SchemaOf::Lint => reading().into_root_schema_for::<crate::lints::Lint>(),
        SchemaOf::Requests => reading().into_root_schema_for::<Requests>(),
    };
    schema.insert("title".to_owned(), json!(title));
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())
}

fn validator(of: SchemaOf) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(of.text()).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

fn mistakes(of: SchemaOf, value: &Value) -> Vec<String> {
    let validator = validator(of);
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn toml(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn the_committed_schemas_are_those_of_the_types() {
    for (of, name, title) in ALL {
        let made = made(of, title);
        if std::env::var_os("KARPLINT_BLESS").is_some() {
            fs::write(root().join(format!("docs/schemas/{name}.json")), &made).unwrap();
        } else {
            assert_eq!(of.text(), made, "{name}: KARPLINT_BLESS=1 cargo test --lib schema");
        }
    }
}

#[test]
fn every_rule_file_is_valid() {
    let mut requests = 0;
    for path in files("rules/karpenter") {
        let value = toml(&fs::read_to_string(&path).unwrap());
        if value.get("request").is_some() {
            requests += 1;
            assert_eq!(mistakes(SchemaOf::Requests, &value), Vec::<String>::new(), "{path:?}");
        }
    }
    assert!(requests >= 5, "{requests}");
    for path in files("rules/lints") {
        let value = toml(&fs::read_to_string(&path).unwrap());
        assert_eq!(mistakes(SchemaOf::Lint, &value), Vec::<String>::new(), "{path:?}");
    }
    let wrong = toml("[[request]]\nid = \"x\"\nversion = [\"1.0.0..\"]\nevidence = []");
    assert_eq!(
        mistakes(SchemaOf::Requests, &wrong).len(),
        2,
        "a misspelt field, and one that is missing"
    );
}

#[test]
fn the_fields_of_requests_are_those_of_the_loader() {
    let schema: Value = serde_json::from_str(SchemaOf::Requests.text()).unwrap();
    let names = |kind: &str| {
        let properties = schema["$defs"][kind]["properties"].as_object().unwrap();
        properties.keys().cloned().collect::<std::collections::BTreeSet<String>>()
    };
    let (request, entry) = crate::karpenter::rules::load::fields();
    assert_eq!(names("Request"), request.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(names("Entry"), entry.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn every_configuration_that_is_shown_is_valid_and_a_wrong_one_is_not() {
    let mut seen = 0;
    let pages = files("docs").into_iter().chain([root().join("README.md")]);
    for page in pages.filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            if block.contains("language-server") {
                continue;
            }
            seen += 1;
            assert_eq!(
                mistakes(SchemaOf::Config, &toml(block)),
                Vec::<String>::new(),
                "{page:?}: {block}"
            );
        }
    }
    assert!(seen > 1);
    assert_eq!(mistakes(SchemaOf::Config, &toml("karpentr = \"1.4\"")).len(), 1);
    assert_eq!(
        mistakes(SchemaOf::Config, &toml("[[ignore]]\nrule = \"unsettled\"")).len(),
        1,
        "no reason"
    );
    assert_eq!(mistakes(SchemaOf::Config, &toml("[settings]\nregion = 1")).len(), 1);
}

#[test]
fn every_report_is_valid() {
    // Reports of the whole of the fixtures hold every kind of finding, fix and error that there is.
    let mut findings = 0;
    for folder in ["json", "cloudformation", "terraform", "lint", "hostile", "trust", "suppress"] {
        let Some(program) = program() else {
            return;
        };
        let output = Command::new(program)
            .args(["check", "--format", "json", &format!("fixtures/{folder}")])
            .current_dir(root())
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        findings += report["findings"].as_array().unwrap().len();
        let mistakes = mistakes(SchemaOf::Report, &report);
        assert!(
            mistakes.is_empty(),
            "{folder}: {:#?}",
            mistakes.iter().take(5).collect::<Vec<_>>()
        );
    }
    assert!(findings > 50, "{findings}");
    assert!(!mistakes(SchemaOf::Report, &json!({ "schema": 2 })).is_empty());
}

/// The program that was built beside this test, if it was.
fn program() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let found = own.parent()?.parent()?.join(format!("karplint{}", std::env::consts::EXE_SUFFIX));
    if !found.is_file() {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "skipped: karplint itself is not built");
        return None;
    }
    Some(found)
}
