//! Templates of CloudFormation: what they know of themselves decides, what nobody knows is kept open.

use crate::common::{check, check_with_errors, folder, policy, program, rules};
use serde_json::{Value, json};

/// The policy of the fixtures, with the cluster as a parameter, as flow text of YAML.
fn statements() -> Vec<String> {
    let good = policy("json/ok/karpenter-1.4.json");
    good["Statement"].as_array().unwrap().iter().map(Value::to_string).collect()
}

/// A template whose policy has these statements, below `head`.
fn template(head: &str, statements: &[String]) -> String {
    let list: String = statements.iter().map(|s| format!("          - {s}\n")).collect();
    format!(
        "{head}\nResources:\n  KarpenterPolicy:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      \
         PolicyDocument:\n        Version: '2012-10-17'\n        Statement:\n{list}"
    )
}

fn report(flags: &[&str], text: &str) -> Value {
    let files = folder(&[("stack.yaml", text)]);
    check(&[&["--karpenter=1.4"], flags].concat(), &[files.path().join("stack.yaml")])
}

/// The statements with those that mention `action` under a condition of the template.
fn under(condition: &str, action: &str) -> Vec<String> {
    let wrap = |statement: String| match statement.contains(action) {
        true => format!("!If [{condition}, {statement}, !Ref 'AWS::NoValue']"),
        false => statement,
    };
    statements().into_iter().map(wrap).collect()
}

const OPEN: &str =
    "Parameters:\n  Stage: {Type: String}\nConditions:\n  IsProd: !Equals [!Ref Stage, prod]";

