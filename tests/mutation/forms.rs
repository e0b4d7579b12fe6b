//! One policy in every form that can be fixed, each in a style of its own, with remarks where the form
//! has them.

use std::fmt::Write;

use serde_json::{Map, Value};

/// How a policy is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON as everybody prints it.
    Json,
    /// Four spaces, lists on one line, CRLF, no line break at the end.
    Windows,
    /// All on one line.
    OneLine,
    /// JSON text under `!Sub |`, with the placeholders of CloudFormation.
    Sub,
    /// A map in YAML, lists as blocks, in double quotes, with remarks.
    Map,
    /// A map in YAML, lists between brackets, in single quotes.
    Flow,
    /// A map in a template in JSON.
    Template,
    /// `jsonencode`, with remarks.
    Encode,
    /// A heredoc.
    Heredoc,
    /// `aws_iam_policy_document`, with remarks.
    Blocks,
}

impl Form {
    pub(crate) const ALL: [Self; 10] = [
        Self::Json,
        Self::Windows,
        Self::OneLine,
        Self::Sub,
        Self::Map,
        Self::Flow,
        Self::Template,
        Self::Encode,
        Self::Heredoc,
        Self::Blocks,
    ];

    /// The name of a file of this form.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Json | Self::Windows | Self::OneLine => "policy.json",
            Self::Sub | Self::Map | Self::Flow => "karpenter.yaml",
            Self::Template => "karpenter.template.json",
            Self::Encode | Self::Heredoc | Self::Blocks => "main.tf",
        }
    }

    /// The policy in this form.
    pub(crate) fn write(self, policy: &Value) -> String {
        match self {
            Self::Json => format!("{}\n", pretty(policy)),
            Self::Windows => windows(policy),
            Self::OneLine => format!("{policy}\n"),
            Self::Sub => sub(policy),
            Self::Map => map(policy),
            Self::Flow => flow(policy),
            Self::Template => template(policy),
            Self::Encode => encode(policy),
            Self::Heredoc => heredoc(policy),
            Self::Blocks => blocks(policy),
        }
    }
}

fn pretty(policy: &Value) -> String {
    serde_json::to_string_pretty(policy).unwrap()
}

fn indented(text: &str, by: usize) -> String {
    let pad = " ".repeat(by);
    text.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "{pad}{line}");
        out
    })
}

fn statements(policy: &Value) -> impl Iterator<Item = (usize, &Map<String, Value>)> {
    policy["Statement"].as_array().unwrap().iter().map(|s| s.as_object().unwrap()).enumerate()
}

fn windows(policy: &Value) -> String {
    let mut out = format!("{{\n    \"Version\": {},\n    \"Statement\": [\n", policy["Version"]);
    let count = policy["Statement"].as_array().unwrap().len();
    for (at, statement) in statements(policy) {
        out.push_str("        {\n");
        let entries: Vec<String> = statement
            .iter()
            .map(|(key, value)| match value {
                Value::Object(_) => {
                    let text = pretty(value).replace("  ", "    ");
                    let lines = indented(&text, 12);
                    format!("            \"{key}\": {}", lines.trim())
                }
                other => format!("            \"{key}\": {}", spaced(other)),
            })
            .collect();
        out.push_str(&entries.join(",\n"));
        out.push_str(if at + 1 == count { "\n        }\n" } else { "\n        },\n" });
    }
    out.push_str("    ]\n}");
    out.replace('\n', "\r\n")
}

/// `["a", "b"]`.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            format!("[{}]", items.join(", "))
        }
        one => one.to_string(),
    }
}

fn sub(policy: &Value) -> String {
    let text = pretty(policy)
        .replace("111122223333", "${AWS::AccountId}")
        .replace("us-west-2", "${AWS::Region}")
        .replace("arn:aws:", "arn:${AWS::Partition}:")
        .replace("demo", "${ClusterName}");
    format!(
        "# What the controller may do.\nParameters:\n  ClusterName:\n    Type: String\nResources:\n  KarpenterControllerPolicy:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      # As JSON, for keys that hold the name of the cluster.\n      PolicyDocument: !Sub |\n{}      ManagedPolicyName: karpenter # short\n",
        indented(&text, 8)
    )
}

fn template(policy: &Value) -> String {
    let text = indented(&pretty(policy), 8);
    format!(
        "{{\n  \"Resources\": {{\n    \"KarpenterControllerPolicy\": {{\n      \"Type\": \"AWS::IAM::ManagedPolicy\",\n      \"Properties\": {{\n        \"PolicyDocument\": {}\n      }}\n    }}\n  }}\n}}\n",
        text.trim()
    )
}

const HEAD: &str = "Resources:\n  KarpenterControllerPolicy:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n        Version: \"2012-10-17\"\n        Statement:\n";

