//! What is asked of policies: one action on one resource, in one context.

use std::cell::OnceCell;
use std::sync::Arc;

use super::matching::{may_match, text_tokens};
use super::symbolic::{Piece, Symbolic};

/// One authorisation question.
#[derive(Debug, Clone)]
pub struct Request {
    /// `service:Name`.
    pub action: Box<str>,
    /// On what.
    pub resource: Target,
    /// The condition keys.
    pub context: Context,
}

impl Request {
    /// An action on the resource with this ARN; `*` is no particular resource. A condition key that is
    /// not added is not in the request.
    #[must_use]
    pub fn new(action: &str, resource: &str) -> Self {
        let resource = match resource {
            "*" => Target::Any,
            arn => Target::Arn(Symbolic::literal(arn)),
        };
        Self { action: action.into(), resource, context: Context::default() }
    }

    /// With a condition key of one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.context.set(Key::from(key), Status::Known(Values::One(Symbolic::literal(value))));
        self
    }

    /// With a multivalued condition key, such as `aws:TagKeys`.
    #[must_use]
    pub fn with_values<'v>(mut self, key: &str, values: impl IntoIterator<Item = &'v str>) -> Self {
        let values = values.into_iter().map(Symbolic::literal).collect();
        self.context.set(Key::from(key), Status::Known(Values::Many(values)));
        self
    }

    /// With a condition key of which nobody knows whether it is there, and with what value.
    #[must_use]
    pub fn with_unknown(mut self, key: &str) -> Self {
        self.context.set(Key::from(key), Status::Unknown);
        self
    }
}

/// The resource of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// No particular resource, as in list calls: AWS evaluates `*`.
    Any,
    /// An ARN. A `*` in it is a character like any other.
    Arn(Symbolic),
}

/// The condition keys of a request.
///
/// A key that AWS calls by two names (`ec2:ResourceTag/k` and `aws:ResourceTag/k` of EC2 resources) is
/// listed under both by who makes the context.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// What was set for this one alone.
    own: Keys,
    /// What it shares with others.
    shared: Vec<Arc<Keys>>,
    /// What many contexts have in common, and what holds of a key that is not listed.
    pub otherwise: Arc<Otherwise>,
}

/// A condition key in canonical form: lower case (keys ignore case, tag keys included: IAM User
/// Guide, *IAM JSON policy elements: Condition*), symbols kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    hash: u64,
    text: Symbolic,
}

/// Condition keys, each with what is known of it. Many requests list the same ones, so they share them.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Sorted by hash.
    entries: Vec<(Key, Status)>,
    /// How many of the keys hold symbols.
    symbolic: usize,
}

/// What is known of a condition key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Present, with these values.
    Known(Values),
    /// Certainly not in the request.
    Absent,
    /// In the request with a value that nobody knows.
    Present,
    /// Nobody knows whether it is in the request.
    Unknown,
}

/// The value or values of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// A single-valued key.
    One(Symbolic),
    /// A single-valued key with one of these values, which of them is not known. An empty list says
    /// nothing of the value.
    OneOf(Vec<Symbolic>),
    /// A multivalued key such as `aws:TagKeys`.
    Many(Vec<Symbolic>),
}

/// What many contexts have in common, and what holds of the keys that a context does not list.
#[derive(Debug, Clone, Default)]
pub struct Otherwise {
    /// Keys that are listed unless the context lists them itself.
    keys: Keys,
    /// Keys that are listed unless one of these lists has them.
    base: Arc<Keys>,
    /// Without a match below: the keys of AWS itself and those of other services.
    pub default: Presence,
    /// By prefix of the lower-case key, first match wins: `aws:requesttag/`.
    pub prefixes: Vec<(Box<str>, Presence)>,
}

/// [`Status`] without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// Certainly not in the request.
    #[default]
    Absent,
    /// In the request with a value that nobody knows.
    Present,
    /// Nobody knows.
    Unknown,
}

/// [`Status`] as looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen<'a> {
    /// Present, with these values.
    Known(&'a Values),
    /// Certainly not in the request.
    Absent,
    /// In the request with a value that nobody knows.
    Present,
    /// Nobody knows whether it is in the request.
    Unknown,
}

impl Seen<'_> {
    /// Without the value.
    #[must_use]
    pub fn presence(self) -> Presence {
        match self {
            Self::Known(_) | Self::Present => Presence::Present,
            Self::Absent => Presence::Absent,
            Self::Unknown => Presence::Unknown,
        }
    }
}

impl<'a> From<&'a Status> for Seen<'a> {
    fn from(status: &'a Status) -> Self {
        match status {
            Status::Known(values) => Self::Known(values),
            Status::Absent => Self::Absent,
            Status::Present => Self::Present,
            Status::Unknown => Self::Unknown,
        }
    }
}

impl From<Presence> for Seen<'_> {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Absent => Self::Absent,
            Presence::Present => Self::Present,
            Presence::Unknown => Self::Unknown,
        }
    }
}

impl From<Presence> for Status {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Absent => Self::Absent,
            Presence::Present => Self::Present,
            Presence::Unknown => Self::Unknown,
        }
    }
}

