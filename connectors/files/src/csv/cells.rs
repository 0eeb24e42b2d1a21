//! Where the fields of a piece of CSV stand, and what can be wrong with them.

/// Where one field's content stands in its piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    start: u32,
    /// The end, with what is known of the quotes in the two highest bits.
    end: u32,
}

const QUOTED: u32 = 1 << 31;
const DOUBLED: u32 = 1 << 30;
const POSITION: u32 = DOUBLED - 1;

/// The longest piece whose positions fit a cell.
pub(crate) const LONGEST: usize = POSITION as usize;

impl Cell {
    #[inline(always)]
    pub(super) fn plain(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The content between two quotes; `doubled` where it has doubled quotes in it.
    pub(super) fn quoted(start: usize, end: usize, doubled: bool) -> Self {
        let flags = if doubled { QUOTED | DOUBLED } else { QUOTED };
        Self { start: start as u32, end: end as u32 | flags }
    }

    /// The content as it stands in the file, doubled quotes doubled.
    #[inline(always)]
    pub(crate) fn raw<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start as usize..(self.end & POSITION) as usize).unwrap_or_default()
    }

    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    #[inline(always)]
    pub(crate) fn is_quoted(&self) -> bool {
        self.end & QUOTED != 0
    }

    #[inline(always)]
    pub(crate) fn has_doubled(&self) -> bool {
        self.end & DOUBLED != 0
    }

    /// Neither a character nor a quote.
    #[inline(always)]
    pub(super) fn is_blank(&self) -> bool {
        self.start == self.end
    }
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
    /// Seen by the quick scan, which does not know what or where.
    Somewhere,
}

impl Wrong {
    /// The byte of the piece at which it is wrong; the end of all where that is not known.
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Ragged { at, .. } | Self::BareQuote { at } | Self::AfterQuote { at } => *at,
            Self::Unclosed { at } | Self::Encoding { at } | Self::Value { at, .. } => *at,
            Self::Somewhere => usize::MAX,
        }
    }
}
