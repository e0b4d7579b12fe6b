//! `invalid-principal`: who may be named, and where (IAM User Guide, *AWS JSON policy elements:
//! Principal*, *NotPrincipal*), and `Resource` in a trust policy, which has none.

use crate::check::words::code;
use crate::controller::DocumentKind;
use crate::finding::Severity;
use crate::policy::{Effect, Statement};
use crate::syntax::Text;

use super::{Found, Subject, help, meant};

const RULE: &str = "invalid-principal";

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    if subject.is_attached_to_principal() {
        return;
    }
    let trust = subject.document.kind == DocumentKind::Trust;
    for statement in subject.statements() {
        if trust {
            in_trust(statement, found);
        }
        let Some(principal) = &statement.principal else { continue };
        if principal.negated && statement.effect == Effect::Allow && !trust {
            let message = "everyone but those named is allowed, also callers without an account";
            let finding = found.add(RULE, Severity::Warning, principal.key, message.to_owned());
            help(finding, "name with `Principal` who is meant, or deny with `NotPrincipal`");
        }
        for (kind, value) in &principal.values {
            let Some(text) = value.as_literal() else { continue };
            match &**kind {
                "AWS" => by_arn(value, text, found),
                "Service" => service(value, text, found),
                "Federated" => federated(value, text, found),
                _ => {}
            }
        }
    }
}

fn in_trust(statement: &Statement, found: &mut Found<'_>) {
    if let Some(resource) = &statement.resource {
        let message = "a trust policy has no `Resource`: it covers the role that it is part of";
        let finding = found.add("syntax", Severity::Error, resource.key, message.to_owned());
        help(finding, "remove it");
    }
    if let Some(principal) = statement.principal.as_ref().filter(|principal| principal.negated) {
        let message = "a trust policy cannot have `NotPrincipal`".to_owned();
        let finding = found.add(RULE, Severity::Error, principal.key, message);
        help(finding, "name with `Principal` who may assume the role");
    }
}

fn by_arn(value: &Text, text: &str, found: &mut Found<'_>) {
    if text.contains(['*', '?']) {
        // A lone star is everyone; others are told where the document is read.
        return;
    }
    let is_account = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = text.len() >= 16
        && text.starts_with('A')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if is_id {
        let message = format!("{} is the id of a principal that was deleted", code(text));
        let finding = found.add(RULE, Severity::Warning, value.span, message);
        return help(
            finding,
            "name the principal by its ARN: a new one of that name has another id",
        );
    }
    if is_account || names_principal(text) {
        return;
    }
    let message = format!("{} is not an account, user, role or session", code(text));
    let finding = found.add(RULE, Severity::Error, value.span, message);
    let advice = if text.contains(":group/") {
        "a group cannot be a principal: name its users, or a role"
    } else if text.ends_with(".amazonaws.com") {
        "a service stands under `Service`, not under `AWS`"
    } else if text.contains("-provider/") {
        "an identity provider stands under `Federated`, not under `AWS`"
    } else {
        "write twelve digits, or an ARN such as `arn:aws:iam::111122223333:role/name`"
    };
    help(finding, advice);
}

/// Whether the ARN is of a kind that can call AWS.
fn names_principal(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (scheme, _, service, region, account, rest) =
        (next(), next(), next(), next(), next(), next());
    // CloudFront's identities have the account `cloudfront`.
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
        || account == "cloudfront";
    let is = |front: &str| rest.strip_prefix(front).is_some_and(|name| !name.is_empty());
    let kind = match service {
        "iam" => rest == "root" || is("user/") || is("role/"),
        "sts" => is("assumed-role/") || is("federated-user/") || rest == "self",
        _ => false,
    };
    scheme == "arn" && region.is_empty() && is_account && kind
}

/// Services are called `ec2.amazonaws.com`.
fn service(value: &Text, text: &str, found: &mut Found<'_>) {
    const TAIL: &str = ".amazonaws.com";
    if text == "*" || text.ends_with(TAIL) || text.ends_with(".amazonaws.com.cn") {
        return;
    }
    let near = match text.split_once('.') {
        None => Some(format!("{text}{TAIL}")),
        Some((name, tail)) => {
            let tail_distance = strsim::osa_distance(tail, "amazonaws.com");
            (tail.len() < 40 && tail_distance <= 2).then(|| format!("{name}{TAIL}"))
        }
    };
    // Other partitions have other names.
    if let Some(near) = near {
        let message = format!("{} is not the name of a service", code(text));
        let finding = found.add(RULE, Severity::Error, value.span, message);
        meant(finding, text, Some(&near));
    }
}

/// A domain, or the ARN of a provider.
fn federated(value: &Text, text: &str, found: &mut Found<'_>) {
    let is_provider = text.contains(":saml-provider/") || text.contains(":oidc-provider/");
    if text.starts_with("arn:") && !is_provider {
        let message = format!("{} is not an identity provider", code(text));
        let finding = found.add(RULE, Severity::Error, value.span, message);
        help(finding, "write the ARN of a `saml-provider` or an `oidc-provider`");
    }
}
