//! The binary form of COPY: rows out of a stream of pieces that may be cut anywhere.

use trueup_connector::{Error, Kind, Result};

use super::cell::Bytes;

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// What stands next in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<'a> {
    /// A row: its values, each with its length before it.
    Row(&'a [u8]),
    /// The end that the server wrote.
    End,
    /// A piece that is not there yet.
    More,
}

/// A COPY stream that is being read.
#[derive(Default)]
pub(crate) struct Copy<B> {
    piece: B,
    at: usize,
    /// What is left of earlier pieces, where a row is cut.
    kept: Vec<u8>,
    begun: bool,
    ended: bool,
    /// How long the row is that was shown last.
    shown: usize,
}

impl<B: AsRef<[u8]> + Default> Copy<B> {
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: B) {
        let done = std::mem::take(&mut self.at);
        if self.kept.is_empty() {
            let rest = self.piece.as_ref().get(done..).unwrap_or_default();
            self.kept.extend_from_slice(rest);
        } else {
            self.kept.drain(..done.min(self.kept.len()));
        }
        if self.kept.is_empty() {
            self.piece = piece;
        } else {
            self.kept.extend_from_slice(piece.as_ref());
            self.piece = B::default();
        }
    }

    /// Goes on after the row that was shown last.
    pub(crate) fn take(&mut self) {
        self.at += std::mem::take(&mut self.shown);
    }

    /// Shows what stands next; `columns` is how many values a row must have.
    pub(crate) fn next(&mut self, columns: usize) -> Result<Next<'_>> {
        let bytes = if self.kept.is_empty() { self.piece.as_ref() } else { self.kept.as_slice() };
        let mut rest = Bytes(bytes.get(self.at..).unwrap_or_default());
        if self.ended {
            return match rest.0 {
                [] => Ok(Next::End),
                _ => Err(broken("more stands after the end")),
            };
        }
        if !self.begun {
            let before = rest.0.len();
            if !header(&mut rest)? {
                return Ok(Next::More);
            }
            self.begun = true;
            self.at += before - rest.0.len();
        }
        let before = rest.0.len();
        let next = row(&mut rest, columns)?;
        let used = before - rest.0.len();
        match next {
            Next::Row(_) => self.shown = used,
            Next::End if !rest.0.is_empty() => return Err(broken("more stands after the end")),
            Next::End => {
                self.ended = true;
                self.at += used;
            }
            Next::More => {}
        }
        Ok(next)
    }

    /// Whether the end that the server writes has been seen.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// Takes the header; false where it is not all there yet.
fn header(rest: &mut Bytes<'_>) -> Result<bool> {
    let mut ahead = Bytes(rest.0);
    let Some(signature) = ahead.take(SIGNATURE.len()) else { return Ok(false) };
    if signature != SIGNATURE {
        return Err(broken("the signature is wrong"));
    }
    let (Some(flags), Some(extension)) = (ahead.i32(), ahead.i32()) else { return Ok(false) };
    if flags & 0x7fff_0000 != 0 {
        return Err(broken("a flag of a newer version is set"));
    }
    let length = usize::try_from(extension).map_err(|_| broken("a length is negative"))?;
    if ahead.take(length).is_none() {
        return Ok(false);
    }
    *rest = ahead;
    Ok(true)
}

fn row<'a>(rest: &mut Bytes<'a>, columns: usize) -> Result<Next<'a>> {
    let mut ahead = Bytes(rest.0);
    let Some(count) = ahead.i16() else { return Ok(Next::More) };
    if count == -1 {
        *rest = ahead;
        return Ok(Next::End);
    }
    if usize::try_from(count) != Ok(columns) {
        return Err(broken(&format!("a row has {count} values, not {columns}")));
    }
    let values = ahead.0;
    for _ in 0..columns {
        let Some(length) = ahead.i32() else { return Ok(Next::More) };
        match usize::try_from(length) {
            Ok(length) => {
                if ahead.take(length).is_none() {
                    return Ok(Next::More);
                }
            }
            Err(_) if length == -1 => {}
            Err(_) => return Err(broken("a length is negative")),
        }
    }
    let used = values.len() - ahead.0.len();
    *rest = ahead;
    Ok(Next::Row(values.get(..used).unwrap_or_default()))
}

fn broken(what: &str) -> Error {
    Error::new(Kind::Data, format!("the server's COPY data is malformed: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(rows: &[[Option<&str>; 2]]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0; 8]);
        for row in rows {
            bytes.extend(2_i16.to_be_bytes());
            for value in row {
                let length = value.map_or(-1, |v| i32::try_from(v.len()).unwrap());
                bytes.extend(length.to_be_bytes());
                bytes.extend(value.unwrap_or_default().as_bytes());
            }
        }
        bytes.extend((-1_i16).to_be_bytes());
        bytes
    }

    fn read(pieces: &[&[u8]]) -> Result<(usize, bool)> {
        let (mut copy, mut rows) = (Copy::<Vec<u8>>::default(), 0);
        for piece in pieces {
            copy.push(piece.to_vec());
            while let Next::Row(row) = copy.next(2)? {
                let mut values = Bytes(row);
                assert!(values.value().is_some() && values.value().is_some());
                assert!(values.0.is_empty());
                copy.take();
                rows += 1;
            }
        }
        Ok((rows, copy.has_ended()))
    }

    #[test]
    fn rows_come_out_wherever_the_stream_is_cut() {
        let bytes = stream(&[[Some("a"), None], [Some(""), Some("long text")], [None, None]]);
        assert_eq!(read(&[&bytes]).unwrap(), (3, true));
        for size in 1..bytes.len() {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(read(&pieces).unwrap(), (3, true), "{size}");
        }
    }

    #[test]
    fn a_stream_that_was_cut_off_has_not_ended() {
        let bytes = stream(&[[Some("a"), None]]);
        for length in 0..bytes.len() {
            let (rows, ended) = read(&[&bytes[..length]]).unwrap();
            assert!(rows <= 1 && !ended, "{length}");
        }
    }

    #[test]
    fn malformed_streams_are_refused() {
        let good = stream(&[[Some("a"), None]]);
        let change = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            bytes
        };
        for bytes in
            [change(0, b'X'), change(12, 1), change(15, 0xff), change(20, 3), change(21, 0xfe)]
        {
            assert!(read(&[&bytes]).is_err());
        }
        assert!(read(&[&[good, vec![0]].concat()]).is_err());
    }
}
