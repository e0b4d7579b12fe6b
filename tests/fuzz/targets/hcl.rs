//! Terraform source, its JSON form and template files: no text panics, and nothing that is told stands
//! outside of it.
#![no_main]

use karplint::extract::{Supplied, extract};
use karplint::source::SourceMap;
use karplint::syntax::hcl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    for name in ["f.tf", "f.tf.json"] {
        let sources = SourceMap::new();
        let file = sources.add_file(name, text);
        let spans: Vec<_> = match extract(&sources, file, true, &Supplied::default()) {
            Ok(found) => found.documents.iter().map(|document| document.node.span).collect(),
            Err(error) => vec![error.span],
        };
        for span in spans {
            let span = sources.to_file(span);
            assert!(span.end as usize <= text.len(), "{span:?}");
        }
    }
    let source = SourceMap::new().add_file("f.tftpl", text);
    if let Err(error) = hcl::parse_template(source, text) {
        assert!(error.span.end as usize <= text.len(), "{error:?}");
    }
});
