//! Processors and randomness of this machine for a comparison.

use std::num::NonZero;

use trueup_connector::{Error, Kind, Result, Snapshot};

use crate::reconcile::{Reconciliation, Report, Run};

impl Run {
    /// A run on all processors, with hash keys fresh from the operating system.
    ///
    /// # Errors
    /// `unavailable` where the operating system has no randomness to give.
    pub fn fresh() -> Result<Self> {
        let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
        let mut seed = [0; 4];
        for word in &mut seed {
            *word = getrandom::u64().map_err(|cause| {
                Error::new(Kind::Unavailable, "the operating system gives no randomness")
                    .with_source(cause)
            })?;
        }
        Ok(Self::new(threads, seed))
    }
}

impl Reconciliation {
    /// Compares two snapshots on all processors.
    ///
    /// # Errors
    /// As [`Reconciliation::compare`].
    pub fn run(&self, expected: &Snapshot, actual: &Snapshot) -> Result<Report> {
        self.compare(&Run::fresh()?, expected, actual)
    }
}
