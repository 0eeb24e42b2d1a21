//! Layers: each wraps a connector and returns a connector, with one more manner.
//!
//! A layer forwards everything it does not change, also what the system can do. What it keeps (when
//! the last call was, the tape) is the layer's own; its settings are plain data.
//!
//! # The order
//! From the system outwards: [`RecordLayer`], so that the tape has what the system said;
//! [`TimeoutLayer`], so that each try has its own time; [`RateLayer`], so that a retry counts as a
//! call; [`RetryLayer`]; and, anywhere, [`ReadOnlyLayer`].
//!
//! # Cancellation
//! Dropping a call drops the call beneath it. No layer sends anything twice that is not a question:
//! a writer's `apply` goes through once or not at all, and its error goes up as it is. Only the
//! executor may find out what became of those changes.
//!
//! order: read_only → timeout → rate → retry → tape

mod rate;
mod read_only;
mod retry;
mod tape;
mod timeout;

pub use rate::{RateLayer, RateSettings};
pub use read_only::ReadOnlyLayer;
pub use retry::RetryLayer;
pub use tape::{RecordLayer, Replay, Tape};
pub use timeout::{TimeoutLayer, TimeoutSettings};
