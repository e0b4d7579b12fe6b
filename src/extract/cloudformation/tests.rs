use crate::extract::tests::{documents, read};
use crate::extract::{Attached, Extracted};
use crate::syntax::{Node, Text};

/// The text at `path` of document `index`, holes as `${…}`.
fn text(extracted: &Extracted, index: usize, path: &str) -> String {
    let node = path.split('.').fold(&extracted.documents[index].node, |node, key| {
        key.parse::<usize>().map_or_else(|_| node.get(key).unwrap(), |i| &node.items()[i])
    });
    node.as_text().map_or_else(|| format!("{:?}", node.value), Text::display)
}

/// What each statement of a document hangs on.
fn whens(extracted: &Extracted, index: usize) -> Vec<String> {
    let one = |when: &crate::syntax::When| {
        format!("{}{}", if when.holds { "" } else { "not " }, when.name)
    };
    let each = extracted.documents[index].when.iter();
    each.map(|whens| whens.iter().map(one).collect::<Vec<_>>().join(" and ")).collect()
}

const YAML: &str = r#"
Resources:
  Controller:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: !Sub "KarpenterControllerPolicy-${Cluster}"
      PolicyDocument: !Sub |
        {
          "Statement": [{
            "Action": "ec2:RunInstances",
            "Resource": "arn:${AWS::Partition}:ec2:*:*:instance/*",
            "Condition": {"StringEquals": {"aws:RequestTag/${Cluster}": "${!aws:username}"}}
          }]
        }
  Maps:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: maps
      Roles: [!Ref Role, "by-name"]
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - Resource: !GetAtt Queue.Arn
            Action: [!Ref AWS::Region, !Ref "AWS::NoValue"]
          - Resource:
              Fn::Join: [":", ["arn", !Ref AWS::Partition, "sqs", Fn::GetAtt: [Queue, QueueName]]]
            Action: !Sub ["${Service}:${Verb}${Z}", {Service: sqs, Verb: !Ref Name}]
          - Resource: !ImportValue cluster-role
            Sid: !Select [0, !Split [",", !Ref Names]]
            Action: !If [C, "a:b", "c:d"]
          - !If [Extra, {Action: "x:y"}, !Ref AWS::NoValue]
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Sub "${Cluster}-karpenter"
      AssumeRolePolicyDocument: {Statement: [{Action: "sts:AssumeRole"}]}
      ManagedPolicyArns:
        - !Ref Controller
        - !Sub "arn:${AWS::Partition}:iam::aws:policy/AmazonEKSWorkerNodePolicy"
        - !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/KarpenterControllerPolicy-${Cluster}"
      PermissionsBoundary: !Ref Controller
      Policies:
        - PolicyName: inline
          PolicyDocument: '{"Statement": []}'
  Later:
    Type: AWS::IAM::RolePolicy
    Properties:
      RoleName: !Sub "${Cluster}-karpenter"
      PolicyName: later
      PolicyDocument: {Statement: []}
  Queue:
    Type: AWS::SQS::Queue
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties: {PolicyDocument: {Statement: []}}
  Group:
    Type: AWS::IAM::Group
    Properties:
      Policies: [{PolicyName: g, PolicyDocument: {Statement: []}}]
"#;

#[test]
fn all_kinds_of_resources() {
    let (_, found) = read("t.yaml", YAML);
    assert_eq!(
        documents(&found),
        [
            "Controller Managed KarpenterControllerPolicy-${Cluster}",
            "Maps Inline maps",
            "Role Trust -",
            "Role Inline inline",
            "Later Inline later",
            "QueuePolicy Resource -",
            "Group Group g",
        ]
    );
    assert!(found.makes_queue && found.broken.is_empty() && found.unreadable.is_empty());
}

#[test]
fn text_and_holes() {
    let (_, found) = read("t.yaml", YAML);
    let condition =
        found.documents[0].node.get("Statement").unwrap().items()[0].get("Condition").unwrap();
    let entry = &condition.entries()[0].value.entries()[0];
    assert_eq!(entry.key.display(), "aws:RequestTag/${Cluster}");
    assert_eq!(entry.value.as_str(), Some("${aws:username}"), "an escaped variable is IAM's");
    for (path, expected) in [
        ("Version", "2012-10-17"),
        ("Statement.0.Resource", "${Queue.Arn}"),
        ("Statement.0.Action.0", "${AWS::Region}"),
        ("Statement.1.Resource", "arn:${AWS::Partition}:sqs:${Queue.QueueName}"),
        ("Statement.1.Action", "sqs:${Name}${Z}"),
        ("Statement.2.Resource", "${ImportValue(cluster-role)}"),
        ("Statement.2.Sid", "${Select(0, Split(,, Names))}"),
        // Which action it is, nobody decided: both are there.
        ("Statement.2.Action", "a:b"),
        ("Statement.3.Action", "c:d"),
        ("Statement.4.Action", "x:y"),
    ] {
        assert_eq!(text(&found, 1, path), expected, "{path}");
    }
    assert_eq!(whens(&found, 1), ["", "", "C", "not C", "Extra"]);
    let statements = found.documents[1].node.get("Statement").unwrap();
    assert_eq!(statements.items()[0].get("Action").unwrap().items().len(), 1);
    assert_eq!(found.assumed, []);
}

