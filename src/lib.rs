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
//!
//! # As a library
//!
//! The evaluator stands on its own: a [`Policy`] is read from its text, [`Layers`] say which policies bind
//! whom, and [`evaluate`] answers a [`Request`]; [`trace`] tells why. Without the default feature `cli`
//! there is no command line and none of the packages that only it needs.
//!
//! ```
//! use karplint::{Decision, Layers, Policy, Request, Tri, evaluate, trace};
//!
//! let policy = Policy::parse(
//!     r#"{
//!         "Version": "2012-10-17",
//!         "Statement": {
//!             "Effect": "Allow",
//!             "Action": "ec2:RunInstances",
//!             "Resource": "arn:aws:ec2:*:*:instance/*",
//!             "Condition": {"StringLike": {"ec2:InstanceType": "m5.*"}}
//!         }
//!     }"#,
//! )?;
//! let layers = Layers::of_identity([&policy]);
//! let request = Request::new("ec2:RunInstances", "arn:aws:ec2:us-west-2:111122223333:instance/*");
//!
//! let known = request.clone().with("ec2:InstanceType", "m5.large");
//! assert_eq!(evaluate(&layers, &known), Decision::Allowed);
//!
//! // A key that is not given is not in the request.
//! assert_eq!(evaluate(&layers, &request), Decision::ImplicitDeny);
//!
//! // One that nobody knows leaves the answer open, and the trace says so.
//! let unknown = request.with_unknown("ec2:InstanceType");
//! let why = trace(&layers, &unknown);
//! assert_eq!(why.decision, Decision::Unsettled);
//! assert_eq!(why.layers[0].statements[0].conditions[0].holds, Tri::Unknown);
//! # Ok::<(), karplint::ParseError>(())
//! ```
#![forbid(unsafe_code)]

pub mod aws;
#[cfg(feature = "cli")]
pub mod check;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod config;
#[cfg(feature = "cli")]
pub mod controller;
mod embedded;
pub mod error;
pub mod eval;
#[cfg(feature = "cli")]
pub mod explain;
#[cfg(feature = "cli")]
pub mod extract;
#[cfg(feature = "cli")]
pub mod finding;
#[cfg(feature = "cli")]
pub mod fix;
#[cfg(feature = "cli")]
pub mod generate;
#[cfg(feature = "cli")]
pub mod karpenter;
#[cfg(feature = "cli")]
pub mod lints;
#[cfg(feature = "cli")]
mod lsp;
mod order;
pub mod policy;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "cli")]
pub mod settings;
pub mod simulate;
pub mod source;
#[cfg(feature = "cli")]
pub mod suppress;
pub mod syntax;
mod texts;
mod words;

pub use eval::{
    Attached, Caller, Compiled, Decision, Layers, Trace, Tri, decide as evaluate, possible, trace,
};
pub use policy::request::{Request, Target};
pub use policy::{ParseError, Policy};
