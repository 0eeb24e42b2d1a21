//! Checking logs and packs, offline.
//!
//! order: erasures → log → line → pack

mod erasures;
mod line;
mod log;
mod pack;

pub use log::{Stored, verify_log};
pub use pack::verify;
