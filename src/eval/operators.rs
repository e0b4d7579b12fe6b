//! One line of a `Condition` block: an operator, a key and its values (IAM User Guide, *IAM JSON
//! policy elements: Condition operators*, *Creating a condition with multiple keys or values*,
//! *Single-valued vs. multivalued context keys*).

pub(crate) mod addresses;
mod binary;
pub(crate) mod dates;
pub(crate) mod numbers;
#[cfg(test)]
mod tests;
mod value;

use super::Readings;
use crate::policy::condition::{Kind, Operator, SetOperator};
use crate::policy::request::{Context, Key, Seen, Values};
use crate::policy::symbolic::{Piece, Shape, Symbol, Symbolic};
use crate::policy::tri::Tri;

pub(crate) use value::{Test, Typed};

/// A prepared line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) operator: Named,
    pub(crate) name: Symbolic,
    pub(crate) key: Key,
    pub(crate) tests: Box<[Test]>,
    readings: Readings,
    /// Whether AWS documents the key as multivalued.
    multivalued: bool,
}

/// Global keys with several values (*AWS global condition context keys*), in lower case.
const MULTIVALUED: [&str; 7] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
];

/// A contested point: a key of several values under an operator for one.
pub(crate) const SEVERAL: &str = "what an operator for one value does on a key of several";

/// What the name of an operator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Operator(Operator),
    /// No operator has this name: the line never holds.
    Nothing,
    /// The name holds a placeholder.
    Open,
}

/// A value of which nothing is known. No policy refers to it.
pub(crate) fn any_value() -> Symbolic {
    Symbolic::symbol(Symbol { id: u32::MAX, shape: Shape::ANY })
}

impl Line {
    /// Prepares the line; `variables` is false in policies of 2008.
    pub(crate) fn new(
        name: &Symbolic,
        key: &Symbolic,
        values: &[Symbolic],
        variables: bool,
        readings: Readings,
    ) -> Self {
        let operator = match name.as_literal() {
            Some(name) => Operator::parse(name).map_or(Named::Nothing, Named::Operator),
            None => Named::Open,
        };
        let tests = match operator {
            Named::Operator(operator) => {
                values.iter().map(|value| Test::new(operator.kind, value, variables)).collect()
            }
            Named::Nothing | Named::Open => Box::default(),
        };
        let key = Key::new(key);
        let multivalued = key.text().as_literal().is_some_and(|key| MULTIVALUED.contains(&key));
        Self { operator, name: name.clone(), key, tests, readings, multivalued }
    }

    /// Whether AWS documents the key as multivalued.
    pub(crate) fn multivalued(&self) -> bool {
        self.multivalued
    }

    /// Whether the line holds in `context`.
    pub(crate) fn holds(&self, context: &Context) -> Tri {
        self.holds_where(context.seen(&self.key), context)
    }

    /// Whether it holds where `seen` is what is known of its key.
    pub(crate) fn holds_where(&self, seen: Seen<'_>, context: &Context) -> Tri {
        let operator = match self.operator {
            Named::Operator(operator) => operator,
            Named::Nothing => return Tri::False,
            Named::Open => return Tri::Unknown,
        };
        if operator.kind == Kind::Null {
            return self.null(self.is_null(seen));
        }
        match seen {
            Seen::Known(values) => self.known(operator, values, context),
            Seen::Absent => self.absent(operator),
            Seen::Present => self.present(operator, context),
            // What holds with and without the key holds.
            Seen::Unknown => self.absent(operator).either(self.present(operator, context)),
        }
    }

    /// `Null`: `true` asks for a missing key, `false` for one that is there.
    fn null(&self, null: Tri) -> Tri {
        Tri::any(self.tests.iter().map(|test| match test.as_bool() {
            Some(Tri::True) => null,
            Some(Tri::False) => !null,
            Some(Tri::Unknown) => Tri::Unknown,
            // Neither `true` nor `false`.
            None => Tri::False,
        }))
    }

    /// Whether a request without the key may meet it.
    #[cfg(feature = "cli")]
    pub(crate) fn holds_without(&self) -> bool {
        match self.operator {
            Named::Operator(operator) if operator.kind == Kind::Null => {
                self.null(Tri::True) != Tri::False
            }
            Named::Operator(operator) => self.absent(operator) != Tri::False,
            Named::Nothing | Named::Open => false,
        }
    }

    fn absent(&self, operator: Operator) -> Tri {
        match (operator.set, operator.if_exists) {
            // No value: nothing can be any of them (Access Analyzer policy check reference).
            (Some(SetOperator::ForAnyValue), _) if self.tests.is_empty() => Tri::False,
            // All of no values satisfy anything.
            (Some(SetOperator::ForAllValues), _) => Tri::True,
            // None of no values satisfies anything, negated or not.
            (Some(SetOperator::ForAnyValue), false) => Tri::False,
            // `IfExists` says true, and no page speaks of the two together.
            (Some(SetOperator::ForAnyValue), true) => match self.readings {
                Readings::Settled => Tri::True,
                Readings::Open => Tri::Unknown,
            },
            (None, true) => Tri::True,
            // Without a value, a negated operator finds nothing equal.
            (None, false) => operator.negated.into(),
        }
    }

    fn known(&self, operator: Operator, values: &Values, context: &Context) -> Tri {
        match values {
            Values::OneOf(values) if values.is_empty() => self.present(operator, context),
            Values::OneOf(values) => {
                Tri::agreed(values.iter().map(|value| self.single(operator, value, context)))
            }
            Values::One(value) => self.single(operator, value, context),
            Values::Many(values) => match operator.set {
                Some(set) => self.set(operator, set, values, context),
                None => self.unset(operator, values, context),
            },
        }
    }

