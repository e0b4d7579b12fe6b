//! Patterns against texts with symbols.

use proptest::prelude::*;

use super::*;
use crate::policy::pattern::{Pattern, Syntax, Variables};
use crate::policy::request::Context;
use crate::policy::testing::{cases, context, symbol, text};
use Tri::{False, True, Unknown};

fn like(pattern: &str, value: &str) -> Tri {
    Pattern::new(&text(pattern), Syntax::WILDCARDS).matches(&text(value), &Context::default())
}

fn equals(pattern: &str, value: &str) -> Tri {
    let syntax = Syntax { wildcards: false, variables: Variables::Literal, fold: false };
    Pattern::new(&text(pattern), syntax).matches(&text(value), &Context::default())
}

#[test]
fn known_text_against_wildcards() {
    for (pattern, value, expected) in [
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("?", "", false),
        ("?", "é", true),
        ("??", "é", false),
        ("*??", "é", false),
        ("*?", "é", true),
        ("a*c", "abcbc", true),
        ("a*c", "abcb", false),
        ("*a*b*", "xxaxxbxx", true),
        ("a**b", "ab", true),
        ("a", "a*", false),
        ("a*", "a*", true),
        ("*.x", "a.x.x", true),
    ] {
        assert_eq!(like(pattern, value), expected.into(), "{pattern} {value}");
    }
}

#[test]
fn thousands_of_stars_do_not_hang() {
    let (pattern, value) = ("a*".repeat(5_000) + "b", "a".repeat(20_000));
    assert_eq!(like(&pattern, &value), False);
    // With a symbol the simulation gives up rather than hang.
    assert_eq!(like(&pattern, &(value + "<<pool>>")), Unknown);
}

#[test]
fn symbols_of_the_request() {
    for (pattern, value, expected) in [
        ("*", "<<pool>>", True),
        ("?*", "<<pool>>", True),
        ("??*", "<<pool>>", Unknown),
        ("?*", "<<maybe>>", Unknown),
        ("prod-*", "<<pool>>", Unknown),
        ("Prod-*", "<<pool>>", False),
        ("demo-*", "demo-<<pool>>", True),
        ("demo-?*", "demo-<<pool>>", True),
        ("demo-", "demo-<<pool>>", False),
        ("test-*", "demo-<<pool>>", False),
        ("*-x", "<<pool>>-x", True),
        ("<<pool>>", "<<pool>>", True),
        ("<<pool>>", "<<cluster>>", Unknown),
        ("<<pool>>*", "<<pool>>-x", True),
        ("*<<pool>>*", "a<<pool>>b", True),
        ("????????????", "<<account>>", True),
        ("???????????", "<<account>>", False),
        ("12345678901?", "<<account>>", Unknown),
        ("a*", "<<account>>", False),
        ("i-*", "i-<<hex>>", True),
        ("*x*", "i-<<hex>>", False),
        ("<<any>>", "x", Unknown),
        ("<<any>>", "<<any>>", True),
        ("<<any>>x", "y", False),
        ("x<<any>>", "y", False),
    ] {
        assert_eq!(like(pattern, value), expected, "{pattern} {value}");
    }
}

#[test]
fn a_star_in_string_equals_is_literal() {
    assert_eq!(equals("*", "<<pool>>"), False, "a name holds no star");
    assert_eq!(equals("*", "x"), False);
    assert_eq!(equals("*", "*"), True);
    assert_eq!(equals("*", "<<any>>"), Unknown);
    assert_eq!(equals("demo", "<<cluster>>"), Unknown);
    assert_eq!(equals("demo-", "demo-<<maybe>>"), Unknown);
    assert_eq!(equals("<<cluster>>x", "<<cluster>>"), False);
}

#[test]
fn case_is_folded_where_asked() {
    let syntax = Syntax { wildcards: false, variables: Variables::Literal, fold: true };
    let pattern = |own: &str| Pattern::new(&text(own), syntax);
    assert_eq!(pattern("DeMo").matches(&"dEmO".into(), &Context::default()), True);
    assert_eq!(pattern("DEMO").matches(&text("<<pool>>"), &Context::default()), Unknown);
    assert_eq!(pattern("É").matches(&"é".into(), &Context::default()), True);
}

