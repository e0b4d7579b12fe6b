//! `karplint simulate` from outside: a recorded set of requests with the decisions that AWS's pages ask
//! for, and the command line around it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const RECORDED: &str = include_str!("requests.jsonl");

fn karplint(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karplint"));
    command.arg("simulate").args(arguments).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn decisions(result: &Value) -> Vec<&str> {
    let cells = result["EvaluationResults"].as_array().unwrap_or_else(|| panic!("{result}"));
    cells.iter().map(|cell| cell["EvalDecision"].as_str().unwrap()).collect()
}

#[test]
fn recorded_requests_are_decided_as_documented() {
    let cases: Vec<Value> =
        RECORDED.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let input: String = cases.iter().map(|case| format!("{}\n", case["request"])).collect();
    let output = karplint(&["--request", "-"], input.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let found = lines(&output);
    assert_eq!(found.len(), cases.len());
    let mut wrong = Vec::new();
    for (case, result) in cases.iter().zip(&found) {
        let expected: Vec<&str> =
            case["decisions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        if decisions(result) != expected {
            wrong.push(format!("{}: {result}", case["name"]));
        }
        for cell in result["EvaluationResults"].as_array().unwrap() {
            let implicit = cell["EvalDecision"] == "implicitDeny";
            let none = cell["MatchedStatements"].as_array().unwrap().is_empty();
            assert_eq!(
                implicit, none,
                "an implicit denial alone has no statement: {}",
                case["name"]
            );
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

const ALLOW: &str = r#"{"Statement":{"Effect":"Allow","Action":"a:*","Resource":"*"}}"#;

fn good() -> String {
    format!(r#"{{"PolicyInputList":[{ALLOW}],"ActionNames":["a:B"]}}"#)
}

#[test]
fn a_bad_line_is_told_and_the_rest_go_on() {
    let mut input = format!("{}\n\n  \n{{\"ActionNames\":\n{}\r\nnonsense\n", good(), good());
    input.push_str(
        "{\"ActionNames\": [\"a:B\"], \"PolicyInputList\": [\"{\\\"Statement\\\": []\"]}\n",
    );
    let mut bytes = input.into_bytes();
    bytes.extend(b"{\"ActionNames\": [\"\xff\"]}\n");
    bytes.extend(good().as_bytes());
    let output = karplint(&["--request", "-"], &bytes);
    assert_eq!(output.status.code(), Some(2));
    let found = lines(&output);
    let places: Vec<_> = found
        .iter()
        .map(|line| {
            let error = &line["error"];
            (error["line"].as_u64().unwrap_or(0), error["column"].as_u64().unwrap_or(0))
        })
        .collect();
    assert_eq!(places.len(), 7);
    assert_eq!((places[0], places[2], places[6]), ((0, 0), (0, 0), (0, 0)));
    assert_eq!((places[1].0, places[3]), (4, (6, 1)));
    assert_eq!(places[4].0, 7);
    assert_eq!(places[5], (8, 19));
    assert!(found[4]["error"]["message"].as_str().unwrap().contains("PolicyInputList.1"));
}

#[test]
fn each_answer_comes_before_the_next_request() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_karplint"));
    command.args(["simulate", "--request", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        writeln!(stdin, "{}", good()).unwrap();
        assert!(answers.next().unwrap().unwrap().contains("allowed"));
    }
    drop(stdin);
    assert!(answers.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn many_lines_stay_in_order() {
    let line = |number: usize| {
        format!(r#"{{"PolicyInputList":[{ALLOW}],"ActionNames":["a:B{number}"]}}"#) + "\n"
    };
    let input: String = (0..20_000).map(line).collect();
    let output = karplint(&["--request", "-"], input.as_bytes());
    let names = lines(&output);
    assert_eq!(names.len(), 20_000);
    for (number, line) in names.iter().enumerate() {
        assert_eq!(line["EvaluationResults"][0]["EvalActionName"], format!("a:B{number}"));
    }
}

#[test]
fn a_line_of_more_than_64_mib_is_one_error() {
    let mut input = good().into_bytes();
    input.push(b'\n');
    input.extend(vec![b' '; 65 << 20]);
    input.extend(b"{}\n");
    input.extend(good().as_bytes());
    let found = lines(&karplint(&["--request", "-"], &input));
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[1]["error"]["line"], 2);
    assert_eq!(decisions(&found[2]), ["allowed"]);
}

#[test]
fn a_file_holds_one_request_or_one_on_each_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("request.json");
    let file = path.to_str().unwrap();
    let pretty =
        serde_json::to_string_pretty(&serde_json::from_str::<Value>(&good()).unwrap()).unwrap();
    std::fs::write(&path, &pretty).unwrap();
    let output = karplint(&["--request", file], b"");
    assert_eq!((output.status.code(), decisions(&lines(&output)[0])), (Some(0), vec!["allowed"]));
    std::fs::write(&path, format!("{}\n{}\n", good(), good())).unwrap();
    assert_eq!(lines(&karplint(&["--request", file], b"")).len(), 2);
    std::fs::write(&path, pretty.replace("\"a:B\"", "\"a\"")).unwrap();
    let output = karplint(&["--request", file], b"");
    assert_eq!(output.status.code(), Some(2));
    assert!(lines(&output)[0]["error"]["line"] == 3);
    let output = karplint(&["--request", "no/such/file"], b"");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no/such/file"));
}

#[test]
fn flags_of_awss_own_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    std::fs::write(&path, ALLOW).unwrap();
    let file = format!("file://{}", path.display());
    let deny = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":["u","v"]}}}}"#;
    let entry = "ContextKeyName=k,ContextKeyValues=v,ContextKeyType=string";
    let run = |more: &[&str]| {
        let mut arguments =
            vec!["--policy-input-list", &file, deny, "--action-names", "a:B", "c:D"];
        arguments.extend(more);
        let output = karplint(&arguments, b"");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        lines(&output).remove(0)
    };
    assert_eq!(decisions(&run(&[])), ["allowed", "implicitDeny"]);
    let denied = run(&["--context-entries", entry]);
    assert_eq!(decisions(&denied), ["explicitDeny", "explicitDeny"]);
    assert_eq!(
        denied["EvaluationResults"][0]["MatchedStatements"][0]["SourcePolicyId"],
        "PolicyInputList.2"
    );
    let bounded = run(&[
        "--permissions-boundary-policy-input-list",
        deny,
        "--caller-arn",
        "arn:aws:iam::111122223333:user/a",
    ]);
    assert_eq!(decisions(&bounded), ["implicitDeny", "implicitDeny"]);
    let arns = run(&["--resource-arns", "arn:aws:s3:::a", "arn:aws:s3:::b"]);
    assert_eq!(decisions(&arns).len(), 4);
    let open = run(&["--unknown", "K"]);
    assert_eq!(decisions(&open), ["unsettled", "unsettled"]);
    let possible = &open["EvaluationResults"][0]["PossibleDecisions"];
    assert_eq!(
        (&possible[0]["EvalDecision"], &possible[1]["EvalDecision"]),
        (&json!("allowed"), &json!("explicitDeny"))
    );
    assert_eq!(karplint(&["--policy-input-list", ALLOW], b"").status.code(), Some(2), "no action");
}

#[test]
fn context_entries_in_shorthand_keep_commas_where_they_are_protected() {
    let condition = r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c,d"]},"Null":{"aws:TagKeys":"false"}}"#;
    let policy = ALLOW.replace("}}", &format!(",\"Condition\":{condition}}}}}"));
    let run = |entry: &str| {
        let flags = ["--policy-input-list", &policy, "--action-names", "a:B"];
        karplint(&[&flags[..], &["--context-entries", entry]].concat(), b"")
    };
    for values in ["[a,b]", "a,b", "\"c,d\"", "'c,d',a", r"a,c\,d"] {
        let entry = format!(
            "ContextKeyName=aws:TagKeys,ContextKeyValues={values},ContextKeyType=stringList"
        );
        assert_eq!(decisions(&lines(&run(&entry))[0]), ["allowed"], "{values}");
    }
    let output = run("ContextKeyName=aws:TagKeys,ContextKeyValues=a,ContextKeyName=k");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("`ContextKeyName` stands twice"));
}

#[test]
fn a_part_of_a_request_asks_for_the_actions() {
    for part in ["--policy-input-list", "--resource-arns", "--caller-arn"] {
        let output = karplint(&[part, "x"], b"");
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8(output.stderr).unwrap();
        let missing = told.split_once("Usage").map_or(&*told, |(front, _)| front);
        assert!(missing.contains("--action-names") && !missing.contains("--request"), "{told}");
    }
    let told = String::from_utf8(karplint(&[], b"").stderr).unwrap();
    assert!(told.contains("--request"), "{told}");
}

#[test]
fn an_empty_file_lacks_its_request_and_an_empty_stream_asks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("request.json");
    std::fs::write(&path, "").unwrap();
    let output = karplint(&["--request", path.to_str().unwrap()], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(lines(&output)[0]["error"]["line"], 1);
    let output = karplint(&["--request", "-"], b"");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn a_table_says_what_json_says_of_a_denial_of_either_kind() {
    let deny = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":"u"}}}}"#;
    let run = |format: &str| {
        let flags = ["--policy-input-list", deny, "--action-names", "a:B", "--unknown", "k"];
        karplint(&[&flags[..], &["--format", format]].concat(), b"")
    };
    let found = &lines(&run("json"))[0]["EvaluationResults"][0];
    assert_eq!(found["EvalDecision"], "unsettled");
    let possible = found["PossibleDecisions"].as_array().unwrap();
    let names: Vec<_> = possible.iter().map(|one| one["EvalDecision"].as_str().unwrap()).collect();
    assert_eq!(names, ["implicitDeny", "explicitDeny"]);
    let table = String::from_utf8(run("table").stdout).unwrap();
    assert!(table.contains("unsettled: implicit deny or explicit deny  a:B"), "{table}");
}

#[test]
fn a_table_for_people() {
    let output =
        karplint(&["--request", "-", "--format", "table"], format!("{}\nx\n", good()).as_bytes());
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = "DECISION  ACTION  RESOURCE  STATEMENTS\nallowed   a:B     *         PolicyInputList.1:1:14\n\nerror at 2:1: ";
    assert!(text.starts_with(expected), "{text}");
}