impl Key {
    /// The canonical form of `text`.
    #[must_use]
    pub fn new(text: &Symbolic) -> Self {
        if let Some(text) = text.as_literal().filter(|text| text.is_ascii()) {
            return Self::from(text);
        }
        let mut hash = Fnv::default();
        let mut canonical = Symbolic::default();
        for piece in text.pieces() {
            match piece {
                Piece::Literal(text) => {
                    let lower = text.to_lowercase();
                    hash.write(lower.as_bytes());
                    canonical.push_str(&lower);
                }
                Piece::Symbol(symbol) => {
                    hash.write(&[0]);
                    hash.write(&symbol.id.to_le_bytes());
                    canonical.push_symbol(*symbol);
                }
            }
        }
        Self { hash: hash.0, text: canonical }
    }

    /// The tag of the resource in place of that of the request, or the other way round; `None` for what is no tag.
    #[must_use]
    pub fn of_other_family(&self) -> Option<Self> {
        const REQUEST: &str = "aws:requesttag/";
        let (first, rest) = self.text.pieces().split_first()?;
        let Piece::Literal(first) = first else { return None };
        let (family, tag) = match first.strip_prefix(REQUEST) {
            Some(tag) => ("aws:resourcetag/", tag),
            None => {
                let mut families = ["aws:resourcetag/", "ec2:resourcetag/"].into_iter();
                (REQUEST, families.find_map(|family| first.strip_prefix(family))?)
            }
        };
        let mut other = Symbolic::literal(family);
        other.push_str(tag);
        for piece in rest {
            match piece {
                Piece::Literal(text) => other.push_str(text),
                Piece::Symbol(symbol) => other.push_symbol(*symbol),
            }
        }
        Some(Self::new(&other))
    }

    /// The key of a tag in a family such as `aws:requesttag/`, which is in lower case.
    #[must_use]
    pub fn of_tag(family: &str, tag: &Symbolic) -> Self {
        let known = tag.as_literal().filter(|tag| tag.is_ascii());
        let Some(known) = known else {
            let mut text = Symbolic::literal(family);
            text.push(tag);
            return Self::new(&text);
        };
        let mut text = String::with_capacity(family.len() + known.len());
        text.push_str(family);
        text.push_str(known);
        Self::from(text)
    }

    /// The lower-case text.
    #[must_use]
    pub fn text(&self) -> &Symbolic {
        &self.text
    }

    /// The known text in front of the first symbol.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self.text.pieces().first() {
            Some(Piece::Literal(text)) => text,
            _ => "",
        }
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Key {
    fn from(mut text: String) -> Self {
        if !text.is_ascii() {
            return Self::new(&Symbolic::from(text.into_boxed_str()));
        }
        text.make_ascii_lowercase();
        let mut hash = Fnv::default();
        hash.write(text.as_bytes());
        Self { hash: hash.0, text: Symbolic::from(text.into_boxed_str()) }
    }
}

impl Otherwise {
    /// Nothing in common; keys that are not listed are as `prefixes` say, else as `default`.
    #[must_use]
    pub fn new(default: Presence, prefixes: Vec<(Box<str>, Presence)>) -> Self {
        Self { keys: Keys::default(), base: Arc::default(), default, prefixes }
    }

    /// With keys that others have in common as well; what is set here wins.
    #[must_use]
    pub fn with_base(self, base: Arc<Keys>) -> Self {
        Self { base, ..self }
    }

    /// Sets a key of all contexts; a later setting of the same key wins.
    pub fn set(&mut self, key: Key, status: Status) {
        self.keys.set(key, status);
    }
}

impl Keys {
    /// Sets a key; a later setting of the same key wins.
    pub fn set(&mut self, key: Key, status: Status) {
        match self.place(&key) {
            Ok(place) => {
                if let Some((_, old)) = self.entries.get_mut(place) {
                    *old = status;
                }
            }
            Err(place) => {
                self.symbolic += usize::from(key.text.as_literal().is_none());
                self.entries.insert(place, (key, status));
            }
        }
    }

    /// The status of a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Status> {
        self.place(key).ok().and_then(|place| self.entries.get(place)).map(|(_, status)| status)
    }

    /// Where the key is, or where it belongs.
    fn place(&self, key: &Key) -> Result<usize, usize> {
        let start = self.entries.partition_point(|(known, _)| known.hash < key.hash);
        let rest = self.entries.get(start..).unwrap_or(&[]);
        let mut same = rest.iter().take_while(|(known, _)| known.hash == key.hash);
        same.position(|(known, _)| known == key).map(|at| start + at).ok_or(start)
    }
}

impl FromIterator<(Key, Status)> for Keys {
    fn from_iter<I: IntoIterator<Item = (Key, Status)>>(entries: I) -> Self {
        let mut keys = Self::default();
        for (key, status) in entries {
            keys.set(key, status);
        }
        keys
    }
}

impl Context {
    /// No keys but those in common; those not listed are as `otherwise` says.
    #[must_use]
    pub fn new(otherwise: impl Into<Arc<Otherwise>>) -> Self {
        Self { otherwise: otherwise.into(), ..Self::default() }
    }

