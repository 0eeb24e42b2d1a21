//! The native half of trueup for Python; the other half, in Python, is what people import.
//!
//! Everything that may take a while is `Work` that goes on in the background: nothing here
//! holds Python up. What comes in and goes out is plain data, a capsule of Arrow, or a handle.

mod approvals;
mod capsule;
mod conform;
mod connector;
mod convert;
mod errors;
mod guard;
mod host;
mod input;
mod plan;
mod reconcile;
mod report;
mod rows;
mod snapshot;
mod store;
mod table;
mod work;

use pyo3::prelude::*;

/// The native half; import `trueup`, not this.
#[pymodule(name = "_native")]
mod native {
    use std::time::Duration;

    use pyo3::prelude::*;
    use trueup::Kind;

    #[pymodule_export]
    use crate::approvals::{
        BreakGlass, Grant, Key, answer, attest, refusal, sign, sign_evidence, standing,
        verify_evidence,
    };
    #[pymodule_export]
    use crate::conform::conformance;
    #[pymodule_export]
    use crate::connector::{Source, Tape};
    #[pymodule_export]
    use crate::guard::{Decision, Policy};
    #[pymodule_export]
    use crate::host::change_standing;
    #[pymodule_export]
    use crate::plan::Plan;
    #[pymodule_export]
    use crate::reconcile::{Incremental, Reconciliation};
    #[pymodule_export]
    use crate::report::{Drift, Report};
    #[pymodule_export]
    use crate::snapshot::Snapshot;
    #[pymodule_export]
    use crate::store::{Run, Store};
    #[pymodule_export]
    use crate::table::Table;
    #[pymodule_export]
    use crate::work::Work;

    /// Every kind of error and its class.
    #[pyfunction]
    fn kinds() -> Vec<(&'static str, &'static str)> {
        Kind::ALL.into_iter().map(|k| (k.name(), trueup_bindings::failure::class(k))).collect()
    }

    /// The version of the library.
    #[pyfunction]
    fn version() -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// Cancels all work and waits for it, but no longer than this: for the interpreter's exit.
    #[pyfunction]
    fn stop(py: Python<'_>, seconds: f64) -> bool {
        let limit = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        py.detach(|| trueup_bindings::process::stop(limit))
    }
}
