//! The language server, spoken to as an editor does.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

mod client;
mod foreign;
mod speed;

use std::fs;
use std::path::{Path, PathBuf};

use client::{Client, applied, rules, uri};
use serde_json::{Value, json};
use tempfile::TempDir;

const GOOD: &str = include_str!("../../fixtures/json/ok/karpenter-1.4.json");
const BAD: &str = include_str!("../../fixtures/json/err/create-fleet-missing.json");

/// The configuration for which the good policy is good.
const CONFIG: &str = "karpenter = \"1.4\"\n";

/// A folder whose configuration says the version that a policy is for.
fn folder(policy: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = fs::canonicalize(folder.path()).unwrap();
    let config = if policy == BAD { "karpenter = \"1.14\"\n" } else { CONFIG };
    fs::write(path.join("karplint.toml"), config).unwrap();
    (folder, path)
}

/// The bad policy, as it ought to be.
fn mended() -> String {
    BAD.replace("\"ec2:RunInstances\"", "\"ec2:RunInstances\", \"ec2:CreateFleet\"")
}

fn put(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// A client that has one file open, and what was said of it first.
fn opened(folder: &Path, path: &Path, text: &str) -> (Client, Vec<Value>) {
    let capabilities = json!({
        "textDocument": { "publishDiagnostics": { "relatedInformation": true } },
        "workspace": { "workspaceEdit": { "documentChanges": true } },
    });
    let (mut client, _) = Client::start(&[folder], capabilities);
    client.open(path, 1, text);
    let told = client.told(path, 1);
    (client, told)
}

#[test]
fn a_quick_fix_leaves_the_file_clean() {
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", BAD);
    let (mut client, told) = opened(&folder, &path, BAD);
    assert_eq!(rules(&told), ["missing-permission"]);
    assert_eq!(told[0]["severity"], 1);
    assert_eq!(told[0]["source"], "karplint");
    let start = json!({ "line": 7, "character": 9 });
    assert_eq!(told[0]["range"]["start"], start, "{}", told[0]);
    let related = told[0]["relatedInformation"].as_array().unwrap();
    assert_eq!(related.len(), 2, "{related:?}");
    assert_eq!(related[0]["location"]["uri"], uri(&path));

    let actions = client.actions(&path, Some("quickfix"));
    assert_eq!(actions.len(), 1);
    assert_eq!(
        (&actions[0]["isPreferred"], &actions[0]["kind"]),
        (&json!(true), &json!("quickfix"))
    );
    assert_eq!(actions[0]["diagnostics"][0]["code"], "missing-permission");
    let changes = &actions[0]["edit"]["documentChanges"][0];
    assert_eq!(changes["textDocument"], json!({ "uri": uri(&path), "version": 1 }));
    let edits = changes["edits"].as_array().unwrap();
    let text = applied(BAD, edits);
    client.change(&path, 2, json!([{ "text": text }]));
    assert_eq!(client.told(&path, 2), Vec::<Value>::new());
    assert_eq!(client.actions(&path, None), Vec::<Value>::new());
    assert_eq!(client.leave(), 0);
}

#[test]
fn everything_that_is_safe_is_fixed_at_once() {
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", BAD);
    let (mut client, _) = opened(&folder, &path, BAD);
    let actions = client.actions(&path, Some("source.fixAll"));
    assert_eq!(actions.len(), 1, "{actions:?}");
    assert_eq!(actions[0]["kind"], "source.fixAll.karplint");
    let text = applied(BAD, actions[0]["edit"]["documentChanges"][0]["edits"].as_array().unwrap());
    client.replace(&path, 2, &text);
    assert!(client.told(&path, 2).is_empty());
    assert!(client.actions(&path, Some("refactor")).is_empty());
}

/// The same policy in the forms that people write; each with its misspelt action.
#[test]
fn every_format_is_judged_as_it_is_typed() {
    let policy = GOOD.replace("ec2:CreateFleet", "ec2:CreateFleets");
    let yaml = format!(
        "Resources:\n  KarpenterPolicy:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n{}",
        policy.lines().map(|line| format!("        {line}\n")).collect::<String>()
    );
    let hcl = format!(
        "resource \"aws_iam_policy\" \"karpenter\" {{\n  policy = <<EOT\n{policy}\nEOT\n}}\n"
    );
    for (name, text) in [("karpenter.json", policy), ("stack.yaml", yaml), ("main.tf", hcl)] {
        let (_keep, folder) = folder(GOOD);
        let path = put(&folder, name, "");
        let (mut client, told) = opened(&folder, &path, &text);
        assert_eq!(rules(&told), ["unknown-action"], "{name}: {told:?}");
        let at = text.find("ec2:CreateFleets").unwrap();
        let line = text[..at].matches('\n').count();
        assert_eq!(told[0]["range"]["start"]["line"], line, "{name}");
        // One letter is taken away where it is too much, in each place.
        let mut version = 1;
        let mut now = text.clone();
        while let Some(at) = now.find("ec2:CreateFleets") {
            let end = at + "ec2:CreateFleets".len();
            let line = now[..end].matches('\n').count();
            let column = end - now[..end].rfind('\n').map_or(0, |at| at + 1);
            let range = json!({
                "start": { "line": line, "character": column - 1 },
                "end": { "line": line, "character": column },
            });
            version += 1;
            client.change(&path, version, json!([{ "range": range, "text": "" }]));
            now.remove(end - 1);
        }
        assert_eq!(client.told(&path, version), Vec::<Value>::new(), "{name}");
    }
}

#[test]
fn the_last_good_result_stays_while_the_text_does_not_parse() {
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", BAD);
    let (mut client, told) = opened(&folder, &path, BAD);
    let line = told[0]["range"]["start"]["line"].as_u64().unwrap();
    // A line above, and a quote that nobody closes.
    let zero = json!({ "line": 1, "character": 0 });
    let range = json!({ "start": zero, "end": zero });
    client.change(&path, 2, json!([{ "range": range, "text": "\n\"x\n" }]));
    let broken = client.told(&path, 2);
    assert_eq!(rules(&broken), ["missing-permission", "-"], "{broken:?}");
    // It stands where its words are now.
    assert_eq!(broken[0]["range"]["start"]["line"], line + 2);
    assert!(client.actions(&path, None).is_empty(), "a fix for a text that is gone");
    client.replace(&path, 3, &mended());
    assert_eq!(client.told(&path, 3), Vec::<Value>::new());
    client.replace(&path, 4, "");
    assert_eq!(client.told(&path, 4), Vec::<Value>::new());
}

#[test]
fn a_broken_policy_inside_of_a_template_keeps_what_was_said() {
    let template = include_str!("../../fixtures/cloudformation/ok/sub-1.4.yaml");
    let text = template.replace("ec2:CreateFleet", "ec2:CreateFleets");
    let (_keep, folder) = folder(GOOD);
    let path = put(&folder, "karpenter.yaml", &text);
    let (mut client, told) = opened(&folder, &path, &text);
    assert_eq!(rules(&told), ["unknown-action"]);
    let at = text.find("\"Statement\"").unwrap();
    let broken = format!("{}{}", &text[..at], &text[at + 1..]);
    client.replace(&path, 2, &broken);
    // All was replaced, so that nobody knows where it stands now; but it is not gone.
    assert_eq!(rules(&client.told(&path, 2)), ["unknown-action"]);
}

#[test]
fn an_edited_buffer_stands_in_for_its_file_inside_its_controller() {
    let statement = |action: &str, rest: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Karpenter","Effect":"Allow","Action":"{action}","Resource":"*"}}{rest}]}}"#
        )
    };
    // Two files bind one controller: what one lacks is in the other.
    let launch = GOOD.replace("\"ec2:DescribeSubnets\"", "\"ec2:DescribeSubnet\"");
    let beside = statement("ec2:DescribeSubnets", "");
    let (_keep, folder) = folder(GOOD);
    let config = format!(
        "{CONFIG}[[controller]]\nname = \"demo\"\npolicies = [\"iam/*.json\", \"more/*.json\"]\n"
    );
    fs::write(folder.join("karplint.toml"), config).unwrap();
    let launches = put(&folder, "iam/launch.json", &launch);
    let reads = put(&folder, "more/read.json", &beside);
    let (mut client, told) = opened(&folder, &launches, &launch);
    let missing = |told: &[Value]| told.iter().any(|one| one["severity"] == 1);
    assert!(!missing(&told), "{told:?}");
    client.open(&reads, 1, &beside);
    client.told(&reads, 1);
    // The file on disk still grants it; the buffer does not.
    client.replace(&reads, 2, &statement("ec2:DescribeImages", ""));
    client.told(&reads, 2);
    let told = client.settled(&launches);
    assert!(missing(&told), "{told:?}");
    // What nobody edits is what is on disk again.
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri(&reads) } }));
    let told = client.settled(&launches);
    assert!(!missing(&told), "{told:?}");
}

