//! Single values in text: their types, and columns of them. Every text format uses this.

pub(crate) mod both;
pub(crate) mod build;
pub(crate) mod guess;
pub(crate) mod number;
mod numbers;
pub(crate) mod time;
