//! `invalid-arn`: resources that are no ARN, or one that AWS never makes (IAM User Guide, *Amazon
//! Resource Names*, *IAM JSON policy elements: Resource*; types are AWS's, *Service Authorization
//! Reference*).

use crate::aws;
use crate::check::words::code;
use crate::controller::DocumentKind;
use crate::finding::Severity;
use crate::policy::Version;
use crate::policy::condition::Kind;
use crate::policy::globs::{loosely, meet};
use crate::syntax::Text;
use crate::words::nearest_word;

use super::resources::Rest;
use super::right::About;
use super::{Found, Subject, help, meant};

const RULE: &str = "invalid-arn";

/// The partitions of AWS (*AWS General Reference*).
const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// Services whose resources all belong to an account, where the reference says so.
const ALWAYS_OWNED: [&str; 4] = ["ec2", "iam", "kms", "sqs"];

pub(super) fn check(subject: &Subject<'_>, found: &mut Found<'_>) {
    // Services that keep policies of their own take other forms too: `execute-api:/stage/GET`.
    if subject.document.kind != DocumentKind::Resource {
        let elements = subject.statements().filter_map(|statement| statement.resource.as_ref());
        // Where variables may stand hangs on the version.
        let check = if subject.policy.version == Version::V2012 { b'a' } else { b'A' };
        for value in elements.flat_map(|element| &element.values) {
            if !subject.asking.is_right(check, &[About::Text(value)]) {
                resource(subject, value, found);
            }
        }
    }
    for line in &subject.lines {
        if line.operator.is_some_and(|operator| operator.kind == Kind::Arn) {
            for value in &line.condition.values {
                compared(line, value, found);
            }
        }
    }
}

/// A value under an `Arn…` operator has six segments, or is `*`.
fn compared(line: &super::Line<'_>, value: &Text, found: &mut Found<'_>) {
    let Some(text) = value.as_literal().filter(|text| !text.contains("${")) else { return };
    if text.splitn(6, ':').count() == 6 || text.bytes().all(|byte| byte == b'*') {
        return;
    }
    let operator = line.condition.operator.display();
    let message =
        format!("{} has less than the six parts that {} compares", code(text), code(&operator));
    let finding = found.add_to_line(RULE, Severity::Warning, (line.condition, value.span), message);
    help(finding, "an ARN is `arn:partition:service:region:account:resource`");
}