#[test]
fn files_of_a_terraform_module_are_judged_together() {
    let policy = GOOD.replace("arn:aws:sqs:us-west-2:111122223333:demo", "${var.queue}");
    let main = format!(
        "resource \"aws_iam_policy\" \"karpenter\" {{\n  policy = <<EOT\n{policy}\nEOT\n}}\n"
    );
    assert_ne!(policy, GOOD);
    let values = |queue: &str| {
        format!(
            "variable \"queue\" {{\n  default = \"arn:aws:sqs:us-west-2:111122223333:{queue}\"\n}}\n"
        )
    };
    let (_keep, folder) = folder(GOOD);
    fs::write(
        folder.join("karplint.toml"),
        format!("{CONFIG}[settings]\ninterruption-queue = \"demo\"\n"),
    )
    .unwrap();
    put(&folder, "main.tf", &main);
    let variables = put(&folder, "variables.tf", &values("demo"));
    let (mut client, _) = opened(&folder, &variables, &values("demo"));
    assert!(client.settled(&folder.join("main.tf")).is_empty());
    // What is wrong then is wrong in a file that is not open.
    client.replace(&variables, 2, &values("other"));
    client.told(&variables, 2);
    let told = client.settled(&folder.join("main.tf"));
    let variables_too = client.said(&variables);
    assert!(!told.is_empty() || !variables_too.is_empty(), "{told:?} {variables_too:?}");
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri(&variables) } }));
    client.ask("textDocument/hover", json!({})).unwrap_err();
    assert!(client.said(&folder.join("main.tf")).is_empty());
}

