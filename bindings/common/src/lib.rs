//! What the bindings share, whatever the host language: no host is known here.
//!
//! A binding converts types, errors and ways of waiting, and nothing else. What it needs for that
//! stands here once: [`failure`] is the table of errors, [`process`] the runtime of the process and
//! [`job`] the work that goes on in the background, [`rows`] makes columns of a host's rows, [`page`]
//! makes a connector of what a host language calls one, and [`flat`] says reports and plans as data.
//!
//! order: failure → process → job → rows → page → flat

pub mod failure;
pub mod flat;
pub mod job;
pub mod page;
pub mod process;
pub mod rows;
