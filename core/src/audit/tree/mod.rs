//! The Merkle tree of the log: RFC 6962, growing at its end.
//!
//! order: consistency → frontier → full

mod consistency;
mod frontier;
mod full;

pub use consistency::ConsistencyProof;
pub use frontier::Frontier;
pub use full::Tree;
