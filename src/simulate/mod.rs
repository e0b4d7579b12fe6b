//! The offline twin of `aws iam simulate-custom-policy`: requests as JSON in, decisions with the
//! statements that made them out (IAM API Reference, *SimulateCustomPolicy*). Beyond AWS's simulator it
//! knows service control and session policies, roles, sessions and other accounts.
//!
//! Documents are taken as AWS would take them: no placeholders, one reading where AWS's pages are
//! silent. A key that a request does not list is absent, unless it was named as unknown. This room reads
//! and answers one request at a time; it knows nothing of files or streams.

mod answer;
mod document;
mod effort;
mod read;
mod request;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use crate::policy::request::Key;

pub use answer::{Answer, Evaluation, Statement};
pub use document::Place;
pub use write::{is_invisible, write_answer, write_error};

use document::Cache;

/// Answers requests; documents that come again are not read again.
#[derive(Debug)]
pub struct Simulator {
    unknown: Arc<[Key]>,
    cache: Cache,
}

/// Why a request was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Where in the request: bytes from its start.
    pub offset: usize,
    /// Where in the policy, if the policy is a text in the request.
    pub place: Option<Place>,
}

impl Simulator {
    /// `unknown` are keys that requests may have with any one value or not have at all, unless they say
    /// so; also with several values, where AWS documents that or a set operator asks for them.
    #[must_use]
    pub fn new(unknown: &[String]) -> Self {
        let unknown = unknown.iter().map(|key| Key::from(key.as_str())).collect();
        Self { unknown, cache: Cache::default() }
    }

    /// Answers the request that `text` holds as a JSON object.
    ///
    /// # Errors
    /// Where the text is not JSON, not a request, or holds a policy that AWS would refuse.
    pub fn answer(&mut self, text: &str) -> Result<Answer, RequestError> {
        let request = request::read(text, &mut self.cache)?;
        Ok(answer::answer(request, &self.unknown))
    }
}
