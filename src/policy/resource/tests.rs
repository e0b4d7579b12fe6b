//! Section 3: resources, and the `Arn…` part of section 5.

use proptest::prelude::*;

use super::*;
use crate::policy::testing::{cases, context, one, text};
use Tri::{False, True, Unknown};

fn covers(pattern: &str, arn: &str) -> Tri {
    ArnPattern::new(&text(pattern), ArnUse::Resource, true).matches(&text(arn), &Context::default())
}

fn operator(pattern: &str, arn: &str) -> Tri {
    ArnPattern::new(&text(pattern), ArnUse::Operator, true).matches(&text(arn), &Context::default())
}

const INSTANCE: &str = "arn:aws:ec2:us-west-2:111122223333:instance/i-1";

#[test]
fn segments_are_compared_one_by_one() {
    for (pattern, arn, expected) in [
        ("*", INSTANCE, True),
        ("arn:aws:ec2:us-west-2:111122223333:instance/i-1", INSTANCE, True),
        ("arn:aws:ec2:*:*:instance/*", INSTANCE, True),
        ("arn:aws:ec2:*:*:*/*", INSTANCE, True),
        ("arn:*:ec2:us-west-?:*:instance/*", INSTANCE, True),
        ("arn:aws:ec2:*:*:volume/*", INSTANCE, False),
        ("arn:aws:e*:*:*:inst*/*", INSTANCE, True),
        ("arn:aws:ec2:*:*:instance*", INSTANCE, True),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/x/y/z", True),
        ("arn:aws:ec2:*:*:image/*", "arn:aws:ec2:us-west-2::image/ami-1", True),
        ("arn:aws:ec2:*::image/*", "arn:aws:ec2:us-west-2:1:image/ami-1", False),
        (
            "arn:aws:logs:*:*:log-group:/aws/*",
            "arn:aws:logs:r:1:log-group:/aws/x:log-stream:s",
            True,
        ),
        // Case counts throughout.
        ("arn:aws:ec2:*:*:Instance/*", INSTANCE, False),
        ("arn:aws:EC2:*:*:instance/*", INSTANCE, False),
        ("arn:AWS:ec2:*:*:instance/*", INSTANCE, False),
        ("instance/*", INSTANCE, False),
    ] {
        assert_eq!(covers(pattern, arn), expected, "{pattern} {arn}");
    }
}

#[test]
fn arn_aws_ec2_all_matches_every_ec2_resource_of_any_account() {
    for kind in ["instance/i-1", "volume/vol-1", "launch-template/lt-1"] {
        let arn = format!("arn:aws:ec2:eu-west-1:999999999999:{kind}");
        assert_eq!(covers("arn:aws:ec2:*:*:*/*", &arn), True);
    }
    assert_eq!(covers("arn:aws:ec2:*:*:*/*", "arn:aws:ec2:us-west-2::image/ami-1"), True);
    assert_eq!(covers("arn:aws:ec2:*:*:*/*", "arn:aws:iam::1:role/x"), False);
}

#[test]
fn short_arns_cover_the_rest_only_with_a_final_star() {
    for (pattern, expected) in [
        ("arn:aws:ec2:*", True),
        ("arn:*", True),
        ("arn:aws:ec2:us-*", True),
        ("arn:aws:e*", True),
        ("arn:aws:ec2:us-west-2", False),
        ("arn:aws:ec2", False),
        ("arn:aws:s3:*", False),
        ("arn:aws:*2*", True),
        ("arn:aws:ec2:us-*-2*", True),
        // Every other wildcard stays in its own segment, and so does what stands behind it.
        ("arn:aws:ec2:*/*", False),
        ("arn:aws:ec2:*i-1*", False),
        ("arn:aws:ec2:us-west-2*/*", False),
        ("arn:*instance*", False),
        ("arn:aws:ec2?us*", False),
        ("arn:a*:us-*", False),
        ("arn*", True),
        ("a*2*", False),
    ] {
        assert_eq!(covers(pattern, INSTANCE), expected, "{pattern}");
    }
    assert_eq!(operator("arn:aws:ec2:*", INSTANCE), False, "operators want six segments");
}

