//! Where the library meets the machine: processors, clocks, randomness, tasks, one file.
//!
//! order: fresh → clock → backoff → names → read → layers → store → executor

mod backoff;
mod clock;
#[cfg(feature = "store")]
mod executor;
mod fresh;
mod layers;
mod names;
mod read;
#[cfg(feature = "store")]
mod store;

pub use backoff::RetrySchedule;
pub use clock::{Clock, Entropy, SystemClock, SystemEntropy};
#[cfg(feature = "store")]
pub use executor::{
    ChangeReport, Event, Execution, Executor, ExecutorSettings, Gate, Hooks, Next, Point,
    PolicyGate, RunCounts, RunReport, RunStatus, Systems, Usage,
};
pub use layers::{
    RateLayer, RateSettings, ReadOnlyLayer, RecordLayer, Replay, RetryLayer, Tape, TimeoutLayer,
    TimeoutSettings,
};
pub use read::Reader;
#[cfg(feature = "store")]
pub use store::{
    Agreed, ChangeState, EvidenceFile, Followed, Forgotten, KeptGrant, KeptReview, KeptRun,
    LogEntry, Noted, Reading, Store, StoreOptions, StoreSettings, Tracked, Verified,
};
