//! A first look through a CSV file: its header, and the types of its columns.

use trueup_connector::{Error, Kind, Result};

use super::cells::{Cell, Fields, Wrong};
use super::dialect::Dialect;
use super::{careful, explain, open, scan};
use crate::config::FileSettings;
use crate::layout::{Columns, Layout};
use crate::parallel;
use crate::pieces::{Piece, Pieces, lines, split};
use crate::scalar::guess::Guess;
use crate::task::Stop;

/// A CSV file whose header is read.
pub(super) struct Start {
    pub(super) pieces: Pieces,
    pub(super) dialect: Dialect,
    /// The rest of the first piece.
    pub(super) piece: Piece,
    pub(super) columns: Columns,
    /// How many columns the file has.
    pub(super) width: usize,
}

impl Start {
    pub(super) fn new(file: &FileSettings, threads: usize) -> Result<Self> {
        let (mut pieces, dialect) = open(file, None, threads)?;
        let empty = Piece { bytes: Vec::new(), place: pieces.place() };
        let mut piece = pieces.next(Vec::new())?.unwrap_or(empty);
        let names = header(file, &dialect, &mut piece)?;
        let width = names.len();
        let columns = Columns::new(file, names)?;
        Ok(Self { pieces, dialect, piece, columns, width })
    }
}

/// Reads the header, and the whole file where types are to be inferred.
pub(crate) fn look(file: &FileSettings, threads: usize, stop: &Stop) -> Result<Layout> {
    let Start { mut pieces, dialect, piece, columns, width } = Start::new(file, threads)?;
    let (start, mut seen) = (piece.place, None);
    if columns.need_values() {
        let mut guesses = vec![Guess::default(); columns.fields.len()];
        let mut next = Some(piece);
        while let Some(piece) = next {
            stop.check()?;
            let read = |bytes: &[u8], line| see_part(bytes, &dialect, &columns, width, line);
            see(&mut guesses, file, &dialect, &piece, threads, read)?;
            stop.report("infer", guesses.first().map_or(0, |g| g.values + g.nulls));
            next = pieces.next(piece.bytes)?;
        }
        seen = Some(guesses.iter().map(Into::into).collect());
    }
    columns.layout(file, seen, width, start, pieces.stamp())
}

/// Takes the names off the piece, or makes some up.
fn header(file: &FileSettings, dialect: &Dialect, piece: &mut Piece) -> Result<Vec<String>> {
    let first =
        careful::first(&piece.bytes, dialect).map_err(|wrong| explain(file, piece, 0, &wrong))?;
    let declared = file.schema.as_ref().map(|schema| schema.names().map(str::to_owned).collect());
    let Some((cells, end)) = first else {
        return match declared {
            Some(names) if !file.csv.header => Ok(names),
            _ => Err(empty(file)),
        };
    };
    if !file.csv.header {
        let numbered = || (1..=cells.len()).map(|i| format!("column_{i}")).collect();
        let names: Vec<String> = declared.unwrap_or_else(numbered);
        return match names.len() == cells.len() {
            true => Ok(names),
            false => {
                let wrong = Wrong::Ragged { at: 0, got: cells.len(), want: names.len() };
                Err(explain(file, piece, 0, &wrong))
            }
        };
    }
    let names = cells.iter().map(|cell| name(file, dialect, piece, cell)).collect();
    piece.advance(end);
    names
}

fn name(file: &FileSettings, dialect: &Dialect, piece: &Piece, cell: &Cell) -> Result<String> {
    let text = cell.field(&piece.bytes);
    if std::str::from_utf8(text).is_err() {
        return Err(explain(file, piece, 0, &Wrong::Encoding { at: cell.start() }));
    }
    if text.contains(&b'\r') {
        let message = "the header has a carriage return in it; lines must end in a line feed, with or without one before it";
        return Err(Error::new(Kind::Data, message)
            .with("file", file.path.display())
            .with("line", piece.line(cell.start())));
    }
    Ok(cell.shown(&piece.bytes, dialect))
}

fn empty(file: &FileSettings) -> Error {
    let message = match file.csv.header {
        true => "the file is empty: there is not even a header",
        false => "the file is empty, and no columns are declared",
    };
    Error::new(Kind::Data, message).with("file", file.path.display())
}

/// Sees the values of a piece, its parts on as many threads.
fn see(
    guesses: &mut [Guess],
    file: &FileSettings,
    dialect: &Dialect,
    piece: &Piece,
    threads: usize,
    read: impl Fn(&[u8], u64) -> Result<Vec<Guess>, Wrong> + Sync,
) -> Result<()> {
    let parts = split(&piece.bytes, threads, dialect);
    let seen = parallel::map(parts, |(base, bytes)| {
        read(bytes, piece.line(base)).map_err(|wrong| (base, wrong))
    });
    for part in seen {
        let part = part.map_err(|(base, wrong)| explain(file, piece, base, &wrong))?;
        guesses.iter_mut().zip(part).for_each(|(guess, later)| guess.merge(later));
    }
    Ok(())
}

/// Sees the values of one part, which starts in this line.
pub(super) fn see_part(
    bytes: &[u8],
    dialect: &Dialect,
    columns: &Columns,
    width: usize,
    line: u64,
) -> Result<Vec<Guess>, Wrong> {
    if let Err(bad) = std::str::from_utf8(bytes) {
        return Err(Wrong::Encoding { at: bad.valid_up_to() });
    }
    let mut guesses = vec![Guess::default(); columns.fields.len()];
    scan::scan(bytes, dialect, width, &mut |bytes: &[u8], cells: &[Cell]| {
        for (guess, source) in guesses.iter_mut().zip(&columns.sources) {
            let fields = Fields::new((bytes, cells), (*source, width), dialect);
            guess.see_from(0, &fields, &|row| line_of(bytes, &fields, row, line));
        }
        Ok(())
    })?;
    Ok(guesses)
}

/// The line in which a record starts.
pub(super) fn line_of(bytes: &[u8], fields: &Fields<'_>, row: usize, line: u64) -> u64 {
    line + lines(bytes.get(..fields.row_start(row)).unwrap_or_default())
}
