//! What the text around a value leaves open: whether the value is there at all.

use crate::source::Span;

/// A condition of a template that nobody decided: the text around a policy says that something is
/// there only if it holds, or only if it does not (CloudFormation, *Condition functions*).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// The name of the condition.
    pub name: Box<str>,
    /// Whether it has to hold.
    pub holds: bool,
    /// Where the text says so.
    pub span: Span,
    /// The parameters or variables whose values would decide it.
    pub asks: Vec<String>,
    /// The flag that gives such a value: `--parameter`, `--var`; none where only the text can.
    pub flag: &'static str,
}

impl When {
    /// What the keys of such conditions begin with. No key of IAM holds a blank.
    pub const KEY_PREFIX: &'static str = "template condition ";

    /// The condition as a key of a request's context: in two templates one name is two things. It is
    /// `true` where the condition holds, and anything else where it does not.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}{}@{}", Self::KEY_PREFIX, self.name, self.span.source.0)
    }

    /// A name with the conditions on which it hangs: `x (if A and not B)`.
    #[must_use]
    pub fn after(name: &str, when: &[Self]) -> String {
        let mut out = name.to_owned();
        for (number, when) in when.iter().enumerate() {
            out.push_str(if number == 0 { " (if " } else { " and " });
            out.push_str(if when.holds { "" } else { "not " });
            out.push_str(&when.name);
        }
        if !when.is_empty() {
            out.push(')');
        }
        out
    }
}
