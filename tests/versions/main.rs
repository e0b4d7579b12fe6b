//! The commands that speak of versions: preflight, requires, upgrade, explain.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may panic: that is how it fails"
)]

mod explain;
mod manifests;
mod preflight;
mod ranges;
mod requires;
mod run;
mod upgrade;
