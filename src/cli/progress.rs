//! How far a long run is, on a terminal only.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// Nobody waits for a shorter run, in milliseconds.
const QUIET: u64 = 1_000;
/// Between two lines, in milliseconds.
const PAUSE: u64 = 100;

/// One phase of a run.
pub(super) struct Progress {
    what: &'static str,
    all: usize,
    done: AtomicUsize,
    /// When a line is due next, in milliseconds of the run.
    due: AtomicU64,
    /// Whether a line stands there.
    shown: Mutex<bool>,
}

/// The time since the run began, in milliseconds, where standard error is a terminal that can go back in
/// a line.
fn elapsed() -> Option<u64> {
    static START: OnceLock<Option<Instant>> = OnceLock::new();
    let start = START.get_or_init(|| {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        (io::stderr().is_terminal() && !dumb).then(Instant::now)
    });
    start.map(|start| u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX))
}

impl Progress {
    /// `what` is done with `all` things: "reading".
    pub(super) fn new(what: &'static str, all: usize) -> Self {
        let due = elapsed().map_or(u64::MAX, |_| QUIET);
        Self {
            what,
            all,
            done: AtomicUsize::new(0),
            due: AtomicU64::new(due),
            shown: Mutex::new(false),
        }
    }

    /// One more is done.
    pub(super) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let due = self.due.load(Ordering::Relaxed);
        let Some(now) = elapsed().filter(|now| *now >= due) else { return };
        // One thread writes; the others go on.
        let Ok(mut shown) = self.shown.try_lock() else { return };
        self.due.store(now + PAUSE, Ordering::Relaxed);
        *shown |= write!(io::stderr(), "\r{} {done} of {}\x1b[K", self.what, self.all).is_ok();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // What comes next begins on an empty line.
        if *self.shown.get_mut().unwrap_or_else(PoisonError::into_inner) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
