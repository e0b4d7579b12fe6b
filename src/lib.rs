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

pub mod eval;
pub mod policy;
pub mod source;
pub mod syntax;
