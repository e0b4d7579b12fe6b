//! Which of the paths that were given lead to a policy, and why others may not.

use crate::source::{Given, GivenKind};

/// What was found below the paths that were given.
pub(super) struct Holding<'c> {
    /// Whether a path, by its number, leads to a policy.
    given: Vec<bool>,
    /// The files and folders that do.
    found: Vec<&'c str>,
    /// By the number of a path: what its files name that is not here.
    away: Vec<(usize, String)>,
}

impl<'c> Holding<'c> {
    pub(super) fn new(count: usize) -> Self {
        Self { given: vec![false; count], found: Vec::new(), away: Vec::new() }
    }

    /// A file or folder holds a policy to which the path of a number led.
    pub(super) fn mark(&mut self, given: usize, file: &'c str) {
        if let Some(holds) = self.given.get_mut(given) {
            *holds = true;
            self.found.push(file);
        }
    }

    /// Something that the files of a path name is not here.
    pub(super) fn miss(&mut self, given: usize, reason: String) {
        self.away.push((given, reason));
    }

    /// Whether nothing was found below the path of a number so far.
    pub(super) fn lacks(&self, given: usize) -> bool {
        self.given.get(given) == Some(&false)
    }

    /// Whether a path leads to a policy. A file counts for the first path that led to it; a second path led
    /// to it as well.
    pub(super) fn holds(&self, at: usize, given: &Given) -> bool {
        self.given.get(at) == Some(&true) || self.found.iter().any(|file| leads_to(given, file))
    }

    /// What a path that leads to no policy names and what is not here, in words.
    pub(super) fn away(&self, at: usize) -> Option<String> {
        let mut own = self.away.iter().filter(|(given, _)| *given == at).map(|(_, reason)| reason);
        let first = own.next()?;
        Some(match own.count() {
            0 => first.clone(),
            1 => format!("{first}, and 1 module more"),
            more => format!("{first}, and {more} modules more"),
        })
    }
}

/// Whether a path as given leads to this file.
fn leads_to(given: &Given, file: &str) -> bool {
    match given.kind {
        // A link is another name for the file.
        GivenKind::File => given.path == file || is_same_file(&given.path, file),
        GivenKind::Stdin => given.path == file,
        GivenKind::Folder => {
            given.path == "."
                || file.strip_prefix(given.path.as_str()).is_some_and(|rest| rest.starts_with('/'))
        }
        GivenKind::Glob => {
            glob::Pattern::new(&given.path).is_ok_and(|pattern| pattern.matches(file))
        }
    }
}

fn is_same_file(one: &str, other: &str) -> bool {
    let one = std::fs::canonicalize(one);
    one.is_ok_and(|one| std::fs::canonicalize(other).is_ok_and(|other| one == other))
}
