//! The same work on many things, on all cores. Results are in the order of the things, so that threads
//! never change a byte of a report.

use std::num::NonZeroUsize;

use rayon::prelude::*;

use super::progress::Progress;

/// Below so many, starting threads takes longer than the work.
const FEW: usize = 16;

/// Works on `jobs` cores from now on; on all of them where nobody says, and on no more than there are: a thread
/// without a core to run on only takes memory. Without effect once work began.
pub(super) fn limit(jobs: Option<NonZeroUsize>) {
    if let Some(jobs) = jobs {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        // An error says that there are threads already, and those do as well.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(jobs.get().min(cores)).build_global();
    }
}

/// `act` on each of `items`; `what` says so to who waits for it: "reading".
pub(super) fn map<T: Sync, R: Send>(
    items: &[T],
    what: &'static str,
    act: impl Fn(&T) -> R + Sync + Send,
) -> Vec<R> {
    if items.len() < FEW {
        return items.iter().map(act).collect();
    }
    let progress = Progress::new(what, items.len());
    let act = |item| {
        let made = act(item);
        progress.step();
        made
    };
    items.par_iter().map(act).collect()
}

/// The same on what is used up by it, and so shortly that nobody is told how far it is.
pub(super) fn take<T: Send, R: Send>(items: Vec<T>, act: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < FEW {
        return items.into_iter().map(act).collect();
    }
    items.into_par_iter().map(act).collect()
}