#[test]
fn two_roots_have_their_own_configurations() {
    let ((_one, first), (_two, second)) = (folder(GOOD), folder(GOOD));
    fs::write(second.join("karplint.toml"), "karpenter = \"1.14\"\n").unwrap();
    let (old, new) = (put(&first, "karpenter.json", GOOD), put(&second, "karpenter.json", GOOD));
    let (mut client, _) = Client::start(&[&first, &second], json!({}));
    client.open(&old, 1, GOOD);
    client.open(&new, 1, GOOD);
    assert_eq!(rules(&client.told(&old, 1)), Vec::<&str>::new());
    let told = client.told(&new, 1);
    assert!(rules(&told).contains(&"missing-permission"), "{told:?}");

    // A root that comes later.
    let (_three, third) = folder(BAD);
    let late = put(&third, "karpenter.json", BAD);
    let added = json!([{ "uri": uri(&third), "name": "x" }]);
    client.tell(
        "workspace/didChangeWorkspaceFolders",
        json!({ "event": { "added": added, "removed": [] } }),
    );
    client.open(&late, 1, BAD);
    assert_eq!(rules(&client.told(&late, 1)), ["missing-permission"]);
}

#[test]
fn a_changed_configuration_is_read_again() {
    let (_keep, folder) = folder(GOOD);
    let path = put(&folder, "karpenter.json", GOOD);
    let (mut client, told) = opened(&folder, &path, GOOD);
    assert!(told.is_empty(), "{told:?}");
    let config = folder.join("karplint.toml");
    fs::write(&config, "karpenter = \"1.14\"\n").unwrap();
    let changes = json!([{ "uri": uri(&config), "type": 2 }]);
    client.tell("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    assert!(rules(&client.settled(&path)).contains(&"missing-permission"));
    // A mistake in it is told where it is; saving says that it changed as well.
    fs::write(&config, "karpentr = \"1.4\"\n").unwrap();
    client.tell("textDocument/didSave", json!({ "textDocument": { "uri": uri(&config) } }));
    client.settled(&path);
    let told = client.said(&config);
    assert!(told[0]["message"].as_str().unwrap().contains("karpenter"), "{told:?}");
    fs::write(&config, CONFIG).unwrap();
    client.tell("textDocument/didSave", json!({ "textDocument": { "uri": uri(&config) } }));
    assert!(client.settled(&path).is_empty());
    assert!(client.said(&config).is_empty());
}

#[test]
fn the_tree_says_which_version_runs() {
    let (_keep, folder) = folder(GOOD);
    fs::remove_file(folder.join("karplint.toml")).unwrap();
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  chart:\n    spec:\n      chart: karpenter\n      version: 1.4.4\n";
    put(&folder, "k8s/karpenter.yaml", release);
    let path = put(&folder, "iam/karpenter.json", GOOD);
    let (mut client, _) = opened(&folder, &path, GOOD);
    assert_eq!(client.settled(&path), Vec::<Value>::new());
    let line = GOOD.lines().position(|line| line.contains("ec2:CreateFleet")).unwrap();
    let hover = client.at("textDocument/hover", &path, line as u32, 14).to_string();
    assert!(hover.contains("1.4.4"), "{hover}");
}

#[test]
fn columns_are_in_the_units_that_were_agreed_on() {
    let text =
        BAD.replacen("        \"ec2:RunInstances\"", "        \"é𝄞:x\", \"ec2:RunInstances\"", 1);
    for (offered, character) in
        [(json!(["utf-16"]), 18), (json!(["utf-16", "utf-8"]), 21), (Value::Null, 18)]
    {
        let (_keep, folder) = folder(BAD);
        let path = put(&folder, "karpenter.json", &text);
        let capabilities = json!({ "general": { "positionEncodings": offered } });
        let (mut client, answer) = Client::start(&[&folder], capabilities);
        let agreed = if character == 21 { "utf-8" } else { "utf-16" };
        assert_eq!(answer["capabilities"]["positionEncoding"], agreed);
        client.open(&path, 1, &text);
        let told = client.told(&path, 1);
        let found = told.iter().find(|one| one["code"] == "missing-permission").unwrap();
        assert_eq!(
            found["range"]["start"],
            json!({ "line": 7, "character": character }),
            "{found}"
        );
        // What is typed behind them goes where it belongs, and hovers find their word.
        let at = json!({ "line": 7, "character": character - 1 });
        let edit =
            json!([{ "range": { "start": at, "end": at }, "text": "\"ec2:CreateFleet\", " }]);
        client.change(&path, 2, edit);
        client.told(&path, 2);
        let hover = client.at("textDocument/hover", &path, 7, character + 3);
        assert!(
            hover["contents"]["value"].as_str().unwrap().contains("ec2:CreateFleet"),
            "{hover}"
        );
        assert_eq!(hover["range"]["start"]["character"], character);
    }
}

#[test]
fn hovers_tell_what_is_known_of_a_word() {
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", BAD);
    let (mut client, _) = opened(&folder, &path, BAD);
    let mut hover = |word: &str| {
        let at = BAD.find(word).unwrap_or_else(|| panic!("{word}")) + 3;
        let line = BAD[..at].matches('\n').count();
        let column = at - BAD[..at].rfind('\n').map_or(0, |at| at + 1);
        let value = client.at("textDocument/hover", &path, line as u32, column as u32);
        value["contents"]["value"].as_str().unwrap_or_default().to_owned()
    };
    let action = hover("ec2:RunInstances");
    for part in [
        "Write",
        "`image*`",
        "asked by Karpenter 1.14",
        "dry run",
        "by EC2 Fleet",
        "UnauthorizedOperation",
    ] {
        assert!(action.contains(part), "{part} in {action}");
    }
    let key = hover("aws:RequestTag/karpenter.sh/nodepool");
    for part in ["String", "sends", "ec2:CreateFleet"] {
        assert!(key.contains(part), "{part} in {key}");
    }
    assert_eq!(hover("Version"), "");
}

#[test]
fn names_are_completed_where_they_belong() {
    let (_keep, folder) = folder(GOOD);
    let path = put(&folder, "karpenter.json", "");
    let (mut client, _) = opened(&folder, &path, "");
    let mut version = 1;
    let mut labels = |text: &str| {
        version += 1;
        client.replace(&path, version, text);
        let character = text.lines().last().unwrap().chars().count() as u32;
        let line = text.matches('\n').count() as u32;
        let value = client.at("textDocument/completion", &path, line, character);
        let mut items = value["items"].as_array().cloned().unwrap_or_default();
        items.sort_by_key(|item| item["sortText"].as_str().unwrap().to_owned());
        items
    };
    // What Karpenter needs comes first; it replaces the whole word.
    let items = labels("{\"Statement\": [{\"Action\": [\"ec2:Create");
    assert_eq!(items[0]["label"], "ec2:CreateFleet", "{}", items[0]);
    assert!(items[0]["detail"].as_str().unwrap().contains("Write"));
    assert!(items.iter().any(|item| item["label"] == "ec2:CreateVpc"));
    assert!(items.iter().all(|item| item["label"].as_str().unwrap().starts_with("ec2:Create")));
    assert_eq!(items[0]["textEdit"]["range"]["start"]["character"], 28);
    let yaml = labels("Statement:\n  - Action:\n      - sqs:rec");
    assert_eq!(yaml[0]["label"], "sqs:ReceiveMessage");
    assert!(labels("actions = [\"").iter().any(|item| item["label"] == "iam:PassRole"));
    let keys = labels("{\"Statement\": [{\"Condition\": {\"StringEquals\": {\"aws:RequestTag/k");
    assert!(
        keys.iter().any(|item| item["label"] == "aws:RequestTag/karpenter.sh/nodepool"),
        "{keys:?}"
    );
    let keys = labels("condition {\n  test = \"StringEquals\"\n  variable = \"ec2:InstanceT");
    assert_eq!(keys[0]["label"], "ec2:InstanceType");
    assert!(labels("{\"Statement\": [{\"Resource\": \"arn:aws:ec2:").is_empty());
}

#[test]
fn what_holds_no_policy_of_karpenter_is_passed_over_in_silence() {
    let (_keep, folder) = folder(GOOD);
    let bucket = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObjects","Resource":"*"}]}"#;
    for (name, text) in [
        ("tsconfig.json", "{ // with comments\n  \"compilerOptions\": {},\n}"),
        ("templates/deployment.yaml", "{{- if .Values.x }}\nkind: {{ .Values.kind }}\n"),
        ("bucket.json", bucket),
        ("notes.md", "Statement: karpenter"),
    ] {
        let path = put(&folder, name, text);
        let (mut client, told) = opened(&folder, &path, text);
        assert_eq!(told, Vec::<Value>::new(), "{name}");
        assert_eq!(client.settled(&path), Vec::<Value>::new(), "{name}");
    }
}

#[test]
fn unsaved_and_foreign_documents_do_no_harm() {
    let (_keep, folder) = folder(BAD);
    let (mut client, _) = Client::start(&[&folder], json!({}));
    let new = folder.join("new.json");
    client.open(&new, 1, BAD);
    assert_eq!(rules(&client.told(&new, 1)), ["missing-permission"], "a file that is not on disk");
    let item =
        json!({ "uri": "untitled:Untitled-1", "languageId": "json", "version": 1, "text": BAD });
    client.tell("textDocument/didOpen", json!({ "textDocument": item }));
    let position = json!({ "line": 7, "character": 12 });
    let params = json!({ "textDocument": { "uri": "untitled:Untitled-1" }, "position": position });
    let hover = client.ask("textDocument/hover", params).unwrap();
    assert!(hover.to_string().contains("ec2:RunInstances"));
    assert_eq!(client.leave(), 0);
}

#[test]
fn no_order_of_messages_stops_the_server() {
    // Nothing comes before `initialize`.
    let mut client = Client::silent();
    assert_eq!(client.ask("textDocument/hover", json!({})), Err(-32002));
    client.tell("textDocument/didOpen", json!({ "nonsense": true }));
    assert!(client.ask("initialize", json!({ "capabilities": {} })).is_ok());
    assert_eq!(client.ask("initialize", json!({ "capabilities": {} })), Err(-32600));
    assert_eq!(client.ask("textDocument/definition", json!({})), Err(-32601));
    assert_eq!(client.ask("workspace/made-up", Value::Null), Err(-32601));
    assert_eq!(client.ask("textDocument/hover", json!([1, 2])), Err(-32602));
    assert_eq!(client.ask("textDocument/codeAction", json!({ "textDocument": {} })), Err(-32602));
    let path = Path::new("/nowhere/at all/x.json");
    client.change(path, 7, json!([{ "text": "x" }]));
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    client.tell("textDocument/didSave", json!({ "textDocument": { "uri": "%" } }));
    client.tell("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": "file:///" }] }));
    client.tell("workspace/didChangeWorkspaceFolders", json!({ "event": {} }));
    client.tell("$/made-up", json!({}));
    client.open(path, 1, BAD);
    client.open(path, 2, BAD);
    let far = json!({ "line": 4_000_000_000_u32, "character": 4_000_000_000_u32 });
    let zero = json!({ "line": 0, "character": 0 });
    client.change(path, 3, json!([{ "range": { "start": far, "end": zero }, "text": "{" }]));
    client.told(path, 3);
    let hover = client.at("textDocument/hover", path, 4_000_000_000, 4_000_000_000);
    assert_eq!(hover, Value::Null);
    // One that is taken back before its turn is not answered.
    let id = client.ask_only("textDocument/hover", json!({}));
    client.tell("$/cancelRequest", json!({ "id": 9999 }));
    assert_eq!(client.answer(&id), Err(-32602));
    assert_eq!(client.ask("shutdown", Value::Null), Ok(Value::Null));
    assert_eq!(client.ask("textDocument/hover", json!({})), Err(-32600));
    client.tell("exit", Value::Null);
    assert_eq!(client.hang_up(), 0);

    // Who leaves without a word gets another code.
    let mut client = Client::silent();
    client.tell("exit", Value::Null);
    assert_eq!(client.hang_up(), 1);
    assert_eq!(Client::silent().hang_up(), 1);
}

