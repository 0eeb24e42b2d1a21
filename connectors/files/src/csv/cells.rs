//! Where the fields of a piece of CSV stand, and what can be wrong with them.

use std::borrow::Cow;

use super::dialect::Dialect;
use crate::scalar::build::{Raw, Texts, undouble};

/// Where one field stands in its piece, its quotes included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    start: u32,
    end: u32,
}

/// The longest piece whose positions fit a cell.
pub(crate) const LONGEST: usize = u32::MAX as usize;

impl Cell {
    /// The positions are those of a piece, which is no longer than [`LONGEST`].
    #[inline(always)]
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    pub(super) fn end(&self) -> usize {
        self.end as usize
    }

    /// Neither a character nor a quote.
    pub(super) fn is_blank(&self) -> bool {
        self.start == self.end
    }

    /// The field as it stands in the file.
    #[inline(always)]
    pub(super) fn field<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The content as text; what is not UTF-8 in it is replaced, so this is for messages.
    pub(super) fn shown(&self, bytes: &[u8], dialect: &Dialect) -> String {
        let field = self.field(bytes);
        let is_quoted = dialect.quote.is_some() && field.first().copied() == dialect.quote;
        let content = if is_quoted { content(field, dialect) } else { Raw::plain(field) };
        let content = match content.doubled {
            None => Cow::Borrowed(content.text),
            Some(quote) => {
                let mut single = Vec::new();
                undouble(&mut single, content.text, quote);
                Cow::Owned(single)
            }
        };
        String::from_utf8_lossy(&content).into_owned()
    }
}

/// One column of some rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    cells: &'a [Cell],
    width: usize,
    column: usize,
    dialect: &'a Dialect,
    /// The quote; what no byte is where quotes are text.
    quote: u16,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        (bytes, cells): (&'a [u8], &'a [Cell]),
        (column, width): (usize, usize),
        dialect: &'a Dialect,
    ) -> Self {
        let quote = dialect.quote.map_or(u16::MAX, u16::from);
        Self { bytes, cells, width, column, dialect, quote }
    }

    /// Where a field of this column starts.
    pub(super) fn start(&self, row: usize) -> usize {
        self.cells.get(row * self.width + self.column).map_or(0, Cell::start)
    }

    /// Where a record starts.
    pub(super) fn row_start(&self, row: usize) -> usize {
        self.cells.get(row * self.width).map_or(0, Cell::start)
    }
}

impl<'a> Texts<'a> for Fields<'a> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    #[inline(always)]
    fn value(&self, row: usize) -> Option<Raw<'a>> {
        let field = self.cells.get(row * self.width + self.column)?.field(self.bytes);
        match field.first() {
            Some(first) if u16::from(*first) == self.quote => quoted(field, self.dialect),
            Some(_) if self.dialect.null.is_empty() => Some(Raw::plain(field)),
            _ => Some(Raw::plain(field)).filter(|raw| raw.text != self.dialect.null.as_slice()),
        }
    }
}

/// The value of a field in quotes.
#[inline(never)]
fn quoted<'a>(field: &'a [u8], dialect: &Dialect) -> Option<Raw<'a>> {
    let raw = content(field, dialect);
    let is_null = dialect.quoted_null && raw.text == dialect.null.as_slice();
    (!is_null).then_some(raw)
}

/// What stands between the quotes.
fn content<'a>(field: &'a [u8], dialect: &Dialect) -> Raw<'a> {
    let text = match field {
        [_, text @ .., _] => text,
        _ => &[],
    };
    let doubled = dialect.quote.filter(|quote| memchr::memchr(*quote, text).is_some());
    Raw { text, doubled }
}

/// Takes whole rows: the cells of as many rows as there are, one row after the other.
pub(crate) trait Sink {
    fn rows(&mut self, bytes: &[u8], cells: &[Cell]) -> Result<(), Wrong>;
}

impl<F: FnMut(&[u8], &[Cell]) -> Result<(), Wrong>> Sink for F {
    fn rows(&mut self, bytes: &[u8], cells: &[Cell]) -> Result<(), Wrong> {
        self(bytes, cells)
    }
}

/// What is wrong with a piece of CSV, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A record with too few or too many fields.
    Ragged { at: usize, got: usize, want: usize },
    /// A quote inside a field that does not start with one.
    BareQuote { at: usize },
    /// Text between the closing quote and the delimiter.
    AfterQuote { at: usize },
    /// A quote that is never closed.
    Unclosed { at: usize },
    /// Bytes that are not UTF-8.
    Encoding { at: usize },
    /// A value that does not fit its column's type.
    Value { at: usize, column: usize },
}

impl Wrong {
    /// The byte of the piece at which it is wrong.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Ragged { at, .. } | Self::BareQuote { at } | Self::AfterQuote { at } => *at,
            Self::Unclosed { at } | Self::Encoding { at } | Self::Value { at, .. } => *at,
        }
    }
}