#[test]
fn variables_are_filled_from_the_context() {
    use crate::policy::request::Status;
    use crate::policy::testing::{many, one, one_of};
    let syntax = Syntax { wildcards: true, variables: Variables::Anywhere, fold: false };
    let own = |own: &str, value: &str, status: Status| {
        Pattern::new(&text(own), syntax).matches(&text(value), &context(&[("k", status)]))
    };
    for (pattern, value, status, expected) in [
        ("a/${k}/*", "a/b/c", one("b"), True),
        ("a/${K}/*", "a/b/c", one("b"), True),
        ("${k}", "abc", one("a*"), False),
        ("${k}", "a*", one("a*"), True),
        ("${k}", "b", Status::Absent, False),
        ("${k, 'b'}", "b", Status::Absent, True),
        ("${k, 'b'}", "b", one("c"), False),
        ("${k, 'b'}", "", one(""), True),
        ("${k}", "b", many(&["b"]), False),
        ("${k}", "b", Status::Present, Unknown),
        ("x${k}", "b", Status::Unknown, False),
        ("${k, 'b'}", "b", Status::Unknown, Unknown),
        ("${k}", "b", one_of(&["b", "b"]), True),
        ("${k}", "b", one_of(&["b", "c"]), Unknown),
        ("${*}${?}${$}", "*?$", Status::Absent, True),
        ("${*}", "x", Status::Absent, False),
        ("${}", "${}", Status::Absent, True),
        ("${a b}", "${a b}", Status::Absent, True),
        ("${k", "${k", Status::Absent, True),
        ("${k,'b'}", "${k,'b'}", Status::Absent, True),
        ("${k}", "<<pool>>", one("<<pool>>"), True),
    ] {
        assert_eq!(own(pattern, value, status), expected, "{pattern} {value}");
    }
}

/// The definition, without any cleverness.
fn naive(pattern: &[char], value: &[char]) -> bool {
    match (pattern, value) {
        ([], []) => true,
        (['*', rest @ ..], value) => (0..=value.len()).any(|taken| naive(rest, &value[taken..])),
        (['?', rest @ ..], [_, tail @ ..]) => naive(rest, tail),
        ([own, rest @ ..], [c, tail @ ..]) => own == c && naive(rest, tail),
        _ => false,
    }
}

/// Values that a symbol can have, in a small alphabet.
fn filling(name: &'static str) -> impl Strategy<Value = String> {
    match name {
        "pool" => "[ab-]{1,3}",
        "maybe" => "[abA]{0,3}",
        "account" => "[12]{12}",
        _ => "[ab*?:A]{0,3}",
    }
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab1*?:-]{0,2}",
        1 => Just("<<pool>>".to_owned()),
        1 => Just("<<maybe>>".to_owned()),
        1 => Just("<<any>>".to_owned()),
    ]
}

fn parts() -> impl Strategy<Value = String> {
    prop::collection::vec(part(), 0..5).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn the_matcher_agrees_with_the_definition(pattern in "[abé*?]{0,8}", value in "[abé*?]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        let expected = naive(&chars(&pattern), &chars(&value));
        prop_assert_eq!(like(&pattern, &value), expected.into());
        // The simulation for symbols gives the same where there are none.
        let own: Vec<Tok> = chars(&pattern).into_iter().map(|c| match c {
            '*' => Tok::Star,
            '?' => Tok::One,
            c => Tok::Char(c),
        }).collect();
        let value: Vec<Tok> = chars(&value).into_iter().map(Tok::Char).collect();
        prop_assert_eq!(relate(&own, &value, false), expected.into());
        prop_assert_eq!(certain(&own, &value, false), expected);
        prop_assert_eq!(possible(&own, &value, false), expected);
    }

    #[test]
    fn no_filling_contradicts(
        pattern in parts(),
        value in parts(),
        fold in any::<bool>(),
        wildcards in any::<bool>(),
        pool in filling("pool"), maybe in filling("maybe"), all in filling("any"),
    ) {
        let syntax = Syntax { wildcards, variables: Variables::Literal, fold: fold && !wildcards };
        let matches = |pattern: &str, value: &str| {
            Pattern::new(&text(pattern), syntax).matches(&text(value), &Context::default())
        };
        let fill = |text: &str| {
            text.replace("<<pool>>", &pool).replace("<<maybe>>", &maybe).replace("<<any>>", &all)
        };
        let open = matches(&pattern, &value);
        let filled = matches(&fill(&pattern), &fill(&value));
        prop_assert!(open == Unknown || open == filled, "{open:?} but {filled:?}");
    }
}

#[test]
fn a_symbol_stays_itself() {
    assert_eq!(relate(&[Tok::Symbol(symbol("pool"))], &[Tok::Symbol(symbol("pool"))], false), True);
    assert_eq!(relate(&[Tok::Free], &[Tok::Free], false), Unknown);
}
