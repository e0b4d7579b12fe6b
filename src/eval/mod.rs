//! Answers in three values what policies say of a request (IAM User Guide, *Policy evaluation logic*).
//!
//! A policy is [`Compiled`] once and asked many times, on its own or as part of [`Layers`]. [`decide`]
//! gives the decision and stops as soon as it is certain; [`trace()`] looks at every element of every
//! statement and keeps why. This room knows nothing of Karpenter, files or reports.

mod attached;
mod compile;
mod enumerate;
mod index;
mod matched;
mod operators;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod trace;
#[cfg(feature = "cli")]
pub(crate) mod traced;
#[cfg(feature = "cli")]
pub(crate) mod usage;

use std::sync::Arc;

pub use crate::policy::principal::{Caller, Naming};
pub use crate::policy::tri::Tri;
pub use attached::Attached;
pub use compile::Compiled;
pub use enumerate::{Assignment, possible};
pub use matched::{Match, Part, matched};
/// Whether a `Numeric…` operator can read the text.
#[must_use]
pub fn is_number(text: &str) -> bool {
    operators::numbers::Decimal::parse(text).is_some()
}

/// Whether a `Date…` operator can read the text.
#[must_use]
pub fn is_date(text: &str) -> bool {
    operators::dates::Instant::parse(text).is_some()
}

/// Whether an `IpAddress` operator can read the text.
#[must_use]
pub fn is_address(text: &str) -> bool {
    operators::addresses::Cidr::parse(text).is_some()
}

pub use trace::{
    AttachedTrace, Layer, LayerTrace, LineTrace, Open, StatementTrace, Trace, Why, trace,
};

use crate::policy::request::Request;
use crate::policy::{Effect, Policy};
pub(crate) use compile::Asked;
#[cfg(feature = "cli")]
pub(crate) use operators::{Line, SEVERAL};

/// How to answer where AWS's documents are silent or contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Readings {
    /// With the reading that is taken to be right: every known request has a known answer.
    #[default]
    Settled,
    /// With [`Tri::Unknown`], where sources contradict each other: a `*` at the end of an ARN segment
    /// that would have to reach past a colon; `ForAnyValue:…IfExists` without the key; `Null` and set operators on
    /// values that are all empty; several values without a set operator.
    Open,
}

/// The documents that bind one principal.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Identity policies, united: some must allow.
    pub identity: Vec<Arc<Compiled>>,
    /// The permissions boundary, if there is one: it must allow, and never grants.
    pub boundary: Option<Vec<Arc<Compiled>>>,
    /// The levels of service control policies, from the root to the account: each must allow. No level
    /// is no limit; a level without documents allows nothing.
    pub service_control: Vec<Vec<Arc<Compiled>>>,
    /// Session policies, if the session has any, united: some must allow, and none grants.
    pub session: Option<Vec<Arc<Compiled>>>,
    /// The policy of the resource, and who asks.
    pub attached: Option<Attached>,
}

impl Layers {
    /// Identity policies alone: no boundary, no service control or session policies, no policy of the
    /// resource. These can be added, they are plain fields.
    ///
    /// # Examples
    /// ```
    /// use karplint::{Compiled, Decision, Layers, Policy, Request, evaluate};
    ///
    /// let all = Policy::parse(
    ///     r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
    /// )?;
    /// let reading = Policy::parse(
    ///     r#"{"Statement": {"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}}"#,
    /// )?;
    /// let mut layers = Layers::of_identity([&all]);
    /// layers.boundary = Some(vec![Compiled::from(&reading).into()]);
    ///
    /// let request = |action| Request::new(action, "*");
    /// assert_eq!(evaluate(&layers, &request("ec2:DescribeSubnets")), Decision::Allowed);
    /// assert_eq!(evaluate(&layers, &request("ec2:CreateFleet")), Decision::ImplicitDeny);
    /// # Ok::<(), karplint::ParseError>(())
    /// ```
    #[must_use]
    pub fn of_identity<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> Self {
        let identity = policies.into_iter().map(|policy| Arc::new(Compiled::from(policy)));
        Self { identity: identity.collect(), ..Self::default() }
    }

    /// The layers on the caller's side, in the order in which they are looked at.
    fn of_caller(&self) -> impl Iterator<Item = (Layer, &Vec<Arc<Compiled>>)> {
        let boundary = self.boundary.iter().map(|policies| (Layer::Boundary, policies));
        let levels = self.service_control.iter().enumerate();
        let levels = levels.map(|(level, policies)| (Layer::ServiceControl(level), policies));
        let session = self.session.iter().map(|policies| (Layer::Session, policies));
        std::iter::once((Layer::Identity, &self.identity))
            .chain(boundary)
            .chain(levels)
            .chain(session)
    }
}

/// What the layers say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Decision {
    /// Certainly allowed.
    Allowed,
    /// Certainly denied, for want of a statement that allows it.
    ImplicitDeny,
    /// Certainly denied, by a statement that denies it.
    ExplicitDeny,
    /// Certainly denied; whether a statement denies it hangs on something unknown.
    Denied,
    /// It hangs on something unknown.
    Unsettled,
}

