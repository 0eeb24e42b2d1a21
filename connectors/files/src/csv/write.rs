//! A CSV file with changes: what is not changed stays as it stands, byte for byte.

use trueup_connector::{Error, Kind, Result, Value};

use super::careful;
use super::cells::Cell;
use super::dialect::Dialect;
use crate::config::FileSettings;
use crate::layout::Layout;
use crate::writing::{Digits, Draft, Edit, text};

/// The text of the file as the draft has its records.
pub(crate) fn rewrite(
    file: &FileSettings,
    layout: &Layout,
    old: &[u8],
    draft: &Draft,
    digits: Digits,
) -> Result<Vec<u8>> {
    let dialect = Dialect::new(file)?;
    let broken = |_| Error::new(Kind::Data, "the file changed while it was read; try again");
    let start = match file.csv.header {
        true => careful::first(old, &dialect).map_err(broken)?.map_or(old.len(), |(_, at)| at),
        false => 0,
    };
    let mut rewrite =
        Rewrite { dialect: &dialect, layout, draft, digits, new: Vec::new(), at: 0, row: 0 };
    let mut wrong = None;
    let mut take = |bytes: &[u8], cells: &[Cell]| {
        if wrong.is_none() {
            wrong = rewrite.record(bytes, cells).err();
        }
        Ok(())
    };
    careful::scan(old, start, &dialect, Some(layout.width), &mut take).map_err(broken)?;
    match wrong {
        Some(error) => Err(error),
        None => rewrite.finish(old, start),
    }
}

struct Rewrite<'a> {
    dialect: &'a Dialect,
    layout: &'a Layout,
    draft: &'a Draft,
    digits: Digits,
    new: Vec<u8>,
    /// Up to where the old text has been dealt with.
    at: usize,
    row: usize,
}

impl Rewrite<'_> {
    fn record(&mut self, bytes: &[u8], cells: &[Cell]) -> Result<()> {
        let edit = self.draft.edit(self.row);
        self.row += 1;
        match edit {
            None => Ok(()),
            Some(Edit::Gone) => {
                let start = cells.first().map_or(self.at, Cell::start);
                self.copy(bytes, start);
                let end = cells.last().map_or(start, Cell::end);
                self.at = careful::after_break(bytes, end);
                Ok(())
            }
            Some(Edit::Set(sets)) => {
                for (column, cell) in cells.iter().enumerate() {
                    let field = self.layout.sources.iter().position(|source| *source == column);
                    let Some((field, value)) =
                        field.and_then(|field| Some((field, sets.get(&field)?)))
                    else {
                        continue;
                    };
                    self.copy(bytes, cell.start());
                    self.cell(field, column, value)?;
                    self.at = cell.end();
                }
                Ok(())
            }
        }
    }

    fn copy(&mut self, bytes: &[u8], to: usize) {
        self.new.extend_from_slice(bytes.get(self.at..to).unwrap_or_default());
        self.at = to;
    }

    fn finish(mut self, old: &[u8], start: usize) -> Result<Vec<u8>> {
        self.copy(old, old.len());
        let line_end = line_end(old, start);
        for record in self.draft.added() {
            if !self.new.is_empty() && !self.new.ends_with(b"\n") {
                self.new.extend_from_slice(line_end);
            }
            for column in 0..self.layout.width {
                if column > 0 {
                    self.new.push(self.dialect.delimiter);
                }
                let field = self.layout.sources.iter().position(|source| *source == column);
                let field = field.unwrap_or(column);
                self.cell(field, column, record.get(field).unwrap_or(&Value::Null))?;
            }
            self.new.extend_from_slice(line_end);
        }
        Ok(self.new)
    }

    fn cell(&mut self, field: usize, column: usize, value: &Value) -> Result<()> {
        let text = match value {
            Value::Null => Some(None),
            value => {
                let field = self.layout.schema.fields().get(field);
                field.and_then(|field| text(&field.ty, value, self.digits)).map(Some)
            }
        };
        let cell = text.and_then(|text| cell(self.dialect, text, column == 0, self.layout.width));
        let cell = cell.ok_or_else(|| {
            let name = self.layout.schema.fields().get(field).map_or("", |field| &field.name);
            let message = "the value cannot be written with this delimiter, quote and null";
            Error::new(Kind::Data, message).with("column", name)
        })?;
        self.new.extend_from_slice(&cell);
        Ok(())
    }
}

/// A field as it is to stand in the file; `None` where it would be read as something else.
fn cell(dialect: &Dialect, text: Option<String>, is_first: bool, width: usize) -> Option<Vec<u8>> {
    let Some(text) = text.map(String::into_bytes) else {
        let plain = is_plain(dialect, &dialect.null, is_first);
        return plain.then(|| dialect.null.clone());
    };
    let is_blank = text.is_empty() && width == 1;
    if is_plain(dialect, &text, is_first) && text != dialect.null && !is_blank {
        return Some(text);
    }
    let quote = dialect.quote.filter(|_| !dialect.quoted_null || text != dialect.null)?;
    let mut quoted = vec![quote];
    for byte in text {
        quoted.extend(std::iter::repeat_n(byte, if byte == quote { 2 } else { 1 }));
    }
    quoted.push(quote);
    Some(quoted)
}

fn is_plain(dialect: &Dialect, text: &[u8], is_first: bool) -> bool {
    let is_mark = |byte: &u8| {
        matches!(*byte, b'\n' | b'\r') || *byte == dialect.delimiter || Some(*byte) == dialect.quote
    };
    let is_comment =
        is_first && dialect.comment.is_some() && text.first().copied() == dialect.comment;
    !is_comment && !text.iter().any(is_mark)
}

/// How the file ends its lines, as its first line does.
fn line_end(old: &[u8], start: usize) -> &'static [u8] {
    let head = old.get(..start).filter(|head| !head.is_empty()).unwrap_or(old);
    match memchr::memchr(b'\n', head) {
        Some(at) if at > 0 && head.get(at - 1) == Some(&b'\r') => b"\r\n",
        _ => b"\n",
    }
}