#[test]
fn a_default_is_the_value_unless_another_is_given() {
    let list: Vec<String> = statements()
        .into_iter()
        .map(|s| {
            let cut = s.contains("cluster/demo");
            if cut { format!("!Sub '{}'", s.replace("cluster/demo", "cluster/${Name}")) } else { s }
        })
        .collect();
    // Statements as text under `Sub` are no statements, so the whole document is one text.
    let text: String = list
        .iter()
        .map(|s| s.trim_start_matches("!Sub '").trim_end_matches('\''))
        .collect::<Vec<_>>()
        .join(",\n          ");
    let text = format!(
        "Parameters:\n  Name: {{Type: String, Default: demo}}\nResources:\n  KarpenterPolicy:\n    \
         Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument: !Sub |\n          \
         {{\"Version\": \"2012-10-17\", \"Statement\": [\n          {text}]}}\n"
    );
    let found = report(&[], &text);
    assert_eq!(rules(&found), Vec::<String>::new());
    assert_eq!(found["controllers"][0]["settings"]["cluster-name"], "demo");
    let assumed = found["controllers"][0]["assumptions"].to_string();
    assert!(assumed.contains(r#""symbol":"Name""#) && assumed.contains("default of"), "{assumed}");

    let found = report(&["--cluster-name=prod", "--parameter=Name=prod"], &text);
    assert_ne!(found["controllers"][0]["assumptions"].to_string(), assumed);
    assert!(!found["controllers"][0]["assumptions"].to_string().contains("default of"));
    let files = folder(&[("s.yaml", &text)]);
    let (code, _, err) = program(files.path(), &["--no-config", "--parameter=Name", "s.yaml"]);
    assert_eq!((code, err.contains("is not of the form KEY=VALUE")), (2, true), "{err}");
}

#[test]
fn a_condition_that_nobody_decided_is_no_certainty() {
    let text = template(OPEN, &under("IsProd", "ec2:CreateFleet"));
    let found = report(&[], &text);
    assert_eq!(rules(&found), ["warning unsettled"]);
    let finding = &found["findings"][0];
    assert!(finding["message"].as_str().unwrap().contains("`IsProd`"), "{finding}");
    assert!(finding["help"].as_str().unwrap().contains("--parameter"), "{finding}");
    // Decided, either way, it is certain.
    assert_eq!(rules(&report(&["--parameter=Stage=prod"], &text)), Vec::<String>::new());
    let denied = rules(&report(&["--parameter=Stage=dev"], &text));
    assert!(denied.contains(&"error missing-permission".to_owned()), "{denied:?}");
}

#[test]
fn what_both_branches_grant_is_granted() {
    let both = |statement: String| match statement.contains("ec2:CreateFleet") {
        true => format!("!If [IsProd, {statement}, {statement}]"),
        false => statement,
    };
    let list: Vec<String> = statements().into_iter().map(both).collect();
    assert_eq!(rules(&report(&[], &template(OPEN, &list))), Vec::<String>::new());
    // The same of a value inside of a statement.
    let inside: Vec<String> = statements()
        .into_iter()
        .map(|s| s.replace("\"ec2:CreateFleet\"", "!If [IsProd, 'ec2:CreateFleet', 'ec2:Create*']"))
        .collect();
    assert!(inside.iter().any(|s| s.contains("!If")));
    assert_eq!(rules(&report(&[], &template(OPEN, &inside))), Vec::<String>::new());
    // And of two conditions of which one is the opposite of the other.
    let head = format!("{OPEN}\n  NotProd: !Not [!Condition IsProd]");
    let mut two = under("IsProd", "ec2:CreateFleet");
    two.extend(under("NotProd", "ec2:CreateFleet").into_iter().filter(|s| s.starts_with("!If")));
    assert_eq!(rules(&report(&[], &template(&head, &two))), Vec::<String>::new());
}

#[test]
fn what_neither_branch_grants_is_denied() {
    let neither = |statement: String| match statement.contains("ec2:CreateFleet") {
        true => {
            let less = statement.replace("\"ec2:CreateFleet\",", "");
            format!("!If [IsProd, {less}, {less}]")
        }
        false => statement,
    };
    let list: Vec<String> = statements().into_iter().map(neither).collect();
    let told = rules(&report(&[], &template(OPEN, &list)));
    assert!(told.contains(&"error missing-permission".to_owned()), "{told:?}");
    assert!(!told.contains(&"warning unsettled".to_owned()), "{told:?}");
}

/// A role with `policies` and what else `properties` say, beside the policy.
fn with_role(head: &str, properties: &str) -> String {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": ["sts:AssumeRole", "sts:TagSession"], "Principal": {"Service": "pods.eks.amazonaws.com"}}]});
    format!(
        "{}  KarpenterRole:\n    Type: AWS::IAM::Role\n    Properties:\n      \
         AssumeRolePolicyDocument: {trust}\n{properties}",
        template(head, &statements())
    )
}

#[test]
fn an_attachment_may_hang_on_a_condition() {
    let arns = |item: &str| format!("      ManagedPolicyArns:\n        - {item}\n");
    let sure = with_role(OPEN, &arns("!Ref KarpenterPolicy"));
    assert_eq!(rules(&report(&[], &sure)), Vec::<String>::new());
    let maybe = with_role(OPEN, &arns("!If [IsProd, !Ref KarpenterPolicy, !Ref 'AWS::NoValue']"));
    assert_eq!(rules(&report(&[], &maybe)), ["warning unsettled"]);
    // Of policies that nobody can see, even one that allows all is not certain.
    let admin = "!If [IsProd, 'arn:aws:iam::aws:policy/AdministratorAccess', !Ref 'AWS::NoValue']";
    let weak = with_role(OPEN, &arns(admin))
        .replace("PolicyDocument:", "Roles: [!Ref KarpenterRole]\n      PolicyDocument:");
    let weak = weak.replace("ec2:CreateFleet", "ec2:DescribeFleets");
    let found = report(&[], &weak);
    assert!(!rules(&found).iter().any(|rule| rule.starts_with("error missing")), "{found}");
    assert!(found["findings"].to_string().contains("AdministratorAccess (if IsProd)"), "{found}");
}

#[test]
fn a_boundary_that_the_defaults_leave_out_limits_nothing() {
    let head = "Parameters:\n  Boundary: {Type: String, Default: ''}\nConditions:\n  \
                Bounded: !Not [!Equals [!Ref Boundary, '']]";
    let properties = "      ManagedPolicyArns: [!Ref KarpenterPolicy]\n      \
                      PermissionsBoundary: !If [Bounded, !Ref Boundary, !Ref 'AWS::NoValue']\n";
    let text = with_role(head, properties);
    assert_eq!(rules(&report(&[], &text)), Vec::<String>::new());
    let arn = "--parameter=Boundary=arn:aws:iam::111122223333:policy/limits";
    let found = report(&[arn], &text);
    assert_eq!(rules(&found), ["warning unsettled"]);
    assert!(found["findings"][0]["message"].as_str().unwrap().contains("policy/limits"));
}

#[test]
fn resources_that_are_not_made_are_left_out() {
    let head = OPEN.replace("{Type: String}", "{Type: String, Default: dev}");
    let text = template(&head, &statements()).replace(
        "    Type: AWS::IAM::ManagedPolicy\n",
        "    Type: AWS::IAM::ManagedPolicy\n    Condition: IsProd\n",
    );
    let files = folder(&[("stack.yaml", &text)]);
    let (found, err) = check_with_errors(&["--karpenter=1.4"], &[files.path().join("stack.yaml")]);
    assert_eq!(found["controllers"], json!([]));
    assert!(
        err.contains("KarpenterPolicy: it is not made") && err.contains("--parameter"),
        "{err}"
    );
    assert_eq!(rules(&report(&["--parameter=Stage=prod"], &text)), Vec::<String>::new());
}

#[test]
fn loops_of_the_language_extensions_are_told() {
    let text = "Transform: AWS::LanguageExtensions\nResources:\n  'Fn::ForEach::Karpenter':\n    - Id\n    \
        - [A, B]\n    - 'Policy${Id}':\n        Type: AWS::IAM::ManagedPolicy\n        Properties:\n          \
        PolicyDocument: {Statement: []}\n  Other: {Type: AWS::SNS::Topic}\n";
    let files = folder(&[("stack.yaml", text)]);
    let (_, err) = check_with_errors(&[], &[files.path().join("stack.yaml")]);
    assert!(err.contains("what `Fn::ForEach` makes is known only to CloudFormation"), "{err}");
}

const PARENT: &str = "Parameters:\n  Cluster: {Type: String, Default: demo}\nResources:\n  Iam:\n    \
    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: PATH\n      Parameters:\n        \
    ClusterName: !Ref Cluster\n";

#[test]
fn a_stack_within_the_stack_is_read_with_what_it_is_given() {
    let child =
        template("Parameters:\n  ClusterName: {Type: String, Default: other}", &statements())
            .replace("cluster/demo", "cluster/x")
            .replace(
                "PolicyDocument:",
                "ManagedPolicyName: !Sub 'karpenter-${ClusterName}'\n      PolicyDocument:",
            );
    let parent = PARENT.replace("PATH", "./parts/iam.yaml");
    let files = folder(&[("stack.yaml", &parent), ("parts/iam.yaml", &child)]);
    for paths in [vec![files.path().join("stack.yaml")], vec![files.path().to_path_buf()]] {
        let found = check(&["--karpenter=1.4"], &paths);
        let controllers = found["controllers"].as_array().unwrap();
        assert_eq!(controllers.len(), 1, "{found}");
        assert_eq!(controllers[0]["documents"][0]["address"], "Iam/KarpenterPolicy");
        let file = controllers[0]["documents"][0]["file"].as_str().unwrap();
        assert!(file.ends_with("parts/iam.yaml"), "{file}");
    }
}

#[test]
fn nothing_outside_of_the_given_paths_is_read() {
    let child = template("", &statements());
    let parent = PARENT.replace("PATH", "../iam.yaml");
    let files = folder(&[("in/stack.yaml", &parent), ("iam.yaml", &child)]);
    let told = |path: &str| {
        let (found, err) = check_with_errors(&["--karpenter=1.4"], &[files.path().join(path)]);
        assert_eq!(found["controllers"], json!([]), "{found}");
        assert!(err.contains("lies outside of the paths that were given"), "{err}");
    };
    told("in");
    told("in/stack.yaml");
    // A link that leads out is no way in.
    #[cfg(unix)]
    {
        std::fs::write(files.path().join("in/stack.yaml"), PARENT.replace("PATH", "iam.yaml"))
            .unwrap();
        std::os::unix::fs::symlink("../iam.yaml", files.path().join("in/iam.yaml")).unwrap();
        told("in/stack.yaml");
    }
}

#[test]
fn functions_of_sam_have_roles_of_their_own() {
    let list: String = statements().iter().map(|s| format!("            - {s}\n")).collect();
    let text = format!(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  KarpenterProxy:\n    \
         Type: AWS::Serverless::Function\n    Properties:\n      Policies:\n        \
         - S3ReadPolicy: {{BucketName: b}}\n        - Version: '2012-10-17'\n          Statement:\n{list}"
    );
    let found = report(&[], &text);
    assert_eq!(rules(&found), Vec::<String>::new());
    assert_eq!(found["controllers"].as_array().unwrap().len(), 1);
}