#[test]
fn attachments() {
    let (_, found) = read("t.yaml", YAML);
    let role = &found.roles[0];
    assert_eq!(role.address, "Role");
    assert_eq!(role.name.as_ref().map(Text::display).unwrap(), "${Cluster}-karpenter");
    // Inline, then as the resources come: its own, by reference, by ARN.
    let mut documents = role.documents.clone();
    documents.sort_unstable();
    documents.dedup();
    assert_eq!(documents, [0, 1, 3, 4]);
    assert_eq!(role.trust, Some(2));
    assert!(matches!(role.boundary, Some(Attached::Document(0))));
    let unseen: Vec<_> = role.unseen.iter().map(|unseen| unseen.name.as_str()).collect();
    assert_eq!(unseen, ["arn:${AWS::Partition}:iam::aws:policy/AmazonEKSWorkerNodePolicy"]);
    assert_eq!(found.roles[1].address, "by-name");
    assert_eq!(found.roles[1].documents, [1]);
}

#[test]
fn json_templates_read_the_same() {
    let text = r#"{
      "Resources": {
        "Skipped": {"Type": "AWS::S3::Bucket", "Properties": {"x": "\ud800"}},
        "P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
          "Roles": [{"Ref": "R"}],
          "PolicyDocument": {"Fn::Sub": "{\"Statement\": [{\"Resource\": \"arn:${AWS::Partition}:\"}]}"}
        }},
        "Q": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
          "PolicyDocument": {"Fn::Sub": ["{\"Statement\": [{\"Resource\": \"${A}/${B}\"}]}",
            {"A": "x", "B": {"Fn::GetAtt": ["R", "Arn"]}}]}
        }},
        "R": {"Type": "AWS::IAM::Role", "Properties": {
          "AssumeRolePolicyDocument": {"Statement": [{"Principal": {"Service": {"Fn::Join":
            ["", ["ec2.", {"Ref": "AWS::URLSuffix"}]]}}}]}
        }}
      }
    }"#;
    let (sources, found) = read("t.template", text);
    assert_eq!(documents(&found), ["P Managed -", "Q Managed -", "R Trust -"]);
    assert_eq!(self::text(&found, 0, "Statement.0.Resource"), "arn:${AWS::Partition}:");
    assert_eq!(self::text(&found, 1, "Statement.0.Resource"), "x/${R.Arn}");
    let service = "Statement.0.Principal.Service";
    assert_eq!(self::text(&found, 2, service), "ec2.${AWS::URLSuffix}");
    assert_eq!(found.roles[0].documents, [0]);
    assert!(!found.makes_queue);
    let resource = found.documents[0].node.get("Statement").unwrap().items()[0].get("Resource");
    let span = sources.to_file(resource.unwrap().span);
    assert_eq!(sources.slice(span), r#"\"arn:${AWS::Partition}:\""#);
    assert_eq!(
        sources.get(resource.unwrap().span.source).embedding().unwrap().address.as_deref(),
        Some("P")
    );
}

#[test]
fn broken_text_is_told_with_its_place() {
    let text = "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      \
                PolicyDocument: !Sub |\n        {\n          \"Statement\": [1 2]\n        }\n";
    let (sources, found) = read("t.yaml", text);
    assert!(found.documents.is_empty());
    let error = &found.broken[0];
    assert_eq!(error.message, "expected `,` or `]` after this value");
    let span = sources.to_file(error.span);
    assert_eq!(
        (sources.slice(span).as_str(), span.start as usize),
        ("2", text.rfind('2').unwrap())
    );
}

#[test]
fn what_is_not_in_the_template_is_told() {
    let text = "Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      \
                PolicyDocument: !Ref Statement\n";
    let (_, found) = read("t.yaml", text);
    assert_eq!(found.unreadable[0].address, "P");
    assert_eq!(found.unreadable[0].reason, "its policy is made by `Ref`, outside of the template");
}

#[test]
fn odd_templates_do_no_harm() {
    for text in [
        "Resources:\n  P:\n    Type: AWS::IAM::Role\n    Properties: []\n",
        "Resources:\n  P:\n    Type: AWS::IAM::Role\n    Properties: {Policies: x, ManagedPolicyArns: {a: b}}\n",
        "Resources:\n  P:\n    Type: AWS::IAM::Policy\n    Properties: {PolicyDocument: [1], Roles: }\n",
        "Resources:\n  P:\n    Type: AWS::IAM::Policy\n    Properties: {PolicyDocument: !Sub {a: b}}\n",
        "Resources:\n  P:\n    Type: AWS::IAM::Policy\n    Properties: {PolicyDocument: !If [a]}\n",
        "Resources:\n  P:\n    Type: AWS::IAM::Policy\n    Properties: {PolicyDocument: {a: !Join [x]}}\n",
        "Resources: {P: {Type: [AWS]}}\n",
    ] {
        let (_, found) = read("t.yaml", text);
        assert!(found.documents.iter().all(|document| document.node.get("Statement").is_none()));
        let _: Vec<&Node> = found.documents.iter().map(|document| &document.node).collect();
    }
}