    /// Sets a key, whatever is shared; a later setting of the same key wins.
    pub fn set(&mut self, key: Key, status: Status) {
        self.own.set(key, status);
    }

    /// Adds keys that other contexts list too. Those that are shared later win.
    pub fn share(&mut self, keys: Arc<Keys>) {
        if !keys.entries.is_empty() {
            self.shared.push(keys);
        }
    }

    /// All lists of keys; what stands in several has the status of the first.
    fn lists(&self) -> impl Iterator<Item = &Keys> {
        let shared = self.shared.iter().rev().map(|keys| &**keys);
        let common = [&self.otherwise.keys, &*self.otherwise.base];
        std::iter::once(&self.own).chain(shared).chain(common)
    }

    /// The status that was set for `key`; `None` if none was.
    #[must_use]
    pub fn listed(&self, key: &Key) -> Option<&Status> {
        if let Some(status) = self.own.get(key) {
            return Some(status);
        }
        for keys in self.shared.iter().rev() {
            if let Some(status) = keys.get(key) {
                return Some(status);
            }
        }
        self.otherwise.keys.get(key).or_else(|| self.otherwise.base.get(key))
    }

    /// Whether no listed key holds a symbol, so that each key stands for itself.
    pub(crate) fn is_plain(&self) -> bool {
        self.lists().all(|keys| keys.symbolic == 0)
    }

    /// What holds of a key that is not listed.
    #[must_use]
    pub fn unlisted(&self, key: &Key) -> Presence {
        let text = key.prefix();
        let found = self.otherwise.prefixes.iter().find(|(prefix, _)| text.starts_with(&**prefix));
        found.map_or(self.otherwise.default, |(_, presence)| *presence)
    }

    /// What is known of `key`, listed or not. A key with a symbol that is not listed as it stands, but
    /// could be the same as one that is, has the status that all of these agree on.
    #[must_use]
    pub fn seen(&self, key: &Key) -> Seen<'_> {
        if let Some(status) = self.listed(key) {
            return status.into();
        }
        if key.text.as_literal().is_some() && self.is_plain() {
            return self.unlisted(key).into();
        }
        let literal = key.text.as_literal().is_some();
        let tokens = OnceCell::new();
        let could_be = |known: &Key| {
            // A known text is another than one that is not listed, and two that begin differently need no
            // closer look.
            let settled = literal && known.text.as_literal().is_some();
            let mut fronts = known.prefix().bytes().zip(key.prefix().bytes());
            !settled && fronts.all(|(a, b)| a == b) && {
                let tokens = tokens.get_or_init(|| text_tokens(&key.text));
                may_match(&text_tokens(&known.text), tokens, true)
            }
        };
        let worth = |keys: &&Keys| !literal || keys.symbolic > 0;
        let others =
            self.lists().enumerate().filter(|(_, keys)| worth(keys)).flat_map(|(at, keys)| {
                let alike = keys.entries.iter().filter(|(known, _)| could_be(known));
                alike.filter(move |(known, _)| self.is_first(at, known))
            });
        let presences = others
            .map(|(_, status)| Seen::from(status).presence())
            .chain([self.unlisted_symbolic(key)]);
        let agreed = presences.reduce(|a, b| if a == b { a } else { Presence::Unknown });
        agreed.unwrap_or(Presence::Unknown).into()
    }

    /// [`Self::unlisted`] for a key with symbols, which may begin in front of where a prefix ends.
    fn unlisted_symbolic(&self, key: &Key) -> Presence {
        let front = key.prefix();
        let symbolic = key.text.as_literal().is_none();
        let mut prefixes = self.otherwise.prefixes.iter();
        if symbolic
            && prefixes.any(|(prefix, _)| prefix.len() > front.len() && prefix.starts_with(front))
        {
            return Presence::Unknown;
        }
        self.unlisted(key)
    }

    /// All listed keys, in no meaningful order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Status)> {
        let listed = self
            .lists()
            .enumerate()
            .flat_map(|(at, keys)| keys.entries.iter().map(move |(key, status)| (at, key, status)));
        let first = listed.filter(|(at, key, _)| self.is_first(*at, key));
        first.map(|(_, key, status)| (key, status))
    }

    /// The listed keys whose values are known, in no meaningful order.
    #[cfg(feature = "cli")]
    pub(crate) fn known(&self) -> impl Iterator<Item = &Key> {
        self.lists().enumerate().flat_map(move |(at, keys)| {
            let known = |(_, status): &&(Key, Status)| matches!(status, Status::Known(_));
            let all = keys.entries.iter().filter(known).map(|(key, _)| key);
            all.filter(move |key| self.is_first(at, key))
        })
    }

    /// Whether no list in front of the one at `at` has the key.
    fn is_first(&self, at: usize, key: &Key) -> bool {
        self.lists().take(at).all(|keys| keys.get(key).is_none())
    }
}

/// FNV-1a: short keys, no dependency on the process, so orders are the same on every run.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
