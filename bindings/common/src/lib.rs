//! What the bindings share, whatever the host language: no host is known here.
//!
//! A binding converts types, errors and ways of waiting, and nothing else. What it needs for that
//! stands here once, as handles over plain data:
//!
//! - [`failure`] is the table of errors, [`process`] the runtime of the process, [`job`] the work that
//!   goes on in the background;
//! - [`rows`] makes columns of a host's rows, [`given`] reads what else a host gives as records, and has
//!   the tables that come out;
//! - [`flat`], [`snapshot`], [`compare`] and [`plan`] say snapshots, reports and plans as data, and read
//!   them;
//! - [`page`] and [`write`](mod@write) make a connector of what a host language calls one, [`layers`] wraps connectors,
//!   [`conform`] holds them to their promises;
//! - [`keys`], [`approvals`] and [`evidence`] are for people who say yes and for those who check;
//! - [`store`] remembers, [`run`] carries out.
//!
//! order: failure → process → job → rows → given → flat → snapshot → compare → plan → write → page → layers → conform → keys → approvals → evidence → store → run

pub mod approvals;
pub mod compare;
pub mod conform;
pub mod evidence;
pub mod failure;
pub mod flat;
pub mod given;
pub mod job;
pub mod keys;
pub mod layers;
pub mod page;
pub mod plan;
pub mod process;
pub mod rows;
pub mod run;
pub mod snapshot;
pub mod store;
pub mod write;
