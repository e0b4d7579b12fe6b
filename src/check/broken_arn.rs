//! Resources that cannot be what they were meant to be: an ARN with a colon too few, or with a region or account
//! that its type has not got.

use crate::aws::{self, ResourceType};
use crate::karpenter::Entry;
use crate::policy::Statement;
use crate::policy::globs::{loosely, meet};
use crate::policy::request::Target;
use crate::policy::symbolic::{Piece, Symbolic};

use super::mismatch::segments;
use super::nearest::Misspelt;

/// The parts of an ARN in which its type decides whether anything stands there.
const REGION: usize = 3;
const ACCOUNT: usize = 4;
const PARTS: usize = 6;

/// A value of `Resource` that would cover what is asked for if it were well formed.
pub(super) fn broken_arn(statement: &Statement, entry: &Entry<'_>) -> Option<Misspelt> {
    let Target::Arn(arn) = &entry.request.resource else { return None };
    let element = statement.resource.as_ref().filter(|element| !element.negated)?;
    let service = aws::service(entry.request.action.split(':').next()?)?;
    let kind = service.resource_type(entry.resource_type)?;
    let needed = pattern(arn);
    let needed = segments(&needed);
    if needed.len() != PARTS {
        return None;
    }
    element.values.iter().find_map(|value| {
        let (written, loose) = (value.display(), loosely(value));
        if written.ends_with(":*") {
            return None;
        }
        let right =
            |parts: &[&str]| parts.iter().zip(&needed).all(|(own, needed)| fits(own, needed));
        let meant = mended(&segments(&written), &needed, kind);
        let mut meant = meant.into_iter().zip(mended(&segments(&loose), &needed, kind));
        let meant = meant.find(|(_, loose)| right(loose)).map(|(meant, _)| meant.join(":"))?;
        Some(Misspelt { rule: "invalid-arn", span: value.span, written, meant })
    })
}

/// An empty part is only what is empty.
fn fits(own: &str, needed: &str) -> bool {
    own.is_empty() == needed.is_empty() && meet(own, needed)
}

/// What an ARN that is not well formed may have been meant to be.
fn mended<'p>(written: &[&'p str], needed: &[&'p str], kind: &ResourceType) -> Vec<Vec<&'p str>> {
    if written.first() != Some(&"arn") {
        return Vec::new();
    }
    match written.len() {
        PARTS => {
            let mut parts = written.to_vec();
            for (at, is_there) in [(REGION, kind.has_region()), (ACCOUNT, kind.has_account())] {
                let Some((own, needed)) = parts.get_mut(at).zip(needed.get(at)) else { continue };
                if own.is_empty() == is_there {
                    *own = needed;
                }
            }
            if parts == written { Vec::new() } else { vec![parts] }
        }
        short if short == PARTS - 1 => (1..short)
            .filter_map(|at| {
                let (front, tail) = written.split_at_checked(at)?;
                Some([front, &[*needed.get(at)?], tail].concat())
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What is asked for, with `*` for what nobody knows.
fn pattern(arn: &Symbolic) -> String {
    let mut out = String::new();
    for piece in arn.pieces() {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Symbol(_) => out.push('*'),
        }
    }
    out
}
