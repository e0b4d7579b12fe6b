//! Sections 4 and 7 and item 11.11: policies of resources, boundaries, sessions, other accounts.

use super::*;
use crate::eval::{Attached, Caller};
use crate::policy::testing::policy;

const USER: &str = "arn:aws:iam::111122223333:user/alice";
const ROLE: &str = "arn:aws:iam::111122223333:role/karpenter";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/karpenter/pod";
const ACCOUNT: &str = "arn:aws:iam::111122223333:root";
const QUEUE: &str = "arn:aws:sqs:us-west-2:111122223333:demo";
const FOREIGN: &str = "arn:aws:sqs:us-west-2:999988887777:demo";
const ALLOW_NOTHING: &str = r#"{"Effect": "Allow", "Action": "x:Y", "Resource": "*"}"#;

/// A statement of a resource policy that names these principals.
fn naming(effect: &str, element: &str, principals: &str) -> String {
    format!(
        r#"{{"Effect": "{effect}", "{element}": {principals}, "Action": "sqs:SendMessage", "Resource": "*"}}"#
    )
}

fn allow(principal: &str) -> String {
    naming("Allow", "Principal", &format!(r#"{{"AWS": "{principal}"}}"#))
}

struct Case<'a> {
    caller: &'a str,
    identity: &'a str,
    boundary: Option<&'a str>,
    session: Option<&'a str>,
    levels: &'a [&'a str],
    policy: Option<String>,
    owner: Option<&'a str>,
    on: &'a str,
}

const ALONE: Case<'_> = Case {
    caller: USER,
    identity: ALLOW_NOTHING,
    boundary: None,
    session: None,
    levels: &[],
    policy: None,
    owner: None,
    on: QUEUE,
};

