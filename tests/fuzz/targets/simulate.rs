//! Lines of requests: each is answered or refused at a place inside of it, the same when asked again.
#![no_main]

use karplint::simulate::{Simulator, write_answer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut simulator = Simulator::new(&["aws:SourceVpc".to_owned(), "k".to_owned()]);
    let mut answers = (0..3).map(|_| match simulator.answer(text) {
        Ok(answer) => {
            let mut line = String::new();
            write_answer(&answer, &mut line);
            assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
            line
        }
        Err(error) => {
            assert!(error.offset <= text.len(), "{error:?}");
            error.message
        }
    });
    let first = answers.next();
    assert!(answers.all(|answer| Some(answer) == first));
});