fn map(policy: &Value) -> String {
    fn values(out: &mut String, value: &Value, pad: usize) {
        match value {
            Value::Array(items) if items.is_empty() => out.push_str(" []\n"),
            Value::Array(items) => {
                out.push('\n');
                for item in items {
                    let _ = writeln!(out, "{}- {item}", " ".repeat(pad));
                }
            }
            Value::Object(entries) if entries.is_empty() => out.push_str(" {}\n"),
            Value::Object(entries) => {
                out.push('\n');
                for (key, value) in entries {
                    let key = if key.contains(':') { format!("{key:?}") } else { key.clone() };
                    let _ = write!(out, "{}{key}:", " ".repeat(pad));
                    values(out, value, pad + 2);
                }
            }
            one => {
                let _ = writeln!(out, " {one}");
            }
        }
    }
    let mut out = HEAD.to_owned();
    for (at, statement) in statements(policy) {
        let _ = writeln!(out, "          # remark {at}");
        for (place, (key, value)) in statement.iter().enumerate() {
            let lead = if place == 0 { "          - " } else { "            " };
            let _ = write!(out, "{lead}{key}:");
            values(&mut out, value, 14);
        }
    }
    out
}

fn flow(policy: &Value) -> String {
    let mut out = HEAD.to_owned();
    for (at, statement) in statements(policy) {
        let _ = writeln!(out, "        # remark {at}");
        for (place, (key, one)) in statement.iter().enumerate() {
            let lead = if place == 0 { "        - " } else { "          " };
            let _ = writeln!(out, "{lead}{key}: {}", flow_value(one));
        }
    }
    out
}

fn flow_one(value: &Value) -> String {
    format!("'{}'", value.as_str().unwrap())
}

fn flow_value(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow_one).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(k, v)| format!("'{k}': {}", flow_value(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        one => flow_one(one),
    }
}

fn encode(policy: &Value) -> String {
    fn values(value: &Value, pad: usize) -> String {
        let (inner, outer) = (" ".repeat(pad + 2), " ".repeat(pad));
        match value {
            Value::Array(items) => {
                let items: String = items.iter().map(|one| format!("{inner}{one},\n")).collect();
                format!("[\n{items}{outer}]")
            }
            Value::Object(entries) => {
                let entries: String = entries
                    .iter()
                    .map(|(key, value)| format!("{inner}{key:?} = {}\n", values(value, pad + 2)))
                    .collect();
                format!("{{\n{entries}{outer}}}")
            }
            one => one.to_string(),
        }
    }
    let mut out = "resource \"aws_iam_policy\" \"karpenter\" {\n  name = \"KarpenterController\"\n\n  policy = jsonencode({\n    Version = \"2012-10-17\"\n    Statement = [\n".to_owned();
    for (at, statement) in statements(policy) {
        let _ = writeln!(out, "      # remark {at}\n      {{");
        for (key, value) in statement {
            let _ = writeln!(out, "        {key} = {}", values(value, 8));
        }
        out.push_str("      },\n");
    }
    out.push_str("    ]\n  })\n}\n");
    out
}

fn heredoc(policy: &Value) -> String {
    format!(
        "# remark 0\nresource \"aws_iam_policy\" \"karpenter\" {{\n  name   = \"KarpenterController\"\n  policy = <<-EOT\n{}  EOT\n}}\n",
        indented(&pretty(policy), 4)
    )
}

fn blocks(policy: &Value) -> String {
    fn list(value: &Value) -> String {
        match value {
            Value::Array(items) if items.len() > 2 => {
                let items: String = items.iter().map(|one| format!("      {one},\n")).collect();
                format!("[\n{items}    ]")
            }
            Value::Array(_) => spaced(value),
            one => format!("[{one}]"),
        }
    }
    let mut out = "data \"aws_iam_policy_document\" \"karpenter\" {\n".to_owned();
    for (at, statement) in statements(policy) {
        let _ = writeln!(out, "  # remark {at}\n  statement {{");
        for (key, value) in statement {
            let text = match key.as_str() {
                "Sid" => format!("sid = {value}"),
                "Effect" => format!("effect = {value}"),
                "Action" => format!("actions = {}", list(value)),
                "Resource" => format!("resources = {}", list(value)),
                _ => continue,
            };
            let _ = writeln!(out, "    {text}");
        }
        let operators = statement.get("Condition").and_then(Value::as_object);
        for (operator, lines) in operators.into_iter().flatten() {
            for (key, value) in lines.as_object().unwrap() {
                let _ = writeln!(
                    out,
                    "    condition {{\n      test     = {operator:?}\n      variable = {key:?}\n      values   = {}\n    }}",
                    match value {
                        Value::Array(_) => spaced(value),
                        one => format!("[{one}]"),
                    }
                );
            }
        }
        out.push_str("  }\n\n");
    }
    out.truncate(out.trim_end().len());
    out.push_str("\n}\n\nresource \"aws_iam_policy\" \"karpenter\" {\n  name   = \"KarpenterController\"\n  policy = data.aws_iam_policy_document.karpenter.json\n}\n");
    out
}
