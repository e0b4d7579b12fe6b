//! Decisions a second of one compiled policy of fifteen statements, asked what Karpenter asks.
//!
//! `cargo bench --bench eval`; `known` has every value, `symbolic` leaves cluster, account and names
//! open.

use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use karplint::eval::{Compiled, Decision, Layers, decide, trace};
use karplint::policy::lower::lower;
use karplint::policy::request::{Context, Key, Request, Status, Target, Values};
use karplint::policy::symbolic::{Class, Shape, Symbolic, Symbols};
use karplint::source::{SourceMap, Span};
use karplint::syntax::{Entry, Node, Part, Style, Text, Value};

fn main() {
    divan::main();
}

/// Tags that a launch carries, and that what it made has.
const OWNED: &str = "kubernetes.io/cluster/{cluster}";
const POOL: &str = "karpenter.sh/nodepool";

/// The policy as (actions, resources, conditions); `{…}` are holes.
fn policy() -> serde_json::Value {
    use serde_json::json;
    let ec2 = |kind: &str| format!("arn:{{partition}}:ec2:{{region}}:*:{kind}/*");
    let all = |kinds: &[&str]| kinds.iter().map(|kind| ec2(kind)).collect::<Vec<_>>();
    let tagged = |on: &str| {
        json!({
            "StringEquals": { (format!("aws:{on}Tag/{OWNED}")): "owned" },
            "StringLike": { (format!("aws:{on}Tag/{POOL}")): "*" },
        })
    };
    let allow = |action: serde_json::Value,
                 resource: serde_json::Value,
                 condition: serde_json::Value| {
        json!({ "Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition })
    };
    let made = [
        "fleet",
        "instance",
        "volume",
        "network-interface",
        "launch-template",
        "spot-instances-request",
    ];
    let profile = "arn:{partition}:iam::{account}:instance-profile/*";
    let region = json!({ "StringEquals": { "aws:RequestedRegion": "{region}" } });
    let service = json!({ "StringEquals": { "iam:PassedToService": "ec2.amazonaws.com" } });
    let created = json!({
        "StringEquals": {
            (format!("aws:RequestTag/{OWNED}")): "owned",
            "ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"],
        },
        "StringLike": { (format!("aws:RequestTag/{POOL}")): "*" },
    });
    let later = json!({
        "StringEquals": { (format!("aws:ResourceTag/{OWNED}")): "owned" },
        "ForAllValues:StringEquals": { "aws:TagKeys": ["Name", "karpenter.sh/nodeclaim"] },
    });
    let launch = json!(["ec2:RunInstances", "ec2:CreateFleet"]);
    let read = json!([
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeSubnets",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
    ]);
    let inputs = ["image", "snapshot", "security-group", "subnet", "capacity-reservation"];
    let none = || json!({});
    json!({ "Version": "2012-10-17", "Statement": [
        allow(launch.clone(), json!(all(&inputs)), none()),
        allow(launch.clone(), json!(ec2("launch-template")), tagged("Resource")),
        allow(json!(["ec2:RunInstances", "ec2:CreateFleet", "ec2:CreateLaunchTemplate"]), json!(all(&made)), tagged("Request")),
        allow(json!("ec2:CreateTags"), json!(all(&made)), created),
        allow(json!("ec2:CreateTags"), json!(ec2("instance")), later),
        allow(json!(["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"]), json!(all(&["instance", "launch-template"])), tagged("Resource")),
        allow(read, json!("*"), region),
        allow(json!("ssm:GetParameter"), json!("arn:{partition}:ssm:{region}::parameter/aws/service/*"), none()),
        allow(json!("pricing:GetProducts"), json!("*"), none()),
        allow(json!(["sqs:DeleteMessage", "sqs:ReceiveMessage"]), json!("arn:{partition}:sqs:{region}:{account}:{cluster}"), none()),
        allow(json!("iam:PassRole"), json!("arn:{partition}:iam::{account}:role/nodes-{cluster}"), service),
        allow(json!(["iam:CreateInstanceProfile", "iam:TagInstanceProfile"]), json!(profile), tagged("Request")),
        allow(json!(["iam:AddRoleToInstanceProfile", "iam:DeleteInstanceProfile"]), json!(profile), tagged("Resource")),
        allow(json!("iam:GetInstanceProfile"), json!(profile), none()),
        allow(json!("eks:DescribeCluster"), json!("arn:{partition}:eks:{region}:{account}:cluster/{cluster}"), none()),
    ]})
}

/// Text with `{name}` for holes.
fn text(span: Span, literal: &str) -> Text {
    let mut parts = Vec::new();
    for piece in literal.split_inclusive(['{', '}']) {
        if let Some(hole) = piece.strip_suffix('}') {
            parts.push(Part::Hole(span, hole.into()));
        } else if !piece.trim_end_matches('{').is_empty() {
            parts.push(Part::Literal(span, piece.trim_end_matches('{').into()));
        }
    }
    Text { span, style: Style::Json, parts }
}

fn node(span: Span, json: &serde_json::Value) -> Node {
    let value = match json {
        serde_json::Value::String(literal) => Value::String(text(span, literal)),
        serde_json::Value::Array(items) => {
            Value::List(items.iter().map(|item| node(span, item)).collect())
        }
        serde_json::Value::Object(entries) => {
            let entry = |(key, value): (&String, &serde_json::Value)| Entry {
                key: text(span, key),
                value: node(span, value),
            };
            Value::Map(entries.iter().map(entry).collect())
        }
        other => Value::Number(other.to_string().into()),
    };
    Node { span, tag: None, value }
}

/// What the holes stand for.
struct World {
    symbols: Symbols,
    open: bool,
}

impl World {
    fn value(&mut self, name: &str) -> Symbolic {
        let (shape, value) = match name {
            "partition" => (Shape::new(Class::Name, 3, 10), "aws"),
            "region" => (Shape::new(Class::Name, 9, 20), "us-west-2"),
            "account" => (Shape::new(Class::Digits, 12, 12), "111122223333"),
            "cluster" => (Shape::new(Class::Word, 1, 100), "demo"),
            "pool" => (Shape::new(Class::Name, 1, 63), "general"),
            _ => (Shape::ANY, "?"),
        };
        if self.open { Symbolic::symbol(self.symbols.intern(name, shape)) } else { value.into() }
    }

    fn text(&mut self, literal: &str) -> Symbolic {
        let mut out = Symbolic::default();
        for piece in literal.split_inclusive(['{', '}']) {
            match piece.strip_suffix('}') {
                Some(hole) => out.push(&self.value(hole)),
                None => out.push_str(piece.trim_end_matches('{')),
            }
        }
        out
    }
}

fn layers(open: bool) -> (Layers, World) {
    let span = Span::new(SourceMap::new().add_file("bench", ""), 0, 0);
    let lowered = lower(&node(span, &policy()));
    assert!(lowered.problems.is_empty(), "{:?}", lowered.problems);
    assert_eq!(lowered.policy.statements.len(), 15);
    let world = std::cell::RefCell::new(World { symbols: Symbols::new(), open });
    let compiled = Compiled::new(&lowered.policy, &|name| world.borrow_mut().value(name));
    (Layers { identity: vec![Arc::new(compiled)], ..Layers::default() }, world.into_inner())
}

fn requests(world: &mut World) -> Vec<Request> {
    let ec2 =
        |kind: &str, id: &str| format!("arn:{{partition}}:ec2:{{region}}:{{account}}:{kind}/{id}");
    let tags = |on: &str| {
        vec![
            (format!("aws:{on}Tag/{OWNED}"), "owned".to_owned()),
            (format!("aws:{on}Tag/{POOL}"), "{pool}".to_owned()),
        ]
    };
    let mut out = Vec::new();
    let mut ask = |action: &str, resource: &str, keys: Vec<(String, String)>| {
        let mut context = Context::default();
        let region = ("aws:RequestedRegion".to_owned(), "{region}".to_owned());
        for (key, value) in keys.iter().chain([&region]) {
            let value = Status::Known(Values::One(world.text(value)));
            context.set(Key::new(&world.text(key)), value);
        }
        let resource =
            if resource == "*" { Target::Any } else { Target::Arn(world.text(resource)) };
        out.push(Request { action: action.into(), resource, context });
    };
    for kind in [
        "fleet",
        "instance",
        "volume",
        "network-interface",
        "launch-template",
        "spot-instances-request",
    ] {
        ask("ec2:CreateFleet", &ec2(kind, "*"), tags("Request"));
        ask("ec2:RunInstances", &ec2(kind, "*"), tags("Request"));
        let mut created = tags("Request");
        created.push(("ec2:CreateAction".to_owned(), "CreateFleet".to_owned()));
        ask("ec2:CreateTags", &ec2(kind, "*"), created);
    }
    for kind in ["image", "subnet", "security-group", "snapshot"] {
        ask("ec2:RunInstances", &ec2(kind, "x-0123456789abcdef0"), Vec::new());
    }
    ask("ec2:TerminateInstances", &ec2("instance", "i-0123456789abcdef0"), tags("Resource"));
    ask("ec2:DescribeInstances", "*", Vec::new());
    ask("pricing:GetProducts", "*", Vec::new());
    ask(
        "eks:DescribeCluster",
        "arn:{partition}:eks:{region}:{account}:cluster/{cluster}",
        Vec::new(),
    );
    ask("sqs:ReceiveMessage", "arn:{partition}:sqs:{region}:{account}:{cluster}", Vec::new());
    let service = vec![("iam:PassedToService".to_owned(), "ec2.amazonaws.com".to_owned())];
    ask("iam:PassRole", "arn:{partition}:iam::{account}:role/nodes-{cluster}", service);
    ask(
        "iam:CreateInstanceProfile",
        "arn:{partition}:iam::{account}:instance-profile/p",
        tags("Request"),
    );
    out
}

fn world(open: bool) -> (Layers, Vec<Request>) {
    let (layers, mut world) = layers(open);
    let requests = requests(&mut world);
    for request in &requests {
        assert_eq!(decide(&layers, request), Decision::Allowed, "{}", request.action);
    }
    (layers, requests)
}

#[divan::bench(args = ["known", "symbolic"])]
fn decisions(bencher: Bencher<'_, '_>, values: &str) {
    let (layers, requests) = world(values == "symbolic");
    bencher.counter(ItemsCount::new(requests.len())).bench_local(|| {
        for request in &requests {
            black_box(decide(&layers, black_box(request)));
        }
    });
}

#[divan::bench(args = ["known", "symbolic"])]
fn traces(bencher: Bencher<'_, '_>, values: &str) {
    let (layers, requests) = world(values == "symbolic");
    bencher.counter(ItemsCount::new(requests.len())).bench_local(|| {
        for request in &requests {
            black_box(trace(&layers, black_box(request)));
        }
    });
}

#[divan::bench]
fn compile(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| layers(false));
}