fn resource(subject: &Subject<'_>, value: &Text, found: &mut Found<'_>) {
    let text = loosely(value);
    // Told as `empty-element`; or it may be anything.
    if text.is_empty() || text.starts_with(['*', '?']) || found.speaks_of(value.span) {
        return;
    }
    if let Some(written) = value.as_literal().filter(|text| text.trim() != *text) {
        let message = format!("{} has white space around it, so it matches nothing", code(written));
        let finding = found.add(RULE, Severity::Warning, value.span, message);
        return meant(finding, written, Some(written.trim()));
    }
    if !text.starts_with("arn:") && !meet("arn:*", &text) {
        let message =
            format!("{} is neither an ARN nor `*`, and AWS refuses it", code(&value.display()));
        let finding = found.add(RULE, Severity::Error, value.span, message);
        return help(finding, "an ARN is `arn:partition:service:region:account:resource`");
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [_, partition, service, region, account, rest] = parts.as_slice() else {
        return short(value, &text, found);
    };
    if early_variable(subject, value, found) {
        return;
    }
    if !has_wildcard(partition) && !PARTITIONS.contains(partition) {
        let message = format!("{} is not a partition of AWS", code(partition));
        let finding = found.add(RULE, Severity::Error, value.span, message);
        let near = nearest_word(partition, PARTITIONS.into_iter());
        return meant(finding, partition, near);
    }
    if misnamed_service(value, service, found) || misnamed_place(value, region, account, found) {
        return;
    }
    by_type(value, (service, region, account, rest), found);
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// Too few parts. With a final `*` they cover the rest: `arn:aws:ec2:*`, `arn:aws:ec2:us-*`.
fn short(value: &Text, text: &str, found: &mut Found<'_>) {
    // A placeholder may hold colons.
    if value.as_literal().is_none() || text.contains("${") {
        return;
    }
    let form = "`arn:partition:service:region:account:resource`";
    let nothing = ("so it matches nothing", format!("an ARN is {form}"));
    let (severity, (therefore, advice)) = match (text.ends_with('*'), text.split_once('/')) {
        (true, None) => return,
        // None of the first five parts of an ARN holds a slash.
        (true, Some((front, _))) if has_wildcard(front) => {
            let advice = format!("AWS's pages do not agree that one does: write {form}");
            (Severity::Warning, ("so a wildcard would have to reach past a colon", advice))
        }
        (true, Some(_)) => (Severity::Warning, nothing),
        (false, _) => (Severity::Error, nothing),
    };
    let count = text.split(':').count();
    let message = format!("{} has {count} of the six parts of an ARN, {therefore}", code(text));
    help(found.add(RULE, severity, value.span, message), advice);
}

/// Policy variables stand only behind the fifth colon (*Variables and tags*).
fn early_variable(subject: &Subject<'_>, value: &Text, found: &mut Found<'_>) -> bool {
    if subject.policy.version != Version::V2012 {
        return false;
    }
    let Some(text) = value.as_literal() else { return false };
    let Some(at) = text.find("${") else { return false };
    // A variable has a colon of its own, but behind the brace.
    if text.get(..at).is_none_or(|front| front.matches(':').count() >= 5) {
        return false;
    }
    let Some(name) = super::variables::in_text(value).find(|name| aws::key_exists(name)) else {
        return false;
    };
    let message = format!(
        "{} stands in front of the resource part, where it is plain text",
        code(&format!("${{{name}}}"))
    );
    let finding = found.add(RULE, Severity::Warning, value.span, message);
    help(finding, "variables work only behind the fifth colon: write `*` here");
    true
}

fn misnamed_service(value: &Text, service: &str, found: &mut Found<'_>) -> bool {
    if has_wildcard(service) || service.is_empty() {
        return false;
    }
    let (severity, message, near) = if service.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let lower = service.to_ascii_lowercase();
        let message =
            format!("services in ARNs are lower case, so {} matches nothing", code(service));
        (Severity::Warning, message, Some(lower))
    } else {
        // Names in ARNs are not all prefixes of actions, so only what is nearly one is told.
        if service.len() < 3 || aws::service_exists(service) {
            return false;
        }
        let near = aws::services().find(|known| {
            known.len().abs_diff(service.len()) <= 1
                && known.len() > 2
                && strsim::osa_distance(known, service) == 1
        });
        let Some(near) = near else { return false };
        let message = format!("{} is not a service that karplint knows", code(service));
        (Severity::Note, message, Some(near.to_owned()))
    };
    meant(found.add(RULE, severity, value.span, message), service, near.as_deref());
    true
}

/// Regions are `us-east-1`, accounts have twelve digits.
fn misnamed_place(value: &Text, region: &str, account: &str, found: &mut Found<'_>) -> bool {
    let is_letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !region.is_empty() && !has_wildcard(region) && region.bytes().any(|b| b.is_ascii_digit()) {
        let parts: Vec<&str> = region.split('-').collect();
        let well_formed = matches!(parts.as_slice(),
            [front @ .., last] if front.len() >= 2 && is_number(last) && front.iter().all(|part| is_letters(part)));
        if !well_formed {
            let message = format!("{} is not a region", code(region));
            let finding = found.add(RULE, Severity::Warning, value.span, message);
            let zone = region.trim_end_matches(|c: char| c.is_ascii_lowercase());
            let is_zone = zone.len() + 1 == region.len() && zone.matches('-').count() >= 2;
            meant(finding, region, is_zone.then_some(zone));
            return true;
        }
    }
    let digits = account.bytes().filter(u8::is_ascii_digit).count();
    let is_digits = digits > 0 && account.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_digits && (digits != 12 || account.len() != 12) {
        let message = format!("{} is not an account: those are twelve digits", code(account));
        let finding = found.add(RULE, Severity::Warning, value.span, message);
        let plain: String = account.chars().filter(char::is_ascii_digit).collect();
        meant(finding, account, (digits == 12).then_some(&plain));
        return true;
    }
    false
}

/// Against the types that the service has.
fn by_type(
    value: &Text,
    (service, region, account, rest): (&str, &str, &str, &str),
    found: &mut Found<'_>,
) {
    if service == "s3" {
        return bucket(value, region, account, rest, found);
    }
    // The reference does not list sessions and the like.
    let Some(known) = aws::service(service).filter(|known| *known.name != *"sts") else { return };
    let mut mismatch: Option<&'static str> = None;
    let mut any = false;
    let pattern = Rest::new(rest);
    for kind in known.types().iter().filter(|kind| kind.service() == Some(service)) {
        any = true;
        if !pattern.fits(kind) {
            continue;
        }
        let wrong = place_mismatch(region, kind.has_region(), "region")
            .or_else(|| place_mismatch(account, kind.has_account(), "account"))
            // What AWS itself owns has no account: `arn:aws:ssm:us-east-1::parameter/aws/service/*`.
            .filter(|wrong| wrong.starts_with("no") || ALWAYS_OWNED.contains(&service));
        match wrong {
            None => return,
            Some(wrong) => mismatch = mismatch.or(Some(wrong)),
        }
    }
    match mismatch {
        Some(wrong) => {
            let refused = service == "iam" && wrong.starts_with("no region");
            let severity = if refused { Severity::Error } else { Severity::Warning };
            let message =
                format!("{} matches nothing: such an ARN has {wrong}", code(&value.display()));
            let finding = found.add(RULE, severity, value.span, message);
            let advice = match wrong {
                "no region" => "leave the region empty: two colons side by side",
                "no account" => "leave the account empty: two colons side by side",
                "a region" => "write the region, or `*`",
                _ => "write the account, or `*`",
            };
            help(finding, advice);
        }
        None if any => unknown_type(value, known, rest, found),
        None => {}
    }
}

/// What is wrong with a region or account for a type, if it is certain.
fn place_mismatch(written: &str, listed: bool, what: &str) -> Option<&'static str> {
    match (written.is_empty(), listed, what) {
        (true, true, "region") => Some("a region"),
        (true, true, _) => Some("an account"),
        // A lone `*` matches nothing at all too.
        (false, false, "region") if !has_wildcard(written) => Some("no region"),
        (false, false, _) if !has_wildcard(written) => Some("no account"),
        _ => None,
    }
}

