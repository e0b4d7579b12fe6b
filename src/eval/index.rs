//! From an action to the statements whose `Action` may match it, so that a request touches no others.

use crate::policy::action::ActionPattern;

/// Hashes of an action in lower case: of all of it, and of its service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActionHash {
    whole: u64,
    service: u64,
}

impl ActionHash {
    /// FNV-1a over `service:name`. Equal texts have equal hashes; a clash costs a comparison.
    pub(crate) fn new(action: &str) -> Self {
        let mut whole = 0xcbf2_9ce4_8422_2325_u64;
        let mut service = None;
        for byte in action.bytes() {
            if byte == b':' {
                service.get_or_insert(whole);
            }
            whole = (whole ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
        }
        Self { whole, service: service.unwrap_or(whole) }
    }
}

/// The statements of one effect.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    /// By the hash of an action that the statement names in full; sorted.
    exact: Vec<(u64, Place)>,
    /// By the hash of a service, of whose actions the statement names some by a pattern; sorted.
    service: Vec<(u64, usize)>,
    /// Statements that may be about any service.
    rest: Vec<usize>,
}

/// A statement, and the pattern in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) statement: usize,
    pub(crate) pattern: usize,
}

/// A statement that may be about an action.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Candidate {
    /// This pattern of it has the same hash.
    Exact(Place),
    /// Its patterns have to be tried.
    Loose(usize),
}

impl Index {
    /// Adds a statement with these values of `Action`; those of `NotAction` may be about anything.
    pub(crate) fn add(&mut self, statement: usize, negated: bool, patterns: &[ActionPattern]) {
        if negated {
            self.rest.push(statement);
            return;
        }
        for (pattern, action) in patterns.iter().enumerate() {
            if let Some(action) = action.as_exact().filter(|action| action.is_ascii()) {
                self.exact.push((ActionHash::new(action).whole, Place { statement, pattern }));
            } else if let Some(service) = action.service() {
                self.service.push((ActionHash::new(&service).service, statement));
            } else {
                self.rest.push(statement);
            }
        }
    }

    /// To be called once all statements are added.
    pub(crate) fn finish(&mut self) {
        self.exact.sort_unstable();
        self.service.sort_unstable();
        self.service.dedup();
        self.rest.sort_unstable();
        self.rest.dedup();
    }

    /// The statements that may be about the action; one may come twice.
    pub(crate) fn candidates(&self, hash: ActionHash) -> impl Iterator<Item = Candidate> {
        let exact = run(&self.exact, hash.whole).map(|place| Candidate::Exact(*place));
        let service =
            run(&self.service, hash.service).map(|statement| Candidate::Loose(*statement));
        let rest = self.rest.iter().map(|statement| Candidate::Loose(*statement));
        exact.chain(service).chain(rest)
    }
}

/// The entries with this hash.
fn run<T>(sorted: &[(u64, T)], hash: u64) -> impl Iterator<Item = &T> {
    let start = sorted.partition_point(|(own, _)| *own < hash);
    let rest = sorted.get(start..).unwrap_or(&[]);
    rest.iter().take_while(move |(own, _)| *own == hash).map(|(_, item)| item)
}
