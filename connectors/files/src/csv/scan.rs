//! The quick scan: finds all fields of a piece of CSV, 64 bytes at a time.

use super::careful;
use super::cells::{Cell, Sink, Wrong};
use super::dialect::Dialect;
use super::mask::{BLOCK, mask, parity};

/// After this many fields the sink gets them, while they are still in the cache.
const BATCH: usize = 8192;

/// Reads all records of `bytes`, which starts at the start of a record; each has `width` fields.
pub(crate) fn scan(
    bytes: &[u8],
    dialect: &Dialect,
    width: usize,
    sink: &mut impl Sink,
) -> Result<(), Wrong> {
    if dialect.comment.is_some() {
        return careful::scan(bytes, dialect, Some(width), sink);
    }
    quick(bytes, dialect, width, sink).map_err(|wrong| {
        // The careful scan meets the same mistake and knows it, or an earlier one that led here.
        match careful::scan(bytes, dialect, Some(width), &mut ignore) {
            Err(known) if known.at() <= wrong.at() => known,
            _ => wrong,
        }
    })
}

/// Where the last whole record of `bytes` ends, if there is one; `bytes` starts at the start of one.
///
/// Outside quotes are the positions after an even number of quotes, as a quote inside a quoted
/// field is doubled. Where that grammar is broken the cut may be too, but only after the mistake.
pub(crate) fn last_end(bytes: &[u8], dialect: &Dialect) -> Option<usize> {
    if dialect.comment.is_some() {
        return careful::last_end(bytes, dialect);
    }
    let quotes = dialect.quote.map_or(0, |quote| memchr::memchr_iter(quote, bytes).count());
    let mut inside = quotes % 2 == 1;
    for at in memchr::memrchr2_iter(b'\n', dialect.quote.unwrap_or(b'\n'), bytes) {
        match bytes.get(at) {
            Some(b'\n') if !inside => return Some(at + 1),
            Some(b'\n') => {}
            _ => inside = !inside,
        }
    }
    None
}

fn ignore(_: &[u8], _: &[Cell]) -> Result<(), Wrong> {
    Ok(())
}

fn quick(bytes: &[u8], dialect: &Dialect, width: usize, sink: &mut impl Sink) -> Result<(), Wrong> {
    let mut rows = Rows::new(bytes, dialect.quote, width);
    let mut inside = 0;
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (number, block) in blocks.iter().enumerate() {
        inside = rows.block(number * BLOCK, block, dialect, inside)?;
        rows.flush(sink)?;
    }
    let mut last = [0; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    inside = rows.block(blocks.len() * BLOCK, &last, dialect, inside)?;
    if inside != 0 {
        return Err(Wrong::Somewhere);
    }
    rows.finish(sink)
}

/// The fields found so far, and the row that is being read.
struct Rows<'a> {
    bytes: &'a [u8],
    quote: Option<u8>,
    width: usize,
    cells: Vec<Cell>,
    /// Where the next field starts.
    start: usize,
    /// How many cells are in whole rows.
    whole: usize,
    quotes_seen: usize,
    quotes_in_fields: usize,
}

impl<'a> Rows<'a> {
    fn new(bytes: &'a [u8], quote: Option<u8>, width: usize) -> Self {
        let cells = Vec::with_capacity(BATCH + BLOCK);
        let (start, whole, quotes_seen, quotes_in_fields) = (0, 0, 0, 0);
        Self { bytes, quote, width, cells, start, whole, quotes_seen, quotes_in_fields }
    }