fn unknown_type(value: &Text, service: &aws::Service, rest: &str, found: &mut Found<'_>) {
    let kind = rest.split(['/', ':']).next().unwrap_or_default();
    if has_wildcard(kind) || kind.is_empty() {
        return;
    }
    let words = service.types().iter().filter_map(|kind| {
        kind.resource()?.split(['/', ':']).next().filter(|word| !word.contains('$'))
    });
    let near = nearest_word(kind, words);
    let severity = if near.is_some() { Severity::Warning } else { Severity::Note };
    let message = match near {
        Some(_) => format!("{} has no resources of type {}", code(&service.name), code(kind)),
        None => format!(
            "{} has no resources of type {} in AWS's list of {}",
            code(&service.name),
            code(kind),
            aws::DATE
        ),
    };
    meant(found.add(RULE, severity, value.span, message), kind, near);
}

/// A bucket is named without region and account; access points and the like have both (*Amazon S3 resources*).
fn bucket(value: &Text, region: &str, account: &str, rest: &str, found: &mut Found<'_>) {
    const WITH_BOTH: [&str; 7] = [
        "accesspoint",
        "job",
        "storage-lens",
        "storage-lens-group",
        "async-request",
        "access-grants",
        "accesspointobject",
    ];
    let kind = rest.split(['/', ':']).next().unwrap_or_default();
    let given = |text: &str| !text.is_empty() && !has_wildcard(text);
    if has_wildcard(kind) || WITH_BOTH.contains(&kind) || !(given(region) || given(account)) {
        return;
    }
    let message = format!(
        "{} matches nothing: the ARN of a bucket has no region and no account",
        code(&value.display())
    );
    let finding = found.add(RULE, Severity::Warning, value.span, message);
    help(finding, format!("write `arn:aws:s3:::{rest}`"));
}
