//! What karplint says, on whole inputs.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

mod asked;
mod away;
mod awscli;
mod branches;
mod carried;
mod causes;
mod cloudformation;
mod commands;
mod common;
mod config;
mod dry_run;
mod fixes;
mod fixtures;
mod formats;
mod forms;
mod generated;
mod given;
mod grouping;
mod hostile;
mod least;
mod manifests;
mod mistakes;
mod names;
mod official;
mod open;
mod patches;
mod producers;
mod seconds;
mod size;
mod splits;
mod suppress;
mod survive;
mod terraform;
mod told;
mod trust;
