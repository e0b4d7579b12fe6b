//! A policy and a request from one text: the quick answer, the trace and the enumeration agree.
//!
//! The text is `action`, `resource`, `key`, `value` and a policy, a line each.
#![no_main]

use karplint::{Decision, Layers, Policy, Request, evaluate, possible, trace};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(5, '\n');
    let mut next = || lines.next().unwrap_or("");
    let (action, resource, key, value, policy) = (next(), next(), next(), next(), next());
    let Ok(policy) = Policy::parse(policy) else { return };
    let layers = Layers::of_identity([&policy]);
    let request = Request::new(action, resource);
    let known = evaluate(&layers, &request.clone().with(key, value));
    assert!(
        matches!(known, Decision::Allowed | Decision::ImplicitDeny | Decision::ExplicitDeny),
        "{known:?}"
    );
    let unknown = request.clone().with_unknown(key);
    let decision = evaluate(&layers, &unknown);
    assert_eq!(trace(&layers, &unknown).decision, decision);
    let absent = evaluate(&layers, &request);
    match possible(&layers, &unknown) {
        Some(found) => {
            for real in [known, absent] {
                assert!(found.iter().any(|(one, _)| *one == real), "{real:?} not in {found:?}");
            }
        }
        None => assert!(!matches!(decision, Decision::Allowed) || known == Decision::Allowed),
    }
    match decision {
        Decision::Unsettled => {}
        Decision::Denied => assert!(known.is_denied() && absent.is_denied()),
        certain => assert!(certain == known && certain == absent),
    }
});
