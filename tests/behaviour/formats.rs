//! The formats for programs: each is what its reader expects, and no text of a policy breaks out.

use std::fs;

use serde_json::Value;

use crate::common::{fixture, folder, program};

/// All formats.
const FORMATS: [&str; 9] =
    ["human", "json", "concise", "sarif", "github", "gitlab", "junit", "rdjson", "markdown"];

fn report(format: &str, name: &str) -> String {
    let text = fs::read_to_string(fixture(name)).unwrap();
    let folder = folder(&[("karpenter.json", text.as_str())]);
    let flags = ["check", "--no-config", "--karpenter=1.4", "--format", format, "karpenter.json"];
    let (code, out, err) = program(folder.path(), &flags);
    assert!(code == 0 || code == 1, "{format}: {code} {err}");
    out
}

fn json(format: &str, name: &str) -> Value {
    serde_json::from_str(&report(format, name)).unwrap()
}

const MISSING: &str = "json/err/create-fleet-missing.json";
const HOSTILE: &str = "hostile/breaks-out-of-every-format.json";

#[test]
fn no_text_of_a_policy_breaks_out_of_a_format() {
    for format in FORMATS {
        let out = report(format, HOSTILE);
        assert!(out.len() > 200, "{format} says nothing");
        for c in out.chars() {
            let dangerous = (c.is_control() && c != '\n' && c != '\t')
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || ('\u{2066}'..='\u{2069}').contains(&c);
            assert!(!dangerous, "{format} lets U+{:04X} through", u32::from(c));
        }
        assert!(!out.contains("##["), "{format}");
        assert!(!out.contains("owned\n::"), "{format}");
        for line in out.lines().filter(|line| line.trim_start().starts_with("::")) {
            let ours = ["::error file=", "::warning file=", "::notice file="];
            assert_eq!(format, "github");
            assert!(ours.iter().any(|start| line.starts_with(start)), "{line}");
            let properties = line.split("::").nth(1).unwrap();
            assert_eq!(properties.matches("title=").count(), 1, "{line}");
        }
        if matches!(format, "junit" | "markdown") {
            assert!(!out.contains("<script"), "{format}");
            assert!(!out.contains("]]>"), "{format}");
        }
        if format == "markdown" {
            assert!(!out.contains("](http://evil"), "a link of the policy");
            assert!(!out.contains("@all"), "a mention of the policy");
        }
        if format == "junit" {
            roxmltree::Document::parse(&out).unwrap();
        }
        if matches!(format, "json" | "sarif" | "gitlab" | "rdjson") {
            serde_json::from_str::<Value>(&out).unwrap();
        }
    }
}

#[test]
fn every_format_tells_every_finding_at_its_place() {
    let json_report = json("json", MISSING);
    let findings = json_report["findings"].as_array().unwrap();
    assert!(!findings.is_empty());

    let sarif = json("sarif", MISSING);
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let gitlab = json("gitlab", MISSING);
    let rdjson = json("rdjson", MISSING);
    let concise = report("concise", MISSING);
    let github = report("github", MISSING);
    let junit = report("junit", MISSING);
    let junit = roxmltree::Document::parse(&junit).unwrap();
    let cases: Vec<_> = junit.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    for (at, finding) in findings.iter().enumerate() {
        let start = &finding["span"]["start"];
        let (line, column) = (&start["line"], &start["column"]);
        let region = &results[at]["locations"][0]["physicalLocation"]["region"];
        assert_eq!((&region["startLine"], &region["startColumn"]), (line, column));
        assert_eq!(results[at]["ruleId"], finding["rule"]);
        let index = usize::try_from(results[at]["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], finding["rule"]);
        let related = results[at]["relatedLocations"].as_array().map_or(0, Vec::len);
        assert_eq!(related, finding["related"].as_array().unwrap().len());
        assert_eq!(gitlab[at]["location"]["lines"]["begin"], *line);
        assert_eq!(gitlab[at]["check_name"], finding["rule"]);
        assert_eq!(rdjson["diagnostics"][at]["location"]["range"]["start"]["line"], *line);
        let text = format!(
            "karpenter.json:{line}:{column}: {}[{}] {}",
            finding["severity"].as_str().unwrap(),
            finding["rule"].as_str().unwrap(),
            finding["message"].as_str().unwrap()
        );
        assert_eq!(concise.lines().nth(at).unwrap(), text);
        let place = format!("file=karpenter.json,line={line},col={column},");
        assert!(github.lines().nth(at).unwrap().contains(&place), "{github}");
        let failure = cases[at].children().any(|node| node.has_tag_name("failure"));
        assert_eq!(failure, finding["severity"] != "note");
    }
}

#[test]
fn fingerprints_survive_moved_lines_and_are_unique() {
    let text = fs::read_to_string(fixture(MISSING)).unwrap();
    let moved = format!("\n\n\n{text}");
    let folder = folder(&[("karpenter.json", text.as_str())]);
    let mut all = Vec::new();
    for text in [&text, &moved] {
        fs::write(folder.path().join("karpenter.json"), text).unwrap();
        let flags = ["check", "--no-config", "--karpenter=1.4", "--format=gitlab", "."];
        let (_, out, _) = program(folder.path(), &flags);
        let issues: Value = serde_json::from_str(&out).unwrap();
        let prints: Vec<String> = issues
            .as_array()
            .unwrap()
            .iter()
            .map(|issue| issue["fingerprint"].as_str().unwrap().to_owned())
            .collect();
        let mut unique = prints.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), prints.len());
        all.push(prints);
    }
    assert_eq!(all[0], all[1]);
}

