//! The same work on many things, on all cores. Results are in the order of the things, so that threads
//! never change a byte of a report.

use rayon::prelude::*;

/// Below so many, starting threads takes longer than the work.
const FEW: usize = 16;

/// `act` on each of `items`.
pub(super) fn map<T: Sync, R: Send>(items: &[T], act: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < FEW {
        items.iter().map(act).collect()
    } else {
        items.par_iter().map(act).collect()
    }
}
