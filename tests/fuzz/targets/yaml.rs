//! YAML to nodes: no text panics, and no error stands outside of the text.
#![no_main]

use karplint::source::SourceMap;
use karplint::syntax::{HoleSyntax, yaml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = SourceMap::new().add_file("fuzz", text);
    if let Err(error) = yaml::parse(source, text, HoleSyntax::CfnSub) {
        assert!(error.span.end as usize <= text.len(), "{error:?}");
    }
});
