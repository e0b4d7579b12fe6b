//! JSON to nodes: what is read here is what `serde_json` takes, and no text panics.
#![no_main]

use karplint::source::SourceMap;
use karplint::syntax::{HoleSyntax, json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = SourceMap::new().add_file("fuzz", text);
    for holes in [HoleSyntax::None, HoleSyntax::Template, HoleSyntax::CfnSub] {
        let read = json::parse(source, text, holes);
        if let Err(error) = &read {
            assert!(error.span.end as usize <= text.len(), "{error:?}");
        }
        // A number out of range and half of a surrogate pair are told apart by one of the two alone.
        let known = serde_json::from_str::<serde_json::Value>(text.trim_start_matches('\u{feff}'));
        if known.is_ok() {
            assert!(read.is_ok() || text.matches(['[', '{']).count() > 100, "{:?}", read.err());
        }
    }
});
