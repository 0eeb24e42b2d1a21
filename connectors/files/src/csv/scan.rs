//! The quick scan: finds all fields of a piece of CSV, 64 bytes at a time.

use super::careful;
use super::cells::{Cell, Sink, Wrong};
use super::dialect::Dialect;
use super::mask::{BLOCK, mask, parity};

/// After about this many fields the sink gets them, while they are still in the cache.
const BATCH: usize = 8192;

/// Reads all records of `bytes`, which starts at the start of a record; each has `width` fields.
///
/// The quick scan knows nothing but the regular: `width` fields, a line end, `width` fields. Where
/// it meets anything else, the careful scan takes over.
pub(crate) fn scan(
    bytes: &[u8],
    dialect: &Dialect,
    width: usize,
    sink: &mut impl Sink,
) -> Result<(), Wrong> {
    let done = match dialect.comment {
        None => quick(bytes, dialect, width, sink)?,
        Some(_) => 0,
    };
    careful::scan(bytes, done, dialect, Some(width), sink)
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

/// Reads records as long as they are regular; gives where the first stands that may not be.
fn quick(
    bytes: &[u8],
    dialect: &Dialect,
    width: usize,
    sink: &mut impl Sink,
) -> Result<usize, Wrong> {
    let mut found = Found::new(width.max(1));
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut base = 0;
    for block in blocks {
        found.block(base, block, dialect);
        base += BLOCK;
        if found.count >= found.limit && !found.hand_over(bytes, dialect, sink)? {
            return Ok(found.done);
        }
    }
    let mut last = [0; BLOCK];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    found.block(base, &last, dialect);
    found.hand_over(bytes, dialect, sink)?;
    Ok(found.done)
}

/// The fields found that were not handed over yet.
struct Found {
    width: usize,
    cells: Vec<Cell>,
    count: usize,
    limit: usize,
    /// How many of them end at a line end.
    newlines: usize,
    /// Where the next field starts.
    start: usize,
    /// Whether the next byte is inside quotes, in all bits.
    inside: u64,
    /// The end of the last block with quotes.
    quoted: usize,
    /// The end of the records that were handed over.
    done: usize,
}

impl Found {
    fn new(width: usize) -> Self {
        let limit = BATCH.max(width.saturating_mul(2));
        let cells = vec![Cell::default(); limit + BLOCK];
        let (count, newlines, start, inside, quoted, done) = (0, 0, 0, 0, 0, 0);
        Self { width, cells, count, limit, newlines, start, inside, quoted, done }
    }

    /// Takes the fields that end in this block.
    #[inline(always)]
    fn block(&mut self, base: usize, block: &[u8; BLOCK], dialect: &Dialect) {
        let newlines = mask(block, b'\n');
        let mut ends = mask(block, dialect.delimiter) | newlines;
        let mut outside = !0;
        if let Some(quote) = dialect.quote {
            let quotes = mask(block, quote);
            if quotes | self.inside != 0 {
                outside = !(parity(quotes) ^ self.inside);
                self.inside = ((!outside).cast_signed() >> 63).cast_unsigned();
                self.quoted = base + BLOCK;
            }
        }
        ends &= outside;
        self.newlines += (newlines & outside).count_ones() as usize;
        let slots = self.cells.iter_mut().skip(self.count);
        let found = ends.count_ones() as usize;
        let mut start = self.start;
        for slot in slots.take(found) {
            let end = base + ends.trailing_zeros() as usize;
            *slot = Cell::new(start, end);
            start = end + 1;
            ends &= ends.wrapping_sub(1);
        }
        self.start = start;
        self.count += found;
    }

    /// Gives the sink the whole records, if they are regular.
    fn hand_over(
        &mut self,
        bytes: &[u8],
        dialect: &Dialect,
        sink: &mut impl Sink,
    ) -> Result<bool, Wrong> {
        let whole = self.count / self.width * self.width;
        let cells = self.cells.get_mut(..whole).unwrap_or_default();
        let is_regular = self.newlines * self.width == whole && end_rows(bytes, cells, self.width);
        if !is_regular || (self.quoted > self.done && !are_quoted_well(bytes, cells, dialect)) {
            return Ok(false);
        }
        if let Some(last) = cells.last() {
            self.done = after_line(bytes, last.end());
            sink.rows(bytes, cells)?;
        }
        self.cells.copy_within(whole..self.count, 0);
        (self.count, self.newlines) = (self.count - whole, 0);
        Ok(true)
    }
}

/// Whether each row's last cell, and no other, ends at a line end; a carriage return before it is
/// taken off. That no other does follows from how many line ends there are.
fn end_rows(bytes: &[u8], cells: &mut [Cell], width: usize) -> bool {
    for row in cells.chunks_exact_mut(width) {
        let Some(last) = row.last_mut() else { return false };
        if bytes.get(last.end()) != Some(&b'\n') {
            return false;
        }
        if let Some(field) = last.field(bytes).strip_suffix(b"\r") {
            *last = Cell::new(last.start(), last.start() + field.len());
        }
    }
    true
}

/// The start of the line after a position that stands at most two bytes before it.
fn after_line(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)
}

/// Whether quotes stand around fields, doubled inside them, and nowhere else.
fn are_quoted_well(bytes: &[u8], cells: &[Cell], dialect: &Dialect) -> bool {
    let (Some(quote), Some(first), Some(last)) = (dialect.quote, cells.first(), cells.last())
    else {
        return true;
    };
    let all = bytes.get(first.start()..last.end()).unwrap_or_default();
    let mut left = memchr::memchr_iter(quote, all).count();
    for cell in cells {
        let field = cell.field(bytes);
        if field.first() == Some(&quote) {
            let Some(quotes) = quotes_in(field, quote) else { return false };
            left = left.saturating_sub(quotes);
        }
    }
    left == 0
}

/// How many quotes stand in and around a quoted field, if they stand as they must.
fn quotes_in(field: &[u8], quote: u8) -> Option<usize> {
    let [_, inner @ .., last] = field else { return None };
    let (mut count, mut rest) = (2, inner);
    while let Some(at) = memchr::memchr(quote, rest) {
        (rest.get(at + 1) == Some(&quote)).then_some(())?;
        (count, rest) = (count + 2, rest.get(at + 2..)?);
    }
    (*last == quote).then_some(count)
}
