//! A first look through a JSON file: the names and types of its columns.

use std::ops::Range;

use trueup_connector::{Error, Kind, Result};

use super::records::{Form, after_bracket};
use super::shape::Members;
use super::token::DEEPEST;
use super::{malformed, open, ranges};
use crate::config::{FileSettings, Format};
use crate::layout::{Columns, Layout, Seen};
use crate::parallel;
use crate::pieces::{Piece, Pieces};
use crate::place::Place;
use crate::task::Stop;

/// Looks through the whole file where types are to be inferred, else at its start.
pub(crate) fn look(
    file: &FileSettings,
    format: Format,
    threads: usize,
    stop: &Stop,
) -> Result<Layout> {
    let form = Form::of(format);
    let mut pieces = open(file, form, None, threads)?;
    let first = first_piece(file, form, &mut pieces)?;
    let start = first.place;
    let declared = declared(file);
    let must_look = file.schema.is_none() || Columns::new(file, declared.clone())?.need_values();
    let (seen, rows) = match must_look {
        true => see_all(file, form, &mut pieces, first, threads, stop)?,
        false => (Members::default(), 0),
    };
    let mut names = declared;
    if file.schema.is_none() {
        let met: Vec<String> = seen.names().map(str::to_owned).collect();
        let unmet: Vec<String> = names.into_iter().filter(|name| !met.contains(name)).collect();
        names = [met, unmet].concat();
    }
    if names.is_empty() {
        let message = "the file has no records, and no columns are declared";
        return Err(Error::new(Kind::Data, message).with("file", file.path.display()));
    }
    let width = names.len();
    let columns = Columns::new(file, names)?;
    let found = must_look.then(|| types(file, &columns, &seen, rows)).transpose()?;
    columns.layout(file, found, width, start, pieces.stamp())
}

fn declared(file: &FileSettings) -> Vec<String> {
    match &file.schema {
        Some(schema) => schema.names().map(str::to_owned).collect(),
        None => file.fields.iter().map(|field| field.name.clone()).collect(),
    }
}

/// The first piece, from its first record on.
fn first_piece(file: &FileSettings, form: Form, pieces: &mut Pieces) -> Result<Piece> {
    let empty = Piece { bytes: Vec::new(), place: pieces.place() };
    let mut piece = pieces.next(Vec::new())?.unwrap_or(empty);
    if form == Form::Array {
        let what = "the file does not start with the bracket of an array; one object a line is `json_lines`";
        let start = after_bracket(&piece.bytes).ok_or_else(|| malformed(file, 1, what))?;
        piece.advance(start);
    }
    Ok(piece)
}

fn see_all(
    file: &FileSettings,
    form: Form,
    pieces: &mut Pieces,
    first: Piece,
    threads: usize,
    stop: &Stop,
) -> Result<(Members, u64)> {
    let (start, mut seen, mut rows) = (first.place, Members::default(), 0);
    let mut next = Some(first);
    while let Some(piece) = next {
        stop.check()?;
        let found = ranges(file, form, &piece, start, pieces.at_end()?)?;
        rows += found.len() as u64;
        for part in see(file, &piece, &found, threads) {
            seen.merge(part?);
        }
        stop.report("infer", rows);
        next = pieces.next(piece.bytes)?;
    }
    Ok((seen, rows))
}

fn see(
    file: &FileSettings,
    piece: &Piece,
    found: &[Range<usize>],
    threads: usize,
) -> Vec<Result<Members>> {
    let parts = found.chunks(found.len().div_ceil(threads).max(1)).collect();
    parallel::map(parts, |part: &[Range<usize>]| {
        let mut seen = Members::default();
        let mut lines = super::Lines::new(piece);
        for range in part {
            let line = lines.at(range.start);
            let text = super::text(&piece.bytes, range);
            seen.see(text, line, DEEPEST).map_err(|what| malformed(file, line, &what))?;
        }
        Ok(seen)
    })
}

/// What was seen of each column. A column whose type is declared may have any values here.
fn types(file: &FileSettings, columns: &Columns, seen: &Members, rows: u64) -> Result<Vec<Seen>> {
    let types = columns.fields.iter().map(|(name, declared)| match seen.get(name) {
        None => Ok(Seen::nothing(rows)),
        Some(shape) => match (shape.seen(rows), declared) {
            (Ok(seen), _) => Ok(seen),
            (Err(_), Some(_)) => Ok(Seen::nothing(rows)),
            (Err(clash), None) => Err(Error::new(Kind::Data, clash)
                .with("file", file.path.display())
                .with("column", name)),
        },
    });
    types.collect()
}

/// The place after the bracket of an array; where records start.
pub(super) fn is_start(place: Place, start: Place) -> bool {
    place.offset == start.offset
}
