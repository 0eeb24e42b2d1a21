//! Entra ID: users, groups, devices, licences, the audit log.
//!
//! order: filter → crowd → table → seed → directory → list → delta → audits → licences → check → users → members → groups → deleted → routes

mod audits;
mod check;
mod crowd;
mod deleted;
mod delta;
mod directory;
mod filter;
mod groups;
mod licences;
mod list;
mod members;
mod routes;
mod seed;
mod table;
mod users;

pub(super) use directory::Directory;
pub(super) use routes::answer;
