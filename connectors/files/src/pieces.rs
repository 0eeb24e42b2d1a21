//! Text in pieces of whole records, so that no file needs to fit into memory.

use std::io::Read;

use trueup_connector::{Error, Kind, Result};

use crate::config::FileSettings;
use crate::place::{Place, Stamp};
use crate::source::{self, BadText, Text};

/// Finds where the last whole record of some text ends; the text starts at the start of one.
pub(crate) trait Cut: Send {
    fn last_end(&self, bytes: &[u8]) -> Option<usize>;
}

/// Whole records, and where they start.
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) place: Place,
}

impl Piece {
    /// The line that a byte of the piece stands in.
    pub(crate) fn line(&self, at: usize) -> u64 {
        let before = self.bytes.get(..at).unwrap_or(&self.bytes);
        self.place.line + lines(before)
    }

    /// Cuts off the records before `at`.
    pub(crate) fn advance(&mut self, at: usize) {
        self.place = Place { offset: self.place.offset + at as u64, line: self.line(at) };
        self.bytes.drain(..at.min(self.bytes.len()));
    }
}

/// Reads a file's text piece by piece.
pub(crate) struct Pieces {
    file: FileSettings,
    stream: Box<dyn Read + Send>,
    stamp: Stamp,
    cut: Box<dyn Cut>,
    /// How many bytes a piece should have.
    target: usize,
    limit: usize,
    /// Text that is read but not given yet.
    rest: Vec<u8>,
    place: Place,
    ended: bool,
}

impl Pieces {
    /// Starts at a place that an earlier reading gave; `None`: at the start of the file.
    pub(crate) fn open(
        file: &FileSettings,
        place: Option<Place>,
        cut: Box<dyn Cut>,
        target: usize,
    ) -> Result<Self> {
        let Text { stream, start, stamp } = source::text(file, place.map_or(0, |p| p.offset))?;
        let place = place.unwrap_or(Place { offset: start, line: 1 });
        let (file, limit, rest) = (file.clone(), file.limit()?, Vec::new());
        Ok(Self { file, stream, stamp, cut, target, limit, rest, place, ended: false })
    }

    /// Where the next piece starts.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Whether all text was given.
    pub(crate) fn at_end(&mut self) -> Result<bool> {
        if self.rest.is_empty() {
            self.fill(self.target)?;
        }
        Ok(self.rest.is_empty())
    }

    /// The next piece; `spare` is a buffer to use again.
    pub(crate) fn next(&mut self, mut spare: Vec<u8>) -> Result<Option<Piece>> {
        spare.clear();
        let Some(end) = self.find_end()? else { return Ok(None) };
        spare.extend_from_slice(self.rest.get(end..).unwrap_or_default());
        self.rest.truncate(end);
        let bytes = std::mem::replace(&mut self.rest, spare);
        if let Some(at) = memchr::memchr(0, &bytes) {
            let line = self.place.line + lines(bytes.get(..at).unwrap_or_default());
            let message = "there is a NUL byte in the text; is it UTF-16? set the encoding";
            return Err(self.wrong(Kind::Data, message).with("line", line));
        }
        let piece = Piece { place: self.place, bytes };
        self.place.offset += piece.bytes.len() as u64;
        self.place.line += lines(&piece.bytes);
        Ok(Some(piece))
    }

    /// Reads until there is a whole record or the end.
    fn find_end(&mut self) -> Result<Option<usize>> {
        let mut target = self.target;
        loop {
            self.fill(target)?;
            if self.ended {
                return Ok(Some(self.rest.len()).filter(|len| *len > 0));
            }
            if let Some(end) = self.cut.last_end(&self.rest).filter(|end| *end > 0) {
                return Ok(Some(end));
            }
            if self.rest.len() > self.limit {
                let message = format!(
                    "a record is longer than {} bytes; is a quote not closed, or `record_limit` too low?",
                    self.limit
                );
                return Err(self.wrong(Kind::Limit, &message).with("line", self.place.line));
            }
            target = target.saturating_mul(2).min(self.limit + self.target);
        }
    }

    fn fill(&mut self, target: usize) -> Result<()> {
        let wanted = target.saturating_sub(self.rest.len());
        if self.ended || wanted == 0 {
            return Ok(());
        }
        let before = self.rest.len();
        self.rest.reserve(wanted);
        let read = (&mut self.stream).take(wanted as u64).read_to_end(&mut self.rest);
        read.map_err(|cause| {
            let line = self.place.line + lines(&self.rest);
            let is_text = cause.get_ref().is_some_and(|inner| inner.is::<BadText>());
            let error = match is_text {
                true => self.wrong(Kind::Data, &cause.to_string()),
                false => source::failed(&self.file, cause),
            };
            error.with("line", line)
        })?;
        self.ended = self.rest.len() - before < wanted;
        Ok(())
    }

    fn wrong(&self, kind: Kind, message: &str) -> Error {
        Error::new(kind, message).with("file", self.file.path.display())
    }
}

/// How many line ends there are.
pub(crate) fn lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Parts of about the same length, each of whole records, for as many threads.
pub(crate) fn split<'a>(bytes: &'a [u8], parts: usize, cut: &dyn Cut) -> Vec<(usize, &'a [u8])> {
    let (mut at, mut found) = (0, Vec::new());
    for left in (1..=parts).rev() {
        let rest = bytes.get(at..).unwrap_or_default();
        let window = rest.get(..rest.len() / left).unwrap_or(rest);
        let len = if left == 1 { rest.len() } else { cut.last_end(window).unwrap_or(0) };
        if len > 0 {
            found.push((at, rest.get(..len).unwrap_or(rest)));
        }
        at += len;
    }
    found
}
