//! Condition operators as names (IAM User Guide, *IAM JSON policy elements: Condition operators*):
//! `[ForAllValues:|ForAnyValue:]Name[IfExists]`, in exact case.

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator {
    /// The set operator in front.
    pub set: Option<SetOperator>,
    /// What is compared, and how.
    pub kind: Kind,
    /// Whether it is the `Not…` form: no value of the policy may match.
    pub negated: bool,
    /// Whether a missing key makes the line true.
    pub if_exists: bool,
}

/// Set operators (IAM User Guide, *Single-valued vs. multivalued context keys*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetOperator {
    /// `ForAllValues:`.
    ForAllValues,
    /// `ForAnyValue:`.
    ForAnyValue,
}

/// The comparison of an operator, negation aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `StringEquals`: a `*` is literal.
    StringEquals,
    /// `StringEqualsIgnoreCase`.
    StringEqualsIgnoreCase,
    /// `StringLike`.
    StringLike,
    /// `NumericEquals` and its kin.
    Numeric(Relation),
    /// `DateEquals` and its kin.
    Date(Relation),
    /// `Bool`.
    Bool,
    /// `BinaryEquals`.
    Binary,
    /// `IpAddress`.
    Ip,
    /// `ArnEquals` and `ArnLike`, which are the same.
    Arn,
    /// `Null`.
    Null,
}

/// How the request's value stands to the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `Equals`.
    Equal,
    /// `LessThan`.
    Less,
    /// `LessThanEquals`.
    LessOrEqual,
    /// `GreaterThan`.
    Greater,
    /// `GreaterThanEquals`.
    GreaterOrEqual,
}

/// Every operator without set prefix and `IfExists`.
const NAMES: [(&str, Kind, bool); 27] = [
    ("StringEquals", Kind::StringEquals, false),
    ("StringNotEquals", Kind::StringEquals, true),
    ("StringEqualsIgnoreCase", Kind::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Kind::StringEqualsIgnoreCase, true),
    ("StringLike", Kind::StringLike, false),
    ("StringNotLike", Kind::StringLike, true),
    ("NumericEquals", Kind::Numeric(Relation::Equal), false),
    ("NumericNotEquals", Kind::Numeric(Relation::Equal), true),
    ("NumericLessThan", Kind::Numeric(Relation::Less), false),
    ("NumericLessThanEquals", Kind::Numeric(Relation::LessOrEqual), false),
    ("NumericGreaterThan", Kind::Numeric(Relation::Greater), false),
    ("NumericGreaterThanEquals", Kind::Numeric(Relation::GreaterOrEqual), false),
    ("DateEquals", Kind::Date(Relation::Equal), false),
    ("DateNotEquals", Kind::Date(Relation::Equal), true),
    ("DateLessThan", Kind::Date(Relation::Less), false),
    ("DateLessThanEquals", Kind::Date(Relation::LessOrEqual), false),
    ("DateGreaterThan", Kind::Date(Relation::Greater), false),
    ("DateGreaterThanEquals", Kind::Date(Relation::GreaterOrEqual), false),
    ("Bool", Kind::Bool, false),
    ("BinaryEquals", Kind::Binary, false),
    ("IpAddress", Kind::Ip, false),
    ("NotIpAddress", Kind::Ip, true),
    ("ArnEquals", Kind::Arn, false),
    ("ArnNotEquals", Kind::Arn, true),
    ("ArnLike", Kind::Arn, false),
    ("ArnNotLike", Kind::Arn, true),
    ("Null", Kind::Null, false),
];

impl Operator {
    /// The operator called `name`; `None` if AWS knows none of that name. `NullIfExists` is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(SetOperator::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(SetOperator::ForAnyValue), rest),
            Some(_) => return None,
            None => (None, name),
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (_, kind, negated) = NAMES.iter().find(|(name, ..)| *name == base)?;
        if *kind == Kind::Null && if_exists {
            return None;
        }
        Some(Self { set, kind: *kind, negated: *negated, if_exists })
    }

    /// The operator that was probably meant by `name`, which is none.
    #[must_use]
    pub fn suggest(name: &str) -> Option<String> {
        let (prefix, rest) = name.rsplit_once(':').unwrap_or(("", name));
        let sets = ["ForAllValues", "ForAnyValue"];
        let prefix =
            if prefix.is_empty() { "" } else { super::lower::nearest(prefix, sets.into_iter())? };
        let plain = NAMES.iter().map(|(name, ..)| (*name).to_owned());
        let if_exists = NAMES.iter().filter(|(_, kind, _)| *kind != Kind::Null);
        let all: Vec<String> =
            plain.chain(if_exists.map(|(name, ..)| format!("{name}IfExists"))).collect();
        let base = super::lower::nearest(rest, all.iter().map(String::as_str))?;
        Some(if prefix.is_empty() { base.to_owned() } else { format!("{prefix}:{base}") })
    }
}