    /// Takes the fields that end in this block; gives whether its end is inside quotes, in all bits.
    #[inline(always)]
    fn block(
        &mut self,
        base: usize,
        block: &[u8; BLOCK],
        dialect: &Dialect,
        inside: u64,
    ) -> Result<u64, Wrong> {
        let quotes = dialect.quote.map_or(0, |quote| mask(block, quote));
        let newlines = mask(block, b'\n');
        let mut ends = mask(block, dialect.delimiter) | newlines;
        let mut inside = inside;
        if quotes | inside != 0 {
            let quoted = parity(quotes) ^ inside;
            ends &= !quoted;
            inside = ((quoted as i64) >> 63) as u64;
            self.quotes_seen += quotes.count_ones() as usize;
        }
        while ends != 0 {
            let bit = ends.trailing_zeros();
            let at = base + bit as usize;
            match (newlines >> bit) & 1 {
                0 => self.push(at)?,
                _ => self.end_row(at)?,
            }
            self.start = at + 1;
            ends &= ends - 1;
        }
        Ok(inside)
    }

    #[inline(always)]
    fn push(&mut self, end: usize) -> Result<(), Wrong> {
        let is_quoted = self.quote.is_some() && self.bytes.get(self.start).copied() == self.quote;
        let cell = match is_quoted {
            true => self.quoted(end)?,
            false => Cell::plain(self.start, end),
        };
        self.cells.push(cell);
        Ok(())
    }

    #[inline(always)]
    fn end_row(&mut self, at: usize) -> Result<(), Wrong> {
        let before = at.wrapping_sub(1);
        let is_crlf = at > self.start && self.bytes.get(before) == Some(&b'\r');
        self.push(if is_crlf { before } else { at })?;
        if self.cells.len() - self.whole != self.width && !self.drop_blank() {
            return Err(Wrong::Somewhere);
        }
        self.whole = self.cells.len();
        Ok(())
    }

    /// A line without anything is no record where records have several fields.
    #[cold]
    fn drop_blank(&mut self) -> bool {
        let row = self.cells.get(self.whole..).unwrap_or_default();
        let is_blank = matches!(row, [only] if only.is_blank());
        if is_blank {
            self.cells.pop();
        }
        is_blank
    }

    #[inline(never)]
    fn quoted(&mut self, end: usize) -> Result<Cell, Wrong> {
        let quote = self.quote.unwrap_or_default();
        let field = self.bytes.get(self.start..end).unwrap_or_default();
        let [first, inner @ .., last] = field else { return Err(Wrong::Somewhere) };
        if *first != quote || *last != quote {
            return Err(Wrong::Somewhere);
        }
        let doubled = doubled(inner, quote)?;
        self.quotes_in_fields += 2 + 2 * doubled;
        Ok(Cell::quoted(self.start + 1, end - 1, doubled > 0))
    }

    fn flush(&mut self, sink: &mut impl Sink) -> Result<(), Wrong> {
        if self.cells.len() >= BATCH { self.hand_over(sink) } else { Ok(()) }
    }

    /// Gives the sink the whole rows. Where quotes stood where they may not, they are not given.
    fn hand_over(&mut self, sink: &mut impl Sink) -> Result<(), Wrong> {
        sink.rows(self.bytes, self.cells.get(..self.whole).unwrap_or_default())?;
        self.cells.drain(..self.whole);
        self.whole = 0;
        Ok(())
    }

    fn finish(mut self, sink: &mut impl Sink) -> Result<(), Wrong> {
        let len = self.bytes.len();
        if self.start < len || self.cells.len() > self.whole {
            self.end_row(len)?;
        }
        if self.quotes_seen != self.quotes_in_fields {
            return Err(Wrong::Somewhere);
        }
        self.hand_over(sink)
    }
}

/// How many doubled quotes stand in the content of a field; every quote in it must be doubled.
fn doubled(inner: &[u8], quote: u8) -> Result<usize, Wrong> {
    let (mut count, mut rest) = (0, inner);
    while let Some(at) = memchr::memchr(quote, rest) {
        if rest.get(at + 1) != Some(&quote) {
            return Err(Wrong::Somewhere);
        }
        (count, rest) = (count + 1, rest.get(at + 2..).unwrap_or_default());
    }
    Ok(count)
}
