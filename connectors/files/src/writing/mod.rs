//! Writing files: the whole file anew, beside the old one, and then in its place.
//!
//! order: draft → text → columnar → place → writer

mod columnar;
mod draft;
mod place;
mod text;
mod writer;

pub(crate) use draft::{Draft, Edit};
pub(crate) use text::{Digits, text};
pub(crate) use writer::FilesWriter;
