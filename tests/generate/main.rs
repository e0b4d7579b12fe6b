//! `karplint generate`: policies that are least, in every form; and configurations.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

mod against;
mod config;
mod forms;
mod least;
mod run;
mod templates;