#[test]
fn columns_are_bytes_for_reviewdog_and_characters_for_sarif() {
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Größe𝄞", "Effect": "Allow", "Action": "ec2:CreateFleets", "Resource": "*"}]}"#;
    let folder = folder(&[("p.json", policy)]);
    let column = |format: &str, pointer: &str| {
        let flags =
            ["check", "--no-config", "--select=unknown-action", "--format", format, "p.json"];
        let (_, out, _) = program(folder.path(), &flags);
        let report: Value = serde_json::from_str(&out).unwrap();
        usize::try_from(report.pointer(pointer).unwrap().as_u64().unwrap()).unwrap()
    };
    let at = policy.find("ec2:CreateFleets").unwrap();
    assert_eq!(column("rdjson", "/diagnostics/0/location/range/start/column"), at + 1);
    let region = "/runs/0/results/0/locations/0/physicalLocation/region";
    let characters = policy[..at].chars().count();
    assert_eq!(column("sarif", &format!("{region}/startColumn")), characters + 1);
    assert_eq!(column("sarif", &format!("{region}/byteOffset")), at);
}

#[test]
fn reports_go_to_several_files_at_once() {
    let text = fs::read_to_string(fixture(MISSING)).unwrap();
    let folder = folder(&[("karpenter.json", text.as_str()), ("old.sarif", "old")]);
    let flags = [
        "check",
        "--no-config",
        "--karpenter=1.4",
        "--format=concise",
        "--output=sarif=old.sarif",
        "--output",
        "markdown=new.md",
        "karpenter.json",
    ];
    let (code, out, err) = program(folder.path(), &flags);
    assert_eq!(code, 1, "{err}");
    assert!(out.starts_with("karpenter.json:"));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(serde_json::from_str::<Value>(&read("old.sarif")).is_ok());
    assert!(read("new.md").starts_with("### karplint"));
    // Nothing is left of the way there.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_report_that_cannot_be_written_is_told() {
    let text = fs::read_to_string(fixture("json/ok/karpenter-1.4.json")).unwrap();
    let folder = folder(&[("karpenter.json", text.as_str())]);
    let check = |output: &str| {
        program(folder.path(), &["--no-config", "--karpenter=1.4", "--output", output, "."])
    };
    let (code, out, err) = check("sarif=none/out.sarif");
    assert_eq!(code, 2);
    assert!(out.contains("is ready for"), "the report on standard output is there: {out}");
    assert!(err.contains("cannot write none/out.sarif"), "{err}");
    let (code, _, err) = check("sarrif=out.sarif");
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `sarif`?"), "{err}");
    let (code, _, err) = check("sarif");
    assert_eq!(code, 2);
    assert!(err.contains("names no file"), "{err}");
}