#[test]
fn a_star_does_not_cross_the_first_five_colons() {
    let pattern = |own| ArnPattern::new(&text(own), ArnUse::Resource, true);
    let arn = text("arn:aws:ec2:us-west-2:1:instance/i-1");
    // Six segments, the fourth of which would have to take region and account.
    let crossing = pattern("arn:aws:ec2:us-*:instance/i-1:*");
    assert_eq!(crossing.matches(&arn, &Context::default()), False);
    let longer = text("arn:aws:ec2:us-west-2:1:instance/i-1:x");
    let crosses = |pattern: &ArnPattern, arn: &Symbolic| {
        pattern.crosses_colon(&CutArn::new(arn), &Context::default())
    };
    assert!(crosses(&crossing, &longer));
    assert!(!crosses(&crossing, &arn));
    assert!(!crosses(&pattern("arn:aws:ec2:*:*:volume/*"), &arn));
    // A short one that ends in `*`, and holds another wildcard.
    for (own, expected) in [
        ("arn:aws:ec2:*/*", true),
        ("arn:aws:ec2:*i-1*", true),
        ("arn:*instance*", true),
        ("arn:aws:ec2?us*", true),
        ("arn:aws:ec2:*volume*", false),
        ("arn:aws:ec2:eu*", false),
        ("arn:aws:ec2:*/i-1", false),
    ] {
        assert_eq!(crosses(&pattern(own), &arn), expected, "{own}");
    }
    // A log group's ARN has more than five, and so may a symbol of any shape.
    let group = "arn:aws:logs:us-west-2:1:log-group:g:log-stream:s";
    assert!(crosses(&pattern("arn:aws:logs:*:log-group:g:log-stream:s"), &text(group)));
    let mut open = text("arn:aws:ec2:us-west-2:1:");
    open.push_symbol(Symbol { id: 0, shape: crate::policy::symbolic::Shape::ANY });
    assert!(crosses(&pattern("arn:aws:ec2:us-*:instance/i-1:*"), &open));
}

#[test]
fn only_a_lone_star_covers_no_particular_resource() {
    let any = |own: &str| {
        ArnPattern::new(&text(own), ArnUse::Resource, true)
            .covers(&Target::Any, &Context::default())
    };
    assert_eq!(any("*"), True);
    for own in ["arn:*", "arn:aws:ec2:*:*:*", "?", ""] {
        assert_eq!(any(own), False, "{own}");
    }
    assert_eq!(any("<<any>>"), Unknown, "it may be a star");
    assert_eq!(any("<<pool>>"), False, "it cannot");
}

#[test]
fn a_star_in_a_request_arn_is_literal() {
    let new = "arn:aws:ec2:r:1:instance/*";
    assert_eq!(covers("arn:aws:ec2:*:*:instance/*", new), True);
    assert_eq!(covers("arn:aws:ec2:*:*:instance/i-*", new), False);
    assert_eq!(covers("arn:aws:ec2:*:*:instance/?", new), True);
    assert_eq!(covers("arn:aws:ec2:*:*:instance/i-1", new), False);
}

#[test]
fn symbols_in_arns() {
    let role = "arn:<<pool>>:iam::<<account>>:role/<<cluster>>";
    for (pattern, arn, expected) in [
        (role, role, True),
        ("arn:*:iam::<<account>>:role/*", role, True),
        ("arn:aws:iam::<<account>>:role/*", role, Unknown),
        ("arn:*:iam::*:user/*", role, False),
        ("arn:*:iam::???:role/*", role, False),
        ("arn:*:iam::<<account>>:role/<<cluster>>-x", role, False),
        ("<<any>>", role, Unknown),
        ("<<any>>", INSTANCE, Unknown),
        ("<<any>>/*", INSTANCE, Unknown),
        ("arn:aws:s3<<any>>", INSTANCE, False),
        ("arn:aws:ec2:*:*:<<any>>", INSTANCE, Unknown),
        ("arn:aws:iam::1:role/x", "<<any>>", Unknown),
        ("<<any>>", "<<any>>", True),
        ("*", "<<any>>", True),
        ("<<any>>/*", "<<any>>/x", True),
        ("arn:<<any>>:ec2:*:*:instance/*", "arn:<<any>>:ec2:r:1:instance/*", True),
        ("arn:<<any>>:ec2:*:*:volume/*", "arn:<<any>>:ec2:r:1:instance/*", Unknown),
        ("arn:aws:ec2:<<pool>>:*:instance/*", "arn:aws:ec2:<<pool>>:1:instance/i-<<hex>>", True),
        ("<<pool>>", INSTANCE, False),
        ("arn:aws:ec2:*", "arn:aws:ec2:<<any>>", True),
        ("arn:aws:ec2:us-*", "arn:aws:ec2:us-<<any>>", True),
        ("arn:aws:ec2:*/*", "arn:aws:ec2:<<any>>/i-1", Unknown),
        ("arn:aws:ec2:<<pool>>*", "arn:aws:ec2:<<pool>>:1:instance/i-1", True),
        ("arn:aws:ec2:*/*", "arn:aws:ec2:r:<<account>>:instance/<<hex>>", False),
    ] {
        assert_eq!(covers(pattern, arn), expected, "{pattern} {arn}");
    }
}