fn layers_of(case: &Case<'_>) -> Layers {
    let policy = case.policy.as_ref().map(|text| {
        compiled(&policy(&format!(r#"{{"Version": "2012-10-17", "Statement": [{text}]}}"#)))
    });
    Layers {
        identity: set(case.identity),
        boundary: case.boundary.map(set),
        session: case.session.map(set),
        service_control: case.levels.iter().map(|level| set(level)).collect(),
        attached: Some(Attached {
            policy,
            caller: Some(Caller::parse(case.caller).unwrap()),
            owner: case.owner.map(Box::from),
        }),
    }
}

fn decided(case: &Case<'_>) -> Decision {
    let layers = layers_of(case);
    let request = ask("sqs:SendMessage", case.on, &[]);
    let decision = decide(&layers, &request);
    assert_eq!(trace(&layers, &request).decision, decision);
    assert_eq!(matched(&layers, &request).0, decision);
    decision
}

#[test]
fn within_an_account_the_policy_of_the_resource_suffices() {
    for caller in [USER, ROLE, SESSION] {
        let case = Case { caller, policy: Some(allow(caller)), ..ALONE };
        assert_eq!(decided(&case), Allowed, "{caller}");
        assert_eq!(decided(&Case { policy: None, ..case }), ImplicitDeny, "{caller}");
    }
}

#[test]
fn the_identity_policy_suffices_as_well() {
    let case = Case { identity: ALLOW_ALL, policy: Some(allow(ROLE)), ..ALONE };
    assert_eq!(decided(&case), Allowed);
    assert_eq!(decided(&Case { policy: None, ..case }), Allowed);
}

#[test]
fn naming_the_account_only_delegates() {
    let case = Case { policy: Some(allow(ACCOUNT)), ..ALONE };
    assert_eq!(decided(&case), ImplicitDeny);
    assert_eq!(decided(&Case { identity: ALLOW_ALL, ..case }), Allowed);
    let number = Case { policy: Some(allow("111122223333")), ..ALONE };
    assert_eq!(decided(&number), ImplicitDeny, "the number means the same");
}

/// Item 11.11: *Policy evaluation logic*, *Permissions boundaries for IAM entities*.
#[test]
fn only_the_session_the_user_or_everyone_bypasses_boundary_and_session_policies() {
    for (caller, named, expected) in [
        (USER, USER, Allowed),
        (SESSION, SESSION, Allowed),
        (SESSION, "*", Allowed),
        (USER, "*", Allowed),
        (SESSION, ROLE, ImplicitDeny),
        (ROLE, ROLE, ImplicitDeny),
        (USER, ACCOUNT, ImplicitDeny),
        (SESSION, ACCOUNT, ImplicitDeny),
    ] {
        for identity in [ALLOW_NOTHING, ALLOW_ALL] {
            for (boundary, session) in [
                (Some(ALLOW_NOTHING), None),
                (None, Some(ALLOW_NOTHING)),
                (Some(ALLOW_NOTHING), Some(ALLOW_NOTHING)),
            ] {
                let policy = Some(allow(named));
                let case = Case { caller, identity, boundary, session, policy, ..ALONE };
                assert_eq!(decided(&case), expected, "{named} for {caller}");
            }
        }
        // Where these allow, the role may be named as well.
        let limits = Some(ALLOW_ALL);
        let policy = Some(allow(named));
        let case = Case { caller, boundary: limits, session: limits, policy, ..ALONE };
        let expected = if named == ACCOUNT { ImplicitDeny } else { Allowed };
        assert_eq!(decided(&case), expected, "{named} for {caller}");
    }
}

#[test]
fn service_control_policies_bind_whoever_is_named() {
    let case = Case { policy: Some(allow(USER)), levels: &[ALLOW_ALL, ALLOW_NOTHING], ..ALONE };
    assert_eq!(decided(&case), ImplicitDeny);
    assert_eq!(decided(&Case { levels: &[ALLOW_ALL], ..case }), Allowed);
}

#[test]
fn a_deny_of_the_resource_denies_and_a_deny_elsewhere_beats_its_allow() {
    let deny = |principals: &str| naming("Deny", "Principal", principals);
    for principals in [
        r#""*""#.to_owned(),
        format!(r#"{{"AWS": "{ROLE}"}}"#),
        format!(r#"{{"AWS": "{ACCOUNT}"}}"#),
        format!(r#"{{"AWS": ["{USER}", "{SESSION}"]}}"#),
    ] {
        let policy = Some(deny(&principals));
        let case = Case { caller: SESSION, identity: ALLOW_ALL, policy, ..ALONE };
        assert_eq!(decided(&case), ExplicitDeny, "{principals}");
    }
    let other = Some(deny(&format!(r#"{{"AWS": "{USER}"}}"#)));
    let case = Case { caller: SESSION, identity: ALLOW_ALL, policy: other, ..ALONE };
    assert_eq!(decided(&case), Allowed);
    let deny = r#"{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}"#;
    for (identity, boundary, session) in
        [(deny, None, None), (ALLOW_ALL, Some(deny), None), (ALLOW_ALL, None, Some(deny))]
    {
        let policy = Some(allow("*"));
        let case = Case { caller: SESSION, identity, boundary, session, policy, ..ALONE };
        assert_eq!(decided(&case), ExplicitDeny, "no bypass of an explicit deny");
    }
}

#[test]
fn across_accounts_both_sides_must_allow() {
    for (identity, policy, expected) in [
        (ALLOW_ALL, Some(allow(SESSION)), Allowed),
        (ALLOW_ALL, Some(allow(ROLE)), Allowed),
        (ALLOW_ALL, Some(allow(ACCOUNT)), Allowed),
        (ALLOW_ALL, Some(allow("*")), Allowed),
        (ALLOW_ALL, Some(allow(USER)), ImplicitDeny),
        (ALLOW_ALL, None, ImplicitDeny),
        (ALLOW_NOTHING, Some(allow(SESSION)), ImplicitDeny),
        (ALLOW_NOTHING, Some(allow("*")), ImplicitDeny),
    ] {
        let case = Case { caller: SESSION, identity, policy: policy.clone(), on: FOREIGN, ..ALONE };
        assert_eq!(decided(&case), expected, "{policy:?}");
    }
}

#[test]
fn across_accounts_nothing_is_bypassed() {
    let case = Case {
        caller: SESSION,
        identity: ALLOW_ALL,
        policy: Some(allow(SESSION)),
        on: FOREIGN,
        ..ALONE
    };
    let limited = Case { boundary: Some(ALLOW_NOTHING), ..case };
    assert_eq!(decided(&limited), ImplicitDeny);
    let limited = Case { boundary: None, session: Some(ALLOW_NOTHING), ..limited };
    assert_eq!(decided(&limited), ImplicitDeny);
    assert_eq!(decided(&Case { session: Some(ALLOW_ALL), ..limited }), Allowed);
}

#[test]
fn resource_owner_is_the_account_of_arns_without_one() {
    let bucket = "arn:aws:s3:::demo";
    let policy = || {
        Some(format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{USER}"}}, "Action": "sqs:SendMessage", "Resource": "*"}}"#
        ))
    };
    let case = Case { policy: policy(), on: bucket, ..ALONE };
    assert_eq!(decided(&case), Allowed, "by default that of the caller");
    let case = Case { owner: Some("999988887777"), ..case };
    assert_eq!(decided(&case), ImplicitDeny);
    assert_eq!(decided(&Case { identity: ALLOW_ALL, ..case }), Allowed);
    let own = Case { policy: policy(), owner: Some("999988887777"), ..ALONE };
    assert_eq!(decided(&own), Allowed, "the ARN names the account itself");
}

#[test]
fn keys_and_trust_need_their_own_policy() {
    let decided = |action: &str, on: &str, identity: &str, principal: &str| {
        let statement = format!(
            r#"{{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": "{action}", "Resource": "*"}}"#
        );
        let layers = layers_of(&Case { identity, policy: Some(statement), ..ALONE });
        decide(&layers, &ask(action, on, &[]))
    };
    let key = "arn:aws:kms:us-west-2:111122223333:key/1";
    let role = "arn:aws:iam::111122223333:role/other";
    for (action, on) in [("kms:Decrypt", key), ("sts:AssumeRole", role)] {
        assert_eq!(decided(action, on, ALLOW_ALL, ROLE), ImplicitDeny, "not named");
        assert_eq!(decided(action, on, ALLOW_ALL, ACCOUNT), Allowed, "delegated");
        assert_eq!(decided(action, on, ALLOW_NOTHING, ACCOUNT), ImplicitDeny);
        assert_eq!(decided(action, on, ALLOW_NOTHING, USER), Allowed);
    }
}

#[test]
fn not_principal_in_policies_of_resources() {
    let policy = |effect: &str, principals: &str| {
        Some(naming(effect, "NotPrincipal", &format!(r#"{{"AWS": [{principals}]}}"#)))
    };
    let quoted = |names: &[&str]| {
        names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    };
    let deny = |names: &[&str], boundary| {
        let policy = policy("Deny", &quoted(names));
        decided(&Case { identity: ALLOW_ALL, policy, boundary, ..ALONE })
    };
    assert_eq!(deny(&[USER, ACCOUNT], None), Allowed);
    assert_eq!(deny(&[USER], None), ExplicitDeny);
    assert_eq!(deny(&[ROLE, ACCOUNT], None), ExplicitDeny);
    assert_eq!(deny(&[USER, ACCOUNT], Some(ALLOW_ALL)), ExplicitDeny, "who has a boundary");
    let allow =
        |names: &[&str]| decided(&Case { policy: policy("Allow", &quoted(names)), ..ALONE });
    assert_eq!(allow(&[ROLE]), Allowed);
    assert_eq!(allow(&[USER]), ImplicitDeny);
}

#[test]
fn a_statement_without_a_resource_covers_what_it_is_attached_to() {
    let statement = format!(
        r#"{{"Effect": "Allow", "Principal": {{"AWS": "{USER}"}}, "Action": "sts:AssumeRole"}}"#
    );
    let layers = layers_of(&Case { policy: Some(statement), ..ALONE });
    let role = "arn:aws:iam::111122223333:role/other";
    assert_eq!(decide(&layers, &ask("sts:AssumeRole", role, &[])), Allowed);
}

#[test]
fn a_condition_narrows_everyone() {
    let statement = format!(
        r#"{{"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*",
            "Condition": {{"ArnEquals": {{"aws:PrincipalArn": "{ROLE}"}}}}}}"#
    );
    let layers = layers_of(&Case { caller: SESSION, policy: Some(statement), ..ALONE });
    let asked = |arn: &str| ask("sqs:SendMessage", QUEUE, &[("aws:PrincipalArn", one(arn))]);
    assert_eq!(decide(&layers, &asked(ROLE)), Allowed);
    assert_eq!(decide(&layers, &asked(USER)), ImplicitDeny);
    let unknown = ask("sqs:SendMessage", QUEUE, &[("aws:PrincipalArn", Status::Unknown)]);
    let traced = trace(&layers, &unknown);
    assert_eq!(traced.decision, Unsettled);
    assert_eq!(traced.open, [Open::Key(text("aws:principalarn"))]);
    let possible: Vec<_> = traced.witnesses.iter().map(|(decision, _)| *decision).collect();
    assert_eq!(possible, [Allowed, ImplicitDeny]);
}

#[test]
fn an_account_that_nobody_knows_leaves_it_open() {
    let case = Case { policy: Some(allow(USER)), on: "arn:aws:sqs:r:<<account>>:demo", ..ALONE };
    let asked = ask("sqs:SendMessage", case.on, &[]);
    let traced = trace(&layers_of(&case), &asked);
    assert_eq!(traced.decision, Unsettled);
    assert_eq!(traced.open, [Open::Symbol(crate::eval::testing::symbol("account"))]);
    let both = Case { identity: ALLOW_ALL, ..case };
    assert_eq!(decide(&layers_of(&both), &asked), Allowed, "allowed in either case");
}

#[test]
fn a_trace_tells_how_the_caller_is_named() {
    let statements =
        format!("{}, {}", allow(ROLE), naming("Deny", "Principal", r#"{"AWS": "123456789012"}"#));
    let case = Case { caller: SESSION, policy: Some(statements), ..ALONE };
    let traced = trace(&layers_of(&case), &ask("sqs:SendMessage", QUEUE, &[]));
    let attached = traced.attached.unwrap();
    assert_eq!((attached.same_account, attached.deny), (True, False));
    assert_eq!(
        (attached.allow.direct, attached.allow.role, attached.allow.account),
        (False, True, False)
    );
    let principals: Vec<_> =
        attached.statements.iter().map(|one| (one.principal, one.matches)).collect();
    assert_eq!(principals, [(True, True), (False, False)]);
}
