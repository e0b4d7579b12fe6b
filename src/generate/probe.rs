//! Requests that lie just outside of what Karpenter asks: the same, but for one key of a condition or
//! one part of the resource. A policy that is least denies them all.

use crate::karpenter::{Entry, Need};
use crate::policy::request::{Key, Request, Status, Target, Values};
use crate::policy::symbolic::{Piece, Symbolic};

use super::statement::{Line, arn_parts};

/// A request that nobody needs, and what in it is not Karpenter's.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The request.
    pub request: Request,
    /// `another aws:RequestTag/…`, for people.
    pub with: String,
}

/// A value that no installation has.
const STRANGE: &str = "somebody-elses";

/// The requests that differ from one of Karpenter's in the key of a condition line: another value, none.
#[must_use]
pub fn of_line(request: &Request, line: &Line, name: &str) -> Vec<Probe> {
    let key = Key::new(&line.key);
    let Some(sent @ Status::Known(_)) = request.context.listed(&key) else { return Vec::new() };
    let probe = |status: Status, with: String| {
        let mut request = request.clone();
        // What AWS calls by two names has one value.
        for key in twins(&line.key) {
            if request.context.listed(&Key::new(&key)).is_some() {
                request.context.set(Key::new(&key), status.clone());
            }
        }
        Probe { request, with }
    };
    if let Status::Known(Values::Many(values)) = sent {
        let mut more = values.clone();
        more.push(Symbolic::literal(STRANGE));
        return vec![probe(Status::Known(Values::Many(more)), format!("more {name}"))];
    }
    let other = match line.operator {
        "Bool" => "false",
        _ => STRANGE,
    };
    let other = Status::Known(Values::One(Symbolic::literal(other)));
    let mut out = vec![probe(Status::Absent, format!("without {name}"))];
    if line.operator != "StringLike" {
        out.insert(0, probe(other, format!("another {name}")));
    }
    out
}

/// A key with the other names that AWS has for it.
fn twins(key: &Symbolic) -> Vec<Symbolic> {
    let mut out = vec![key.clone()];
    let Some((Piece::Literal(first), rest)) = key.pieces().split_first() else { return out };
    if let Some(tag) = first.strip_prefix("aws:ResourceTag/") {
        for family in ["ec2:ResourceTag/", "iam:ResourceTag/"] {
            let mut twin = Symbolic::literal(&format!("{family}{tag}"));
            for piece in rest {
                match piece {
                    Piece::Literal(text) => twin.push_str(text),
                    Piece::Symbol(symbol) => twin.push_symbol(*symbol),
                }
            }
            out.push(twin);
        }
    }
    out
}

/// The same request for a resource that is not Karpenter's: of another account, of another region, of
/// another name.
#[must_use]
pub fn of_resource(entry: &Entry<'_>) -> Vec<Probe> {
    let Target::Arn(arn) = &entry.request.resource else { return Vec::new() };
    let Some(tail) = arn.arn_tail() else { return Vec::new() };
    let parts = arn_parts(arn);
    let [_, partition, service, region, account, _] = parts.as_slice() else { return Vec::new() };
    let build = |region: &Symbolic, account: &Symbolic, tail: &Symbolic| {
        let mut out = Symbolic::literal("arn:");
        for (at, part) in [partition, service, region, account, tail].into_iter().enumerate() {
            out.push_str(if at > 0 { ":" } else { "" });
            out.push(part);
        }
        out
    };
    let mut out = Vec::new();
    let mut add = |arn: Symbolic, with: &str| {
        let request = Request { resource: Target::Arn(arn), ..entry.request.clone() };
        out.push(Probe { request, with: with.to_owned() });
    };
    if !region.is_empty() {
        add(build(&Symbolic::literal("xx-nowhere-1"), account, &tail), "in another region");
    }
    if !account.is_empty() {
        add(build(region, &Symbolic::literal("000000000000"), &tail), "of another account");
    }
    // What has a name of its own, and not only an id that nobody knows.
    if let Some(Piece::Literal(front)) = tail.pieces().first()
        && !front.ends_with('*')
        && let Some((kind, _)) = front.split_once('/').filter(|(_, rest)| !rest.is_empty())
    {
        add(
            build(region, account, &Symbolic::literal(&format!("{kind}/{STRANGE}"))),
            "of another name",
        );
    }
    if tail.as_literal().is_some_and(|name| !name.contains('/')) {
        add(build(region, account, &Symbolic::literal(STRANGE)), "of another name");
    }
    out
}

/// All entries that are asked, in call order.
pub fn entries<'n, 'r>(needs: &'n [Need<'r>]) -> impl Iterator<Item = &'n Entry<'r>> {
    needs.iter().flat_map(|need| &need.entries)
}
