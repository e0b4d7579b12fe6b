//! The policies in a file of any format: none of them stands outside of the file.
#![no_main]

use karplint::extract::{Supplied, extract};
use karplint::policy::lower::{Place, lower_in};
use karplint::source::SourceMap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for (name, named) in [("f.json", true), ("f.yaml", true), ("f.yaml", false)] {
        let sources = SourceMap::new();
        let file = sources.add_file(name, text);
        match extract(&sources, file, named, &Supplied::default()) {
            Ok(found) => {
                for document in &found.documents {
                    let span = sources.to_file(document.node.span);
                    assert!(span.end as usize <= text.len(), "{span:?}");
                    let lowered = lower_in(&document.node, Place::Unknown, &document.when);
                    for problem in &lowered.problems {
                        let span = sources.to_file(problem.span);
                        assert!(span.end as usize <= text.len(), "{problem:?}");
                    }
                }
            }
            Err(error) => assert!(sources.to_file(error.span).end as usize <= text.len()),
        }
    }
});
