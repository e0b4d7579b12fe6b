//! A CloudFormation template: managed policies, and the roles and the queue's policy where these are
//! wanted too. A map stands for a document; where only the deployment knows what a condition key is
//! called, JSON text under `!Sub`, as no map can have such a key.

use crate::generate::statement::{Document, DocumentKind, Statement};
use crate::policy::symbolic::Symbolic;

use super::tree::{Entry, Tree, statement, whole};
use super::yaml::Writer;
use super::{Name, Names, json, queue_url};

/// The template.
#[must_use]
pub fn template(documents: &[Document], names: &Names, head: &[String]) -> String {
    let writer = Writer { names };
    let mut out = String::new();
    for line in head {
        out.push_str(&format!("# {line}\n"));
    }
    out.push_str("AWSTemplateFormatVersion: \"2010-09-09\"\n");
    let asked = names.asked_by(documents);
    let own: Vec<Name> = asked.into_iter().filter(|name| !name.parameter().contains(':')).collect();
    if !own.is_empty() {
        out.push_str("Parameters:\n");
        for name in own {
            let (parameter, (_, meaning)) = (name.parameter(), name.variable());
            out.push_str(&format!("  {parameter}:\n    Type: String\n"));
            out.push_str(&format!("    Description: {meaning}\n"));
        }
    }
    out.push_str("Resources:\n");
    let controllers: Vec<String> = documents
        .iter()
        .filter(|document| document.kind == DocumentKind::Controller)
        .map(logical)
        .collect();
    for document in documents {
        resource(document, &controllers, &writer, &mut out);
    }
    out
}

/// The name of a resource inside the template: that of the policy, without the cluster's.
fn logical(document: &Document) -> String {
    match document.kind {
        DocumentKind::Controller => {
            let name = document.stem.trim_start_matches("KarpenterController");
            if name == "Policy" { document.stem.clone() } else { name.to_owned() }
        }
        DocumentKind::Trust | DocumentKind::Node => document.stem.clone(),
        DocumentKind::Queue => "KarpenterInterruptionQueuePolicy".to_owned(),
    }
}

fn resource(document: &Document, controllers: &[String], writer: &Writer<'_>, out: &mut String) {
    let name = writer.text(&document.name);
    out.push_str(&format!("  {}:\n", logical(document)));
    match document.kind {
        DocumentKind::Controller => {
            out.push_str("    Type: AWS::IAM::ManagedPolicy\n    Properties:\n");
            out.push_str(&format!("      ManagedPolicyName: {name}\n"));
            policy("PolicyDocument", document, writer, out);
        }
        DocumentKind::Trust | DocumentKind::Node => {
            out.push_str("    Type: AWS::IAM::Role\n    Properties:\n");
            out.push_str(&format!("      RoleName: {name}\n"));
            policy("AssumeRolePolicyDocument", document, writer, out);
            let refs = controllers.iter().map(|policy| format!("!Ref {policy}"));
            let attached = document.attached.iter().map(|arn| writer.text(arn));
            let all: Vec<String> = match document.kind {
                DocumentKind::Trust => refs.collect(),
                _ => attached.collect(),
            };
            if !all.is_empty() {
                out.push_str("      ManagedPolicyArns:\n");
                for arn in all {
                    out.push_str(&format!("        - {arn}\n"));
                }
            }
        }
        DocumentKind::Queue => {
            out.push_str("    Type: AWS::SQS::QueuePolicy\n    Properties:\n      Queues:\n");
            out.push_str(&format!("        - {}\n", writer.text(&queue_url(&document.name))));
            policy("PolicyDocument", document, writer, out);
        }
    }
}

fn policy(key: &str, document: &Document, writer: &Writer<'_>, out: &mut String) {
    let in_key = |statement: &Statement| {
        statement.conditions.iter().any(|line| line.key.symbols().next().is_some())
    };
    if document.statements.iter().any(in_key) {
        for statement in &document.statements {
            for comment in statement.comments() {
                out.push_str(&format!("      # {}: {comment}\n", statement.sid));
            }
        }
        out.push_str(&format!("      {key}: !Sub |\n"));
        let names = writer.names;
        let fill = |text: &Symbolic| {
            let escape = |text: &str| json::escape(&text.replace("${", "${!"));
            names.fill(text, escape, |name| format!("${{{}}}", name.parameter()))
        };
        let mut text = String::new();
        json::pretty(&whole(document), 0, &fill, &mut text);
        for line in text.lines() {
            out.push_str(&format!("        {line}\n"));
        }
        return;
    }
    out.push_str(&format!("      {key}:\n"));
    let Tree::Map(entries) = whole(document) else { return };
    for Entry { key, value } in &entries {
        let key = writer.text(key);
        match value {
            // A date to a reader that guesses types, but for its quotes.
            Tree::Text(text) => out.push_str(&format!("        {key}: {}\n", writer.text(text))),
            _ => out.push_str(&format!("        {key}:\n")),
        }
    }
    for one in &document.statements {
        for comment in one.comments() {
            out.push_str(&format!("          # {comment}\n"));
        }
        writer.item(&statement(one), 5, out);
    }
}
