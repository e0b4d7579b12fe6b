//! karplint tells, from files alone, whether an IAM principal can do what the Karpenter AWS
//! controller of a given version will ask of AWS, and where in the policy the reason stands.
//!
//! Data flows one way through these rooms:
//!
//! ```text
//! Source -> Node -> Extracted -> Policy -> Controller -> Decision -> Finding -> report
//! source    syntax   extract     policy    controller    eval        check      report
//!                                          settings + karpenter say what to ask
//! ```
#![forbid(unsafe_code)]

pub mod aws;
pub mod check;
pub mod cli;
pub mod config;
pub mod controller;
mod embedded;
pub mod error;
pub mod eval;
pub mod extract;
pub mod finding;
pub mod karpenter;
pub mod lints;
pub mod policy;
pub mod report;
pub mod settings;
pub mod simulate;
pub mod source;
pub mod syntax;
