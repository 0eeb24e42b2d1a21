//! Servers on loopback that behave as a vendor's do, quirks included, for tests and demos.
//!
//! State is real: what is written is read back. An [estate](Estate) of any size is made from a seed
//! and is the same every time. A [plan of faults](Plan) says, as data, what goes wrong: throttling,
//! errors, cut connections, slow, empty and repeated pages, tokens that end, malformed and oversized
//! bodies. The same plan and the same calls give the same faults.
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> std::io::Result<()> {
//! use trueup_sandbox::{Estate, Plan, Scim, Server};
//!
//! let server = Server::start(Scim::new(&Estate::new(7, 100)), Plan::default()).await?;
//! assert!(server.base_url().starts_with("http://127.0.0.1:"));
//! # Ok(())
//! # }
//! ```
//!
//! It is a program too: `cargo run --release -p trueup-sandbox -- scim --port 0 --seed 7 --size 1000`
//! prints one line of JSON when it is ready, and serves until its input closes.

mod chance;
mod estate;
mod faults;
mod graph;
mod http;
mod jamf;
mod scim;
mod server;
mod tls;

pub use estate::{App, Device, Estate, Person};
pub use faults::{Fault, Misfortune, Plan};
pub use graph::Graph;
pub use http::{Call, Reply, System};
pub use jamf::Jamf;
pub use scim::Scim;
pub use server::Server;
