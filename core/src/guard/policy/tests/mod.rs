//! Policy documents.

mod documents;
mod vectors;
