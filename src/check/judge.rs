//! Puts every authorisation of a version to the policies of one controller.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::eval::traced::Traced;
use crate::eval::{self, Decision, Layers, Open, decide, decide_asked};
use crate::extract::Unseen;
use crate::karpenter::{Entry, Need, Version};
use crate::policy::request::{Request, Status, Values};
use crate::policy::symbolic::Symbolic;

use super::cause::Near;
use super::denied::Limits;

/// The answer to one authorisation question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// AWS will allow it.
    Allowed,
    /// It hangs on something that nobody can know from the files.
    Unsettled,
    /// No statement grants it.
    ImplicitDeny,
    /// A Deny matches.
    ExplicitDeny,
}

/// What the controller is judged with, beside its policies.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Blind<'a> {
    /// Attached policies whose text is not here: each could grant what is missing.
    pub policies: &'a [Unseen],
    /// A boundary whose text is not here: it could take away what is granted.
    pub boundary: Option<&'a Unseen>,
}

/// One entry with its answer.
#[derive(Debug)]
pub(crate) struct Asked<'n, 'r> {
    /// The request that it belongs to.
    pub need: &'n Need<'r>,
    /// The entry.
    pub entry: &'n Entry<'r>,
    /// Its request, prepared for more questions.
    pub request: eval::Asked<'n>,
    /// The answer.
    pub answer: Answer,
    /// How the answer came about; only where it is not `Allowed`.
    pub trace: Option<Traced>,
    /// What has to change, once it was looked for: it is the same in all versions.
    pub near: OnceCell<Near>,
    /// The keys that limit it to this cluster, once somebody asked.
    pub wanted: OnceCell<Option<Limits>>,
    /// Why it is unsettled, beside what the trace says.
    pub reason: Option<Reason>,
}

/// Why an answer is unsettled although the policies that are here settle it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// An attached policy cannot be read.
    UnseenPolicy,
    /// The boundary cannot be read.
    UnseenBoundary,
    /// The rule data says that AWS's own behaviour is in dispute.
    Disputed(String),
}

impl Answer {
    /// As written in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Unsettled => "unsettled",
            Self::ImplicitDeny => "implicit-deny",
            Self::ExplicitDeny => "explicit-deny",
        }
    }

    /// Whether it is a certain no.
    #[must_use]
    pub fn is_denied(self) -> bool {
        matches!(self, Self::ImplicitDeny | Self::ExplicitDeny)
    }
}

/// What `version` asks.
pub(super) fn of<'a, 'n, 'r>(
    asked: &'a [Asked<'n, 'r>],
    version: Version,
) -> Vec<&'a Asked<'n, 'r>> {
    // Those of one request stand together.
    let requests = asked.chunk_by(|one, other| std::ptr::eq(one.need, other.need));
    let is_made =
        |own: &&[Asked<'_, '_>]| own.first().is_some_and(|first| first.need.is_made(version));
    let mut out = Vec::with_capacity(asked.len());
    for entries in requests.filter(is_made) {
        out.extend(entries.iter().filter(|asked| asked.entry.is_asked(version)));
    }
    out
}

impl Asked<'_, '_> {
    /// Whether the call fails without this entry.
    #[must_use]
    pub(super) fn is_must_have(&self) -> bool {
        !self.entry.optional
    }

    /// Whether the outcome of the call hangs on this entry: it must be had, or nobody knows whether it must.
    #[must_use]
    pub(super) fn counts(&self) -> bool {
        self.is_must_have() || matches!(self.reason, Some(Reason::Disputed(_)))
    }

    /// Keys and symbols that left the answer open.
    #[must_use]
    pub(super) fn open(&self) -> &[Open] {
        self.trace.as_ref().map_or(&[], |trace| trace.open.as_slice())
    }
}

/// Asks every entry of every need, in call order. `whens` are the keys of the conditions of templates on
/// which statements hang.
#[must_use]
pub(super) fn judge<'n, 'r>(
    layers: &Layers,
    needs: &'n [Need<'r>],
    blind: Blind<'_>,
    whens: &[String],
) -> Vec<Asked<'n, 'r>> {
    let entries = needs.iter().flat_map(|need| need.entries.iter().map(move |entry| (need, entry)));
    // They are large: a list that grows would move them again and again.
    let mut asked = Vec::with_capacity(needs.iter().map(|need| need.entries.len()).sum());
    asked.extend(entries.map(|(need, entry)| ask(layers, need, entry, blind, whens)));
    asked
}

fn ask<'n, 'r>(
    layers: &Layers,
    need: &'n Need<'r>,
    entry: &'n Entry<'r>,
    blind: Blind<'_>,
    whens: &[String],
) -> Asked<'n, 'r> {
    let mut request = Cow::Borrowed(&entry.request);
    let prepared = eval::Asked::new(&entry.request);
    let mut decision = decide_asked(layers, &prepared);
    if decision == Decision::Unsettled
        && let Some((certain, shown)) = in_every_case(layers, &request, whens)
    {
        (decision, request) = (certain, Cow::Owned(shown));
    }
    let (answer, reason) = match (decision, entry.disputed) {
        (Decision::Allowed, _) if blind.boundary.is_some() => {
            (Answer::Unsettled, Some(Reason::UnseenBoundary))
        }
        (Decision::Allowed, _) => (Answer::Allowed, None),
        // Whether AWS asks this at all is not known: where it does not, no Deny and no missing Allow matters.
        (_, Some(why)) => (Answer::Unsettled, Some(Reason::Disputed(why.to_owned()))),
        (Decision::ExplicitDeny, None) => (Answer::ExplicitDeny, None),
        (Decision::ImplicitDeny | Decision::Denied, None) if !blind.policies.is_empty() => {
            (Answer::Unsettled, Some(Reason::UnseenPolicy))
        }
        (Decision::ImplicitDeny | Decision::Denied, None) => (Answer::ImplicitDeny, None),
        (Decision::Unsettled, None) => (Answer::Unsettled, None),
    };
    let settled = decision != Decision::Unsettled;
    let trace = (answer != Answer::Allowed).then(|| Traced::new(layers, &request, settled));
    let (near, wanted) = (OnceCell::new(), OnceCell::new());
    Asked { need, entry, request: prepared, answer, trace, near, wanted, reason }
}

/// More cases than these are not tried: the answer stays open then, which is never wrong.
const MOST_CONDITIONS: usize = 6;

/// The decision, where it is the same however the conditions of the templates turn out, and a request
/// that shows it. The search for keys that are unknown does not do this where other things are
/// unknown as well.
fn in_every_case(
    layers: &Layers,
    request: &Request,
    whens: &[String],
) -> Option<(Decision, Request)> {
    if whens.is_empty() || whens.len() > MOST_CONDITIONS {
        return None;
    }
    let mut found: Option<(Decision, Request)> = None;
    for case in 0..1_usize << whens.len() {
        let mut asked = request.clone();
        for (at, key) in whens.iter().enumerate() {
            let status = match case >> at & 1 {
                0 => Status::Known(Values::One(Symbolic::literal("true"))),
                _ => Status::Absent,
            };
            asked.context.set(key.as_str().into(), status);
        }
        let decision = decide(layers, &asked);
        let same = match &found {
            None => decision != Decision::Unsettled,
            Some((before, _)) => {
                *before == decision || (before.is_denied() && decision.is_denied())
            }
        };
        if !same {
            return None;
        }
        let (before, _) = found.get_or_insert((decision, asked));
        if *before != decision {
            *before = Decision::Denied;
        }
    }
    found
}
