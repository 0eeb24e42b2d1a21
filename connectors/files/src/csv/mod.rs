//! CSV (RFC 4180), strict: what the grammar does not allow is an error, not a guess.

mod careful;
mod cells;
mod dialect;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod infer;
mod mask;
mod once;
mod read;
mod scan;
mod write;

pub(crate) use infer::look;
pub(crate) use once::read;
pub(crate) use read::CsvChunks;
pub(crate) use write::rewrite;

use cells::{LONGEST, Wrong};
use dialect::Dialect;
use trueup_connector::{Error, Kind, Result};

use crate::config::FileSettings;
use crate::pieces::{Cut, Piece, Pieces};
use crate::place::Place;

/// Text that one thread reads at a time.
const PART: usize = 4 << 20;

impl Cut for Dialect {
    fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        scan::last_end(bytes, self)
    }
}

fn open(file: &FileSettings, place: Option<Place>, threads: usize) -> Result<(Pieces, Dialect)> {
    let dialect = Dialect::new(file)?;
    let target = PART.saturating_mul(threads.max(1)).min(LONGEST / 4);
    Ok((Pieces::open(file, place, Box::new(dialect.clone()), target)?, dialect))
}

/// The error for what is wrong at a byte of a piece.
fn explain(file: &FileSettings, piece: &Piece, base: usize, wrong: &Wrong) -> Error {
    let message = match wrong {
        Wrong::Ragged { got, want, .. } => format!(
            "the record has {got} field{}, not the {want} of the others",
            if *got == 1 { "" } else { "s" }
        ),
        Wrong::BareQuote { .. } => {
            "there is a quote inside a field that does not start with one; quote the whole field and double the quote, or set `quote` to null".to_owned()
        }
        Wrong::AfterQuote { .. } => {
            "there is text after the closing quote of a field; double the quotes inside it".to_owned()
        }
        Wrong::Unclosed { .. } => "the quote that opens here is never closed".to_owned(),
        Wrong::Encoding { .. } => {
            "there are bytes that are not UTF-8; set the encoding, as `windows-1252`".to_owned()
        }
        Wrong::Value { .. } => "the record is malformed".to_owned(),
    };
    let at = base + wrong.at();
    Error::new(Kind::Data, message).with("file", file.path.display()).with("line", piece.line(at))
}

#[cfg(test)]
mod tests;
