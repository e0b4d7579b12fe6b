//! The other side of a request: the policy that is attached to the resource, and whose accounts meet
//! (IAM User Guide, *Policy evaluation logic*, *Cross-account policy evaluation logic*).

use std::sync::Arc;

use super::Tri;
use super::compile::{Asked, Compiled, Prepared};
use crate::policy::Effect;
use crate::policy::principal::{Caller, Naming};
use crate::policy::request::{Request, Target};
use crate::policy::symbolic::Piece;

/// What is attached to the resource, and who asks. Without it a request is one within an account, on a
/// resource that has no policy.
///
/// # Examples
/// ```
/// use karplint::{Attached, Caller, Compiled, Decision, Layers, Policy, Request, evaluate};
///
/// let queue = Policy::parse(
///     r#"{"Statement": {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
///                       "Principal": {"AWS": "arn:aws:iam::111122223333:user/alice"}}}"#,
/// )?;
/// let mut layers = Layers::default();
/// layers.attached = Some(Attached {
///     policy: Some(Compiled::from(&queue).into()),
///     caller: Caller::parse("arn:aws:iam::111122223333:user/alice"),
///     owner: None,
/// });
/// let send = |arn| Request::new("sqs:SendMessage", arn);
/// // Within an account the policy of the queue suffices; from another one both sides must allow.
/// assert_eq!(evaluate(&layers, &send("arn:aws:sqs:eu-west-1:111122223333:q")), Decision::Allowed);
/// assert_eq!(evaluate(&layers, &send("arn:aws:sqs:eu-west-1:999988887777:q")), Decision::ImplicitDeny);
/// # Ok::<(), karplint::ParseError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Attached {
    /// The policy of the resource, if it has one.
    pub policy: Option<Arc<Compiled>>,
    /// Who asks; `None` for a caller that nobody knows, in the account of the resource.
    pub caller: Option<Caller>,
    /// The account of resources whose ARN names none; `None` for that of the caller.
    pub owner: Option<Box<str>>,
}

/// What the policy of the resource says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) deny: Tri,
    pub(crate) allow: Naming,
}

/// What the other layers say, service control policies aside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Own {
    pub(crate) identity: Tri,
    /// Boundary and session policies.
    pub(crate) limits: Tri,
}

impl Attached {
    /// What the policy says of the request; `bounded` says whether the caller has a boundary.
    pub(crate) fn says(&self, asked: &Asked<'_>, bounded: bool) -> Granted {
        let mut out = Granted { deny: Tri::False, allow: Naming::NONE };
        let statements = self.policy.iter().flat_map(|policy| &policy.statements);
        for statement in statements {
            let (naming, about) = self.names(statement, bounded);
            if about == Tri::False {
                continue;
            }
            let matches = statement.matches(asked);
            match statement.effect {
                Effect::Allow => out.allow = out.allow.or(naming.and(matches)),
                Effect::Deny => out.deny = out.deny.or(about.and(matches)),
            }
        }
        out
    }

    /// How a statement names the caller, and whether it is about the caller at all.
    pub(crate) fn names(&self, statement: &Prepared, bounded: bool) -> (Naming, Tri) {
        let Some(principal) = &statement.principal else { return (Naming::NONE, Tri::False) };
        match statement.effect {
            Effect::Allow => {
                let naming = principal.allow(self.caller.as_ref());
                (naming, naming.any())
            }
            Effect::Deny => (Naming::NONE, principal.deny(self.caller.as_ref(), bounded)),
        }
    }

    /// Whether caller and resource belong to one account.
    pub(crate) fn same_account(&self, request: &Request) -> Tri {
        let Some(caller) = &self.caller else { return Tri::True };
        let same = |owner: &str| Tri::from(owner == caller.account());
        match &request.resource {
            Target::Arn(arn) => {
                let (front, whole) = match arn.pieces() {
                    [Piece::Literal(front), rest @ ..] => (&**front, rest.is_empty()),
                    [] => ("", true),
                    [Piece::Symbol(_), ..] => ("", false),
                };
                let mut parts = front.splitn(6, ':');
                match (parts.nth(4), parts.next(), whole) {
                    (Some(account), Some(_), _) if is_account(account) => same(account),
                    (Some(_), Some(_), _) | (_, _, true) => self.owned(caller),
                    // The account is not among what is known of the ARN.
                    _ => Tri::Unknown,
                }
            }
            Target::Any => self.owned(caller),
        }
    }

    fn owned(&self, caller: &Caller) -> Tri {
        self.owner.as_ref().is_none_or(|owner| **owner == *caller.account()).into()
    }

    /// Whether the request is allowed, service control policies aside.
    pub(crate) fn allows(&self, request: &Request, own: Own, granted: Naming) -> Tri {
        let Own { identity, limits } = own;
        let alone = identity.and(limits);
        // The policy of a key and the trust policy of a role are needed whoever asks.
        let alone_suffices = self.policy.is_none() || !needs_policy(&request.action);
        let by_itself = if alone_suffices { alone } else { alone.and(granted.account) };
        let within = granted.direct.or(granted.role.and(limits)).or(by_itself);
        let across = alone.and(granted.any());
        match self.same_account(request) {
            Tri::True => within,
            Tri::False => across,
            Tri::Unknown => within.either(across),
        }
    }
}

/// Keys of KMS and roles to be assumed: their own policy has to allow, be it by delegating to the
/// account (*Policy evaluation logic*).
fn needs_policy(action: &str) -> bool {
    let service = action.split(':').next().unwrap_or("");
    service.eq_ignore_ascii_case("kms") || service.eq_ignore_ascii_case("sts")
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
