//! Where a reading stands, and how to find the place again, in this process or another.

use std::fs::Metadata;
use std::time::UNIX_EPOCH;

use trueup_connector::{Cursor, Error, Kind, Result};

/// The start of a chunk of records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// What the format counts: bytes of text, rows of a Parquet file, batches of an Arrow file.
    pub(crate) offset: u64,
    /// The line of text it stands in, from 1; 0 where there are no lines.
    pub(crate) line: u64,
}

/// What tells that a file is still the one that was read: its length and when it last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) length: u64,
    pub(crate) changed: u128,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let changed = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self { length: metadata.len(), changed: changed.map_or(0, |since| since.as_nanos()) }
    }
}

/// What a cursor says: the file as it was, the chunk, and how many of its records are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) stamp: Stamp,
    pub(crate) place: Place,
    pub(crate) skip: usize,
}

impl Mark {
    /// The cursor; `scope` is what it is good for: the resource and its settings.
    pub(crate) fn to_cursor(self, scope: &str) -> Cursor {
        let Self { stamp, place, skip } = self;
        let text =
            format!("1.{}.{}.{}.{}.{skip}", stamp.length, stamp.changed, place.offset, place.line);
        Cursor::new(format!("{text}.{:016x}", check(&text, scope)))
    }

    /// Reads a cursor that [`Mark::to_cursor`] wrote with the same scope.
    pub(crate) fn from_cursor(cursor: &Cursor, scope: &str) -> Result<Self> {
        parse(cursor.as_str(), scope).ok_or_else(|| {
            let message =
                format!("`{}` is no cursor of this resource with these settings", cursor.as_str());
            Error::new(Kind::Invalid, message)
        })
    }
}

fn parse(text: &str, scope: &str) -> Option<Mark> {
    let (body, sum) = text.rsplit_once('.')?;
    let numbers: Vec<u128> = body.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [1, length, changed, offset, line, skip] = *numbers.as_slice() else { return None };
    if sum != format!("{:016x}", check(body, scope)) {
        return None;
    }
    let small = |n: u128| u64::try_from(n).ok();
    let stamp = Stamp { length: small(length)?, changed };
    let place = Place { offset: small(offset)?, line: small(line)? };
    Some(Mark { stamp, place, skip: usize::try_from(skip).ok()? })
}

/// FNV-1a: keeps cursors of other resources and settings apart; it is no protection from forgery.
fn check(text: &str, scope: &str) -> u64 {
    let bytes = scope.bytes().chain([0]).chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_go_there_and_back() {
        let stamp = Stamp { length: 10, changed: u128::MAX };
        let mark = Mark { stamp, place: Place { offset: 7, line: 3 }, skip: 2 };
        let cursor = mark.to_cursor("stock");
        assert_eq!(Mark::from_cursor(&cursor, "stock").unwrap(), mark);
        assert_eq!(Mark::from_cursor(&cursor, "other").unwrap_err().kind(), Kind::Invalid);
        for text in ["", "nonsense", "1.2.3.4.5.6.7", &cursor.as_str().replace(".7.", ".8.")] {
            assert!(Mark::from_cursor(&Cursor::new(text), "stock").is_err(), "{text}");
        }
    }
}
