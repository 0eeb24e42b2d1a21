//! The contract between trueup and the systems it compares.
//!
//! A vendor who writes a connector needs this crate and no other of trueup's. It holds what both
//! sides must agree on: [errors](Error), [records](record), [snapshots](Snapshot), the
//! [`Connector`] and [`Writer`] traits, and the [`Mapping`] of names and values.
//!
//! The way through a connector is short: [`Connector::describe`] says what there is,
//! [`Connector::read_page`] reads it, and [`ConnectorExt::read`] makes a [`Snapshot`] of the pages.
//! The crate `trueup-testkit` has a connector in memory to look at, and a conformance suite that any
//! connector passes with one line.

pub mod connector;
pub mod context;
pub mod error;
pub mod mapping;
mod reading;
pub mod record;
pub mod snapshot;
pub mod writer;

pub use connector::{
    Capability, Connector, Cursor, Identity, Page, ReadRequest, Removed, Resource,
};
pub use context::{Context, Progress};
pub use error::{Error, Kind, Result, Retry, suggest};
pub use mapping::Mapping;
pub use reading::{ConnectorExt, Delta};
pub use record::{Cell, Class, Column, Field, LogicalType, Number, Role, Schema, Value};
pub use snapshot::{
    Condition, Consistency, ContentTree, Coverage, Hash, Predicate, Proof, Provenance, Snapshot,
    hex,
};
pub use writer::{Authorised, Change, Idempotency, Operation, Receipt, Standing, Writer};

/// What implementers of [`Connector`] and [`Writer`] put above their `impl`.
pub use async_trait::async_trait;
