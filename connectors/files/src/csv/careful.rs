//! Reads CSV byte by byte: the grammar, spelt out.
//!
//! It says what is wrong where the quick scan only knows that something is, it reads files with
//! comments, and the tests hold the quick scan to it.

use super::cells::{Cell, Sink, Wrong};
use super::dialect::Dialect;

/// Reads all records of `bytes` from `at`, which is the start of a record.
///
/// `width` is how many fields a record must have; `None`: as many as it likes.
pub(crate) fn scan(
    bytes: &[u8],
    mut at: usize,
    dialect: &Dialect,
    width: Option<usize>,
    sink: &mut impl Sink,
) -> Result<(), Wrong> {
    let mut row = Vec::new();
    while at < bytes.len() {
        let start = at;
        at = match is_comment(bytes, at, dialect) {
            true => after_line(bytes, at),
            false => record(bytes, at, dialect, &mut row)?,
        };
        let blank = matches!(row.as_slice(), [only] if only.is_blank()) && width != Some(1);
        if !row.is_empty() && !blank {
            check_width(&row, width, start)?;
            sink.rows(bytes, &row)?;
        }
        row.clear();
    }
    Ok(())
}

/// Where the last whole record ends, if there is one.
pub(super) fn last_end(bytes: &[u8], dialect: &Dialect) -> Option<usize> {
    let (mut at, mut end) = (0, None);
    let mut row = Vec::new();
    while at < bytes.len() {
        at = match is_comment(bytes, at, dialect) {
            true => after_line(bytes, at),
            false => match record(bytes, at, dialect, &mut row) {
                Ok(next) => next,
                // It may be whole with more bytes; if it is wrong, the scan will say so.
                Err(Wrong::Unclosed { .. }) => break,
                Err(_) => after_line(bytes, at),
            },
        };
        row.clear();
        if bytes.get(at.wrapping_sub(1)) == Some(&b'\n') {
            end = Some(at);
        }
    }
    end
}

fn check_width(row: &[Cell], width: Option<usize>, start: usize) -> Result<(), Wrong> {
    match width {
        Some(want) if want != row.len() => Err(Wrong::Ragged { at: start, got: row.len(), want }),
        _ => Ok(()),
    }
}

fn is_comment(bytes: &[u8], at: usize, dialect: &Dialect) -> bool {
    dialect.comment.is_some() && bytes.get(at).copied() == dialect.comment
}

fn after_line(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)
}

/// Reads one record; gives where the next starts.
fn record(
    bytes: &[u8],
    mut at: usize,
    dialect: &Dialect,
    row: &mut Vec<Cell>,
) -> Result<usize, Wrong> {
    loop {
        let (cell, end) = field(bytes, at, dialect)?;
        row.push(cell);
        match bytes.get(end) {
            Some(byte) if *byte == dialect.delimiter => at = end + 1,
            _ => return Ok(after_break(bytes, end)),
        }
    }
}

/// Reads one field; gives where it ends.
fn field(bytes: &[u8], at: usize, dialect: &Dialect) -> Result<(Cell, usize), Wrong> {
    match dialect.quote.is_some() && bytes.get(at).copied() == dialect.quote {
        true => quoted(bytes, at, dialect),
        false => plain(bytes, at, dialect),
    }
}

/// The position after a line end; `end` stands on it, or at the end of all.
pub(super) fn after_break(bytes: &[u8], end: usize) -> usize {
    match (bytes.get(end), bytes.get(end + 1)) {
        (Some(b'\r'), Some(b'\n')) => end + 2,
        (Some(_), _) => end + 1,
        (None, _) => end,
    }
}

fn plain(bytes: &[u8], start: usize, dialect: &Dialect) -> Result<(Cell, usize), Wrong> {
    let mut at = start;
    while !ends(bytes, at, dialect) {
        if dialect.quote.is_some() && bytes.get(at).copied() == dialect.quote {
            return Err(Wrong::BareQuote { at });
        }
        at += 1;
    }
    Ok((Cell::new(start, at), at))
}

fn quoted(bytes: &[u8], start: usize, dialect: &Dialect) -> Result<(Cell, usize), Wrong> {
    let quote = dialect.quote.unwrap_or_default();
    let mut at = start + 1;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let found = memchr::memchr(quote, rest).ok_or(Wrong::Unclosed { at: start })?;
        at += found + 1;
        if bytes.get(at) != Some(&quote) {
            break;
        }
        at += 1;
    }
    match ends(bytes, at, dialect) {
        true => Ok((Cell::new(start, at), at)),
        false => Err(Wrong::AfterQuote { at }),
    }
}

/// Whether a field ends here: at a delimiter, a line end or the end of all.
fn ends(bytes: &[u8], at: usize, dialect: &Dialect) -> bool {
    match bytes.get(at) {
        None | Some(b'\n') => true,
        Some(b'\r') => matches!(bytes.get(at + 1), None | Some(b'\n')),
        Some(byte) => *byte == dialect.delimiter,
    }
}

/// The first record, and where the next starts.
pub(super) fn first(bytes: &[u8], dialect: &Dialect) -> Result<Option<(Vec<Cell>, usize)>, Wrong> {
    let (mut at, mut row) = (0, Vec::new());
    while at < bytes.len() {
        if is_comment(bytes, at, dialect) {
            at = after_line(bytes, at);
            continue;
        }
        at = record(bytes, at, dialect, &mut row)?;
        if !matches!(row.as_slice(), [only] if only.is_blank()) {
            return Ok(Some((row, at)));
        }
        row.clear();
    }
    Ok(None)
}

/// The field that starts at `at`.
pub(super) fn cell_at(bytes: &[u8], at: usize, dialect: &Dialect) -> Cell {
    field(bytes, at, dialect).map_or(Cell::new(at, at), |(cell, _)| cell)
}