impl Decision {
    /// The decision, from whether a statement denies and whether every layer that must allow does.
    #[must_use]
    pub fn new(deny: Tri, allow: Tri) -> Self {
        match (deny, allow) {
            // A denial in any layer outranks all else.
            (Tri::True, _) => Self::ExplicitDeny,
            (Tri::False, Tri::True) => Self::Allowed,
            (Tri::False, Tri::False) => Self::ImplicitDeny,
            // What is unknown of an Allow can only withdraw the permission.
            (Tri::False, Tri::Unknown) => Self::Unsettled,
            // Without a permission it is denied, whatever the Deny turns out to be.
            (Tri::Unknown, Tri::False) => Self::Denied,
            // Allowed, unless the Deny holds.
            (Tri::Unknown, Tri::True | Tri::Unknown) => Self::Unsettled,
        }
    }

    /// Whether the request is certainly denied.
    #[must_use]
    pub fn is_denied(self) -> bool {
        matches!(self, Self::ImplicitDeny | Self::ExplicitDeny | Self::Denied)
    }
}

/// What the layers say of `request`.
///
/// # Examples
/// ```
/// use karplint::{Decision, Layers, Policy, Request, evaluate};
///
/// let policy = Policy::parse(
///     r#"{"Statement": [
///         {"Effect": "Allow", "Action": "*", "Resource": "*"},
///         {"Effect": "Deny", "Action": "*", "Resource": "*",
///          "Condition": {"Bool": {"aws:SecureTransport": false}}}
///     ]}"#,
/// )?;
/// let layers = Layers::of_identity([&policy]);
/// let request = Request::new("ec2:CreateFleet", "*");
/// assert_eq!(evaluate(&layers, &request), Decision::Allowed);
/// let plain = request.clone().with("aws:SecureTransport", "false");
/// assert_eq!(evaluate(&layers, &plain), Decision::ExplicitDeny);
/// let unknown = request.with_unknown("aws:SecureTransport");
/// assert_eq!(evaluate(&layers, &unknown), Decision::Unsettled);
/// # Ok::<(), karplint::ParseError>(())
/// ```
#[must_use]
pub fn decide(layers: &Layers, request: &Request) -> Decision {
    decide_asked(layers, &Asked::new(request))
}

/// [`decide`] for a request that is prepared.
pub(crate) fn decide_asked(layers: &Layers, asked: &Asked<'_>) -> Decision {
    match kleene(layers, asked) {
        // Each line alone leaves it open; all of them together may not.
        Decision::Unsettled => trace(layers, asked.request).decision,
        decision => decision,
    }
}

/// [`decide`] without a second look at unknown keys: for less, and unsettled more often.
#[cfg(feature = "cli")]
pub(crate) fn decide_plainly(layers: &Layers, request: &Request) -> Decision {
    kleene(layers, &Asked::new(request))
}

/// [`decide`] in three values, statement by statement, without a second look at unknown keys.
pub(crate) fn kleene(layers: &Layers, asked: &Asked<'_>) -> Decision {
    let (deny, allow) = kleene_says(layers, asked);
    Decision::new(deny, allow)
}

/// The decisions that three values leave possible, sorted. One of them may be impossible after all, for
/// keys that are asked about more than once; [`possible`] is exact, where it can tell.
#[must_use]
pub fn conceivable(layers: &Layers, request: &Request) -> Vec<Decision> {
    let (deny, allow) = kleene_says(layers, &Asked::new(request));
    let all = [
        (Decision::Allowed, deny != Tri::True && allow != Tri::False),
        (Decision::ImplicitDeny, deny != Tri::True && allow != Tri::True),
        (Decision::ExplicitDeny, deny != Tri::False),
    ];
    all.into_iter().filter(|(_, may_be)| *may_be).map(|(decision, _)| decision).collect()
}

/// Whether a statement denies, and whether all that must allow do; the second may be anything where
/// a statement certainly denies.
fn kleene_says(layers: &Layers, asked: &Asked<'_>) -> (Tri, Tri) {
    let says = |policies: &[Arc<Compiled>], effect| {
        Tri::any(policies.iter().map(|policy| policy.says(effect, asked)))
    };
    let limits = || layers.boundary.iter().chain(&layers.session);
    let control = || layers.service_control.iter();
    let all = || std::iter::once(&layers.identity).chain(limits()).chain(control());
    let deny = Tri::any(all().map(|policies| says(policies, Effect::Deny)));
    if deny == Tri::True {
        return (deny, Tri::Unknown);
    }
    let Some(attached) = &layers.attached else {
        return (deny, Tri::all(all().map(|policies| says(policies, Effect::Allow))));
    };
    let granted = attached.says(asked, layers.boundary.is_some());
    let own = attached::Own {
        identity: says(&layers.identity, Effect::Allow),
        limits: Tri::all(limits().map(|policies| says(policies, Effect::Allow))),
    };
    let control = Tri::all(control().map(|policies| says(policies, Effect::Allow)));
    let allow = control.and(attached.allows(asked.request, own, granted.allow));
    (deny.or(granted.deny), allow)
}
