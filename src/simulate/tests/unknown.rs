//! What `--unknown` leaves open: every answer that some value gives is among the possible ones, and none
//! that no value gives.

use super::*;

fn policy(condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*",
                                                  "Condition": condition}})
}

/// The decision, and those that are possible.
fn asked(request: &Value, unknown: &str) -> (Decision, Vec<Decision>) {
    let answer = Simulator::new(&[unknown.to_owned()]).answer(&request.to_string()).unwrap();
    let found = &answer.evaluations[0];
    (found.decision, found.possible.iter().map(|(one, _)| *one).collect())
}

use Decision::{Allowed, Denied, ExplicitDeny, ImplicitDeny, Unsettled};

#[test]
fn a_key_that_may_have_several_values_may_also_be_given_with_one() {
    let policy = policy(json!({"StringEquals": {"aws:TagKeys": "a"}}));
    let open = asked(&request(&policy, &json!([]), &json!({})), "aws:TagKeys");
    assert_eq!(open, (Unsettled, vec![Allowed, ImplicitDeny]));
    for (kind, expected) in [("string", Allowed), ("stringList", ImplicitDeny)] {
        let entries = json!([entry("aws:TagKeys", kind, &["a"])]);
        assert_eq!(decision(&request(&policy, &entries, &json!({}))), expected, "{kind}");
    }
}

#[test]
fn what_cannot_be_enumerated_still_leaves_out_what_three_values_exclude() {
    let all = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    let one = |effect: &str| json!({"Effect": effect, "Action": "*", "Resource": "arn:aws:s3:::b/${x:v}"});
    let ask = |statements: Value| {
        let policy = json!({"Version": "2012-10-17", "Statement": statements});
        let changes =
            json!({"ActionNames": ["s3:GetObject"], "ResourceArns": ["arn:aws:s3:::b/q"]});
        asked(&request(&policy, &json!([]), &changes), "x:v")
    };
    assert_eq!(ask(json!([one("Allow")])), (Unsettled, vec![Allowed, ImplicitDeny]));
    assert_eq!(ask(json!([all, one("Deny")])), (Unsettled, vec![Allowed, ExplicitDeny]));
    assert_eq!(ask(json!([one("Deny")])), (Denied, vec![ImplicitDeny, ExplicitDeny]));
    let both = (Unsettled, vec![Allowed, ImplicitDeny, ExplicitDeny]);
    assert_eq!(ask(json!([one("Allow"), one("Deny")])), both);
}

#[test]
fn what_follows_from_the_caller_may_be_unknown_all_the_same() {
    let arn = "arn:aws:iam::123456789012:role/team/karpenter";
    let policy = policy(json!({"ArnEquals": {"aws:PrincipalArn": arn}}));
    let session = "arn:aws:sts::123456789012:assumed-role/karpenter/pod";
    let request = request(&policy, &json!([]), &json!({"CallerArn": session}));
    assert_eq!(decision(&request), ImplicitDeny, "the path of the role is not in the session");
    let open = asked(&request, "AWS:principalArn");
    assert_eq!(open, (Unsettled, vec![Allowed, ImplicitDeny]));
}
