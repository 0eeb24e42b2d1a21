//! What trueup connectors to REST systems stand on.
//!
//! - [`Client`] speaks HTTP: credentials and tokens ([`Auth`]), private certificate authorities and
//!   client certificates, proxies, packed answers, bounds on sizes and times. Redirects and next
//!   links never carry credentials to another host, and a base address that is not `https` is
//!   refused unless it is this very machine.
//! - [`Manners`] keep within what a vendor allows: calls at a time, calls in a window, waiting when
//!   the system says so.
//! - [`Secrets`] come from the environment, files or Vault, are read each time, and never show.
//! - [`Paging`] and [`Cursors`] read a list page by page; [`Shape`] turns its JSON into records.
//! - [`batch`], [`operation`] and [`delta`] are for systems that have such; [`graph`] has what
//!   connectors to Microsoft Graph share.
//! - [`Target`] turns a system's calls into a [`Writer`](trueup_connector::Writer).
//!
//! A guide with a whole connector is in `docs/connectors`.

mod answer;
mod auth;
pub mod batch;
mod client;
mod cursor;
pub mod delta;
mod endpoint;
mod exchange;
mod failure;
pub mod graph;
mod manners;
pub mod operation;
mod paging;
mod request;
mod retry_after;
mod secret;
mod shape;
mod tls;
mod vault;
mod writing;

pub use answer::Answer;
pub use auth::{Algorithm, Auth};
pub use client::Client;
pub use cursor::Cursors;
pub use endpoint::{Endpoint, Identification, Proxy};
pub use exchange::Delivery;
pub use failure::{Detail, ReadDetail};
pub use manners::{Manners, Rate};
pub use paging::{Paging, Place};
pub use request::{Method, Request, encode};
pub use retry_after::retry_after;
pub use secret::{Environment, Files, Fixed, Secret, Secrets};
pub use shape::{Item, Shape, records};
pub use vault::{Entry, Login, Vault, VaultSettings};
pub use writing::{Found, Sent, Target, apply};