    /// Several values need a set operator. No page says what comes of it without one; reports say that nothing
    /// matches. What matches by no reading is certain all the same.
    fn unset(&self, operator: Operator, values: &[Symbolic], context: &Context) -> Tri {
        match self.readings {
            Readings::Settled => Tri::False,
            Readings::Open => {
                let mut each = values.iter().map(|value| self.compare(operator, value, context));
                Tri::False.either(Tri::any(&mut each))
            }
        }
    }

    fn single(&self, operator: Operator, value: &Symbolic, context: &Context) -> Tri {
        match operator.set {
            Some(set) => self.set(operator, set, std::slice::from_ref(value), context),
            // An empty list matches only if the key is missing, where that matches at all.
            None if self.tests.is_empty() && operator.if_exists => Tri::False,
            None => self.compare(operator, value, context),
        }
    }

    fn present(&self, operator: Operator, context: &Context) -> Tri {
        let value = any_value();
        if self.tests.is_empty() && operator.if_exists && operator.set.is_none() {
            return Tri::False;
        }
        let every = self.compare(operator, &value, context);
        match operator.set {
            // Without a set operator none of several values is taken; that there is one alone, nobody
            // can rule out.
            None if self.multivalued => every.either(Tri::False),
            None => every,
            // True for every value, and for none.
            Some(SetOperator::ForAllValues) if every == Tri::True && !self.tests.is_empty() => {
                Tri::True
            }
            Some(SetOperator::ForAnyValue) if every == Tri::False || self.tests.is_empty() => {
                Tri::False
            }
            // The list may be empty, or hold what differs.
            Some(_) => Tri::Unknown,
        }
    }

    fn set(
        &self,
        operator: Operator,
        set: SetOperator,
        values: &[Symbolic],
        context: &Context,
    ) -> Tri {
        let null = Tri::all(values.iter().map(is_empty));
        let mut each = values.iter().map(|value| self.compare(operator, value, context));
        let (for_null, otherwise) = match set {
            SetOperator::ForAllValues if self.tests.is_empty() => (Tri::True, Tri::False),
            SetOperator::ForAnyValue if self.tests.is_empty() => (Tri::False, Tri::False),
            SetOperator::ForAllValues => (Tri::True, Tri::all(&mut each)),
            SetOperator::ForAnyValue => (Tri::False, Tri::any(&mut each)),
        };
        match null {
            // The documents call a set of empty texts null; reports take it as any other.
            Tri::True if self.readings == Readings::Open && !values.is_empty() => {
                for_null.either(otherwise)
            }
            Tri::True => for_null,
            Tri::False => otherwise,
            Tri::Unknown => for_null.either(otherwise),
        }
    }

    /// Whether the key is missing or its value null. A set of empty texts is null (*Single-valued vs.
    /// multivalued context keys*), and reports say that an empty text is as good as any.
    fn is_null(&self, seen: Seen<'_>) -> Tri {
        let of = |value: &Symbolic| match (is_empty(value), self.readings) {
            (Tri::True, Readings::Open) => Tri::Unknown,
            (empty, _) => empty,
        };
        match seen {
            Seen::Absent => Tri::True,
            Seen::Present => Tri::False,
            Seen::Unknown => Tri::Unknown,
            Seen::Known(Values::One(value)) => of(value),
            Seen::Known(Values::Many(values)) => Tri::all(values.iter().map(of)),
            Seen::Known(Values::OneOf(values)) if values.is_empty() => Tri::False,
            Seen::Known(Values::OneOf(values)) => Tri::agreed(values.iter().map(of)),
        }
    }

    /// The point on which the documents are at odds, if that is what leaves the line open.
    pub(crate) fn contested(&self, seen: Seen<'_>) -> Option<&'static str> {
        let Named::Operator(operator) = self.operator else { return None };
        if self.readings == Readings::Settled {
            return None;
        }
        let all_empty = |values: &[Symbolic]| {
            !values.is_empty() && values.iter().all(|value| is_empty(value) == Tri::True)
        };
        match (seen, operator.set) {
            (Seen::Absent, Some(SetOperator::ForAnyValue)) if operator.if_exists => {
                Some("how `ForAnyValue` with `IfExists` takes a missing key")
            }
            (Seen::Known(Values::Many(_)), None) if operator.kind != Kind::Null => Some(SEVERAL),
            (Seen::Present | Seen::Unknown, None)
                if self.multivalued && operator.kind != Kind::Null =>
            {
                Some(SEVERAL)
            }
            (Seen::Known(values), set) if set.is_some() || operator.kind == Kind::Null => {
                let empty = match values {
                    Values::One(value) => all_empty(std::slice::from_ref(value)),
                    Values::Many(values) | Values::OneOf(values) => all_empty(values),
                };
                empty.then_some("whether an empty value counts as a missing key")
            }
            _ => None,
        }
    }

    /// One value of the request against all of the policy: one of them, or none of them if negated.
    fn compare(&self, operator: Operator, value: &Symbolic, context: &Context) -> Tri {
        let any = Tri::any(self.tests.iter().map(|test| test.matches(value, context)));
        if operator.negated { !any } else { any }
    }
}

/// Whether the text is empty.
fn is_empty(text: &Symbolic) -> Tri {
    Tri::all(text.pieces().iter().map(|piece| match piece {
        Piece::Literal(text) => text.is_empty().into(),
        Piece::Symbol(symbol) if symbol.shape.min > 0 => Tri::False,
        Piece::Symbol(symbol) if symbol.shape.max == 0 => Tri::True,
        Piece::Symbol(_) => Tri::Unknown,
    }))
}
