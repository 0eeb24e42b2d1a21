//! JSON: one object a line, or one array of objects.

mod look;
mod read;
mod records;
mod shape;
mod token;
mod write;

use std::ops::Range;

use trueup_connector::{Error, Kind, Result};

pub(crate) use look::look;
pub(crate) use read::JsonChunks;
pub(crate) use write::rewrite;

use self::records::Form;
use crate::config::FileSettings;
use crate::pieces::{self, Piece, Pieces};
use crate::place::Place;

/// Text that one thread reads at a time.
const PART: usize = 2 << 20;

fn open(file: &FileSettings, form: Form, place: Option<Place>, threads: usize) -> Result<Pieces> {
    Pieces::open(file, place, Box::new(form), PART.saturating_mul(threads.max(1)))
}

/// Where the records of a piece stand, all of it found to be UTF-8.
fn ranges(
    file: &FileSettings,
    form: Form,
    piece: &Piece,
    start: Place,
    is_last: bool,
) -> Result<Vec<Range<usize>>> {
    if let Err(bad) = std::str::from_utf8(&piece.bytes) {
        let what = "there are bytes that are not UTF-8; set the encoding, as `windows-1252`";
        return Err(malformed(file, piece.line(bad.valid_up_to()), what));
    }
    match form {
        Form::Lines => Ok(records::lines(&piece.bytes)),
        Form::Array => records::elements(&piece.bytes, look::is_start(piece.place, start), is_last)
            .map_err(|(at, what)| malformed(file, piece.line(at), what)),
    }
}

/// The text of a record; the piece was found to be UTF-8.
fn text<'a>(bytes: &'a [u8], range: &Range<usize>) -> &'a str {
    let bytes = bytes.get(range.clone()).unwrap_or_default().trim_ascii();
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn malformed(file: &FileSettings, line: u64, what: &str) -> Error {
    let message = match what.starts_with("expected") || what.starts_with("invalid") {
        true => format!("the record is not a JSON object: {what}"),
        false => what.to_owned(),
    };
    Error::new(Kind::Data, message).with("file", file.path.display()).with("line", line)
}

/// Counts lines for records that are asked for in order.
struct Lines<'a> {
    piece: &'a Piece,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    fn new(piece: &'a Piece) -> Self {
        Self { piece, at: 0, line: piece.place.line }
    }

    /// The line that a record starts in, which may have blank space before it.
    fn at(&mut self, start: usize) -> u64 {
        let rest = self.piece.bytes.get(start..).unwrap_or_default();
        let start = start + rest.len() - rest.trim_ascii_start().len();
        let between = self.piece.bytes.get(self.at..start).unwrap_or_default();
        self.line += pieces::lines(between);
        self.at = start.max(self.at);
        self.line
    }
}