#[test]
fn a_request_that_is_taken_back_is_not_answered() {
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", BAD);
    let (mut client, _) = opened(&folder, &path, BAD);
    let mut cancelled = 0;
    for round in 0..20 {
        // While this is judged, the request and its end wait together.
        client.replace(&path, round + 2, BAD);
        let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
        let params =
            json!({ "textDocument": { "uri": uri(&path) }, "range": range, "context": {} });
        client.ask_only("textDocument/codeAction", params.clone());
        let id = client.ask_only("textDocument/codeAction", params);
        client.tell("$/cancelRequest", json!({ "id": id }));
        cancelled += i32::from(client.answer(&id) == Err(-32800));
    }
    assert!(cancelled > 0, "not one of 20");
}

/// What the server says to these bytes, on both ways out, and its exit code.
fn said_to(bytes: &[u8]) -> (String, String, i32) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut command = Command::new(env!("CARGO_BIN_EXE_karplint"));
    command.arg("lsp").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().expect("it was not killed"))
}

#[test]
fn what_is_no_message_is_answered_and_told() {
    let framed = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let start = framed(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#);
    let end = framed(r#"{"jsonrpc":"2.0","id":2,"method":"shutdown"}"#)
        + &framed(r#"{"jsonrpc":"2.0","method":"exit"}"#);
    let (out, err, code) = said_to(format!("{start}{}{end}", framed("{\"id\":")).as_bytes());
    assert!(out.contains("-32700") && out.contains("\"id\":2"), "{out}");
    assert!(err.contains("the message is not JSON"), "{err}");
    assert_eq!(code, 0);
    for head in ["Content-Length: 99999999999999\r\n\r\n{}", "hello\r\n\r\n{}"] {
        let (out, err, code) = said_to(format!("{start}{head}").as_bytes());
        assert!(out.contains("-32700"), "{out}");
        assert!(err.starts_with("karplint lsp: "), "{err}");
        assert_eq!(code, 1);
    }
}

#[test]
fn a_byte_order_mark_counts_where_the_client_counts_it() {
    let one_line: Value = serde_json::from_str(BAD).unwrap();
    let text = format!("\u{feff}{one_line}");
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", BAD);
    let (mut client, _) = opened(&folder, &path, &text);
    let actions = client.actions(&path, Some("quickfix"));
    let mut edits = actions[0]["edit"]["documentChanges"][0]["edits"].clone();
    for edit in edits.as_array_mut().unwrap() {
        for end in ["start", "end"] {
            let character = edit["range"][end]["character"].as_u64().unwrap();
            edit["range"][end]["character"] = json!(character - 1);
        }
    }
    let mended = applied(&one_line.to_string(), edits.as_array().unwrap());
    assert!(serde_json::from_str::<Value>(&mended).is_ok(), "{mended}");
    assert!(mended.contains("\"ec2:CreateFleet\""), "{mended}");
}

#[test]
fn a_text_without_a_file_is_judged_by_itself() {
    let (_keep, folder) = folder(BAD);
    let path = put(&folder, "karpenter.json", GOOD);
    let (mut client, _) = opened(&folder, &path, GOOD);
    let uri = "untitled:Untitled-1";
    let item = json!({ "uri": uri, "languageId": "json", "version": 1, "text": BAD });
    client.tell("textDocument/didOpen", json!({ "textDocument": item }));
    let range = json!({
        "start": { "line": 0, "character": 0 }, "end": { "line": 999, "character": 0 },
    });
    let params = json!({
        "textDocument": { "uri": uri }, "range": range, "context": { "diagnostics": [] },
    });
    let actions = client.ask("textDocument/codeAction", params).unwrap();
    let changes = &actions[0]["edit"]["documentChanges"][0];
    assert_eq!(changes["textDocument"]["uri"], uri, "{actions}");
    let text = applied(BAD, changes["edits"].as_array().unwrap());
    assert!(text.contains("\"ec2:CreateFleet\""), "{text}");
}
