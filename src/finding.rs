//! Findings: what a check says, as plain data. How they are printed is the business of `report`.

use crate::fix::Edit;
use crate::source::Span;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Advice.
    Note,
    /// Denies nothing for certain, or only something that Karpenter can do without.
    Warning,
    /// Nodes will not come, or AWS would refuse the document.
    Error,
}

impl Severity {
    /// The word in every report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place and what to say there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The token.
    pub span: Span,
    /// What belongs there, or what Karpenter sends.
    pub message: String,
}

/// The word in front of a fact, in the order in which facts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// The statement that came closest, and what in it failed.
    Nearest,
    /// The calls that fail, dry run or real, with the status.
    Breaks,
    /// What works all the same.
    Works,
    /// The words of Kubernetes or of the log.
    YouSee,
    /// What was taken for granted.
    Assumed,
    /// What to give to get an answer.
    Settles,
    /// The smallest change.
    Fix,
}

impl Word {
    /// As printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Breaks => "breaks",
            Self::Works => "works",
            Self::YouSee => "you see",
            Self::Assumed => "assumed",
            Self::Settles => "settles",
            Self::Fix => "fix",
        }
    }
}

/// One line or more below the frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What kind of fact.
    pub word: Word,
    /// The lines.
    pub lines: Vec<String>,
}

/// One denied authorisation of a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denied {
    /// `ec2:CreateFleet`.
    pub action: String,
    /// `launch-template`; empty where the action has none.
    pub resource_type: String,
    /// The ARN, unknown parts as `${name}`.
    pub resource: String,
    /// Id of the request.
    pub request: String,
    /// Whether the request is a dry run.
    pub dry_run: bool,
}

/// The condition that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionData {
    /// As written.
    pub operator: String,
    /// As written.
    pub key: String,
    /// The values of the policy.
    pub expected: Vec<String>,
    /// What Karpenter sends; empty if it does not send the key.
    pub sent: Vec<String>,
}

/// How far to trust a fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Applicability {
    /// It changes nothing but what is wrong.
    Safe,
    /// Somebody should look at it: a permission may be there for a reason that no file tells.
    Unsafe,
    /// It can only be shown: the file is generated, or more has to be changed than text.
    Display,
}

impl Applicability {
    /// The word in every report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Display => "display",
        }
    }
}

/// A change that removes the cause of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a sentence.
    pub title: String,
    /// How far to trust it.
    pub applicability: Applicability,
    /// The changes, in the order of the text; empty where they can only be told.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// Whether there is something to apply.
    #[must_use]
    pub fn can_be_applied(&self) -> bool {
        self.applicability != Applicability::Display && !self.edits.is_empty()
    }
}

/// What a program wants to know of a finding. Fields that do not apply are `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// The Karpenter version; of several, the first that the finding concerns.
    pub karpenter: Option<String>,
    /// All that it concerns, where several were looked at.
    pub versions: Vec<String>,
    /// How bad it is in each of these; the finding says the worst.
    pub severities: Vec<Severity>,
    /// `implicit-deny`, `explicit-deny` or `unsettled`.
    pub verdict: Option<&'static str>,
    /// The text at fault, where a needed one is written wrongly.
    pub written: Option<String>,
    /// The rule that `dry-run-denied` or `dry-run-blind` replaced.
    pub cause: Option<&'static str>,
    /// The action of a finding that denies nothing.
    pub action: Option<String>,
    /// All that is denied (or unsettled), in call order.
    pub denied: Vec<Denied>,
    /// The condition.
    pub condition: Option<ConditionData>,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable kebab-case id.
    pub rule: &'static str,
    /// How bad.
    pub severity: Severity,
    /// One sentence that stands alone.
    pub message: String,
    /// The smallest change, in a sentence.
    pub help: Option<String>,
    /// Name of the controller it is about.
    pub controller: Option<String>,
    /// Address of the resource that holds the span.
    pub address: Option<String>,
    /// `Sid` of the statement at fault.
    pub sid: Option<String>,
    /// Where.
    pub primary: Label,
    /// Other places of the same cause.
    pub related: Vec<Label>,
    /// Where manifests say what makes Karpenter ask: the field is the message.
    pub because: Vec<Label>,
    /// Facts, sorted by their word: [`Self::fact`] puts each to its place.
    pub facts: Vec<Fact>,
    /// For programs.
    pub data: Data,
    /// The change that removes it.
    pub fix: Option<Fix>,
}

impl Finding {
    /// A finding with nothing but a place and a sentence.
    #[must_use]
    pub fn new(
        rule: &'static str,
        severity: Severity,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            severity,
            message: message.into(),
            help: None,
            controller: None,
            address: None,
            sid: None,
            primary: Label { span, message: String::new() },
            related: Vec::new(),
            because: Vec::new(),
            facts: Vec::new(),
            data: Data::default(),
            fix: None,
        }
    }

    /// All its places, the first one first.
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        std::iter::once(&self.primary).chain(&self.related)
    }

    /// Adds a fact unless it has no lines.
    pub fn fact(&mut self, word: Word, lines: Vec<String>) {
        if !lines.is_empty() {
            let at = self.facts.partition_point(|fact| fact.word <= word);
            self.facts.insert(at, Fact { word, lines });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    #[test]
    fn facts_stand_in_the_order_of_their_words() {
        let source = SourceMap::new().add_file("a.json", "{}");
        let mut finding = Finding::new("syntax", Severity::Error, Span::new(source, 0, 1), "");
        let line = |text: &str| vec![text.to_owned()];
        finding.fact(Word::Fix, line("last"));
        finding.fact(Word::Breaks, line("first"));
        finding.fact(Word::Fix, line("and more"));
        finding.fact(Word::YouSee, Vec::new());
        let told: Vec<(Word, &str)> =
            finding.facts.iter().map(|fact| (fact.word, fact.lines[0].as_str())).collect();
        let wanted = [(Word::Breaks, "first"), (Word::Fix, "last"), (Word::Fix, "and more")];
        assert_eq!(told, wanted);
    }
}