#[test]
fn variables_stand_after_the_fifth_colon_only() {
    let context = context(&[("k", one("x")), ("arn", one("arn:aws:iam::1:role/x"))]);
    let covers = |own: &str, usage, variables, arn: &str| {
        ArnPattern::new(&text(own), usage, variables).matches(&text(arn), &context)
    };
    use ArnUse::{Operator, Resource};
    assert_eq!(covers("arn:aws:s3:::b/${k}/*", Resource, true, "arn:aws:s3:::b/x/1"), True);
    assert_eq!(covers("arn:aws:s3:::b/${k}/*", Resource, true, "arn:aws:s3:::b/y/1"), False);
    assert_eq!(covers("arn:aws:s3:::b/${none}", Resource, true, "arn:aws:s3:::b/"), False);
    assert_eq!(covers("arn:aws:${k}:::b", Resource, true, "arn:aws:x:::b"), False);
    assert_eq!(covers("arn:aws:s3:::b/${k}", Resource, false, "arn:aws:s3:::b/x"), False);
    assert_eq!(covers("arn:aws:s3:::b/${k}", Resource, false, "arn:aws:s3:::b/${k}"), True);
    // A variable of an operator may hold the whole ARN: filled first, then split.
    assert_eq!(covers("${arn}", Operator, true, "arn:aws:iam::1:role/x"), True);
    assert_eq!(covers("${arn}", Operator, true, "arn:aws:iam::1:role/y"), False);
    assert_eq!(covers("arn:aws:${k}:::b", Operator, true, "arn:aws:x:::b"), True);
}

#[test]
fn an_operator_compares_arns_only() {
    assert_eq!(operator("*", INSTANCE), True);
    assert_eq!(operator("*", "not an arn"), False);
    assert_eq!(operator("*", "arn:<<pool>>:iam::1:role/x"), True);
    assert_eq!(operator("*", "<<pool>>"), False);
    assert_eq!(operator("*", "<<any>>"), Unknown);
    assert_eq!(operator("arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a/b"), True);
    assert_eq!(operator("arn:aws:iam:*:role/*", "arn:aws:iam::1:role/a/b"), False);
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab*?]{0,2}",
        1 => Just("<<pool>>".to_owned()),
        1 => Just("<<maybe>>".to_owned()),
        1 => Just("<<any>>".to_owned()),
    ]
}

fn arn() -> impl Strategy<Value = String> {
    prop::collection::vec(segment(), 1..9).prop_map(|segments| segments.join(":"))
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn no_filling_contradicts(
        pattern in arn(),
        value in arn(),
        resource in any::<bool>(),
        pool in "[ab]{1,2}", maybe in "[ab]{0,2}", all in "[ab:*?]{0,4}",
    ) {
        let fill = |text: &str| {
            text.replace("<<pool>>", &pool).replace("<<maybe>>", &maybe).replace("<<any>>", &all)
        };
        let usage = if resource { ArnUse::Resource } else { ArnUse::Operator };
        let matches = |pattern: &str, value: &str| {
            ArnPattern::new(&text(pattern), usage, true).matches(&text(value), &Context::default())
        };
        // The resource of a request is an ARN; the value of a condition key may be anything.
        if resource && fill(&value).split(':').count() < SEGMENTS {
            return Ok(());
        }
        let open = matches(&pattern, &value);
        let filled = matches(&fill(&pattern), &fill(&value));
        prop_assert!(open == Unknown || open == filled, "{open:?} but {filled:?}");
    }
}
