//! Microsoft Intune: devices, apps, reports.
//!
//! order: state → devices → apps → reports → routes

mod apps;
mod devices;
mod reports;
mod routes;
mod state;

pub(super) use devices::of_user;
pub(super) use routes::answer;
pub(super) use state::State;
