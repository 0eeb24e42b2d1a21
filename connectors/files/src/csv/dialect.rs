//! How a CSV file is written, checked once.

use trueup_connector::Result;

use crate::config::FileSettings;

/// The bytes that matter. `None` for the quote: quotes are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) comment: Option<u8>,
    pub(crate) null: Vec<u8>,
    pub(crate) quoted_null: bool,
}

impl Dialect {
    pub(crate) fn new(file: &FileSettings) -> Result<Self> {
        let one = |what: &str, c: char| byte(file, what, c);
        let dialect = Self {
            delimiter: one("delimiter", file.delimiter())?,
            quote: file.csv.quote.map(|c| one("quote", c)).transpose()?,
            comment: file.csv.comment.map(|c| one("comment", c)).transpose()?,
            null: file.csv.null.clone().into_bytes(),
            quoted_null: file.csv.quoted_null,
        };
        let marks = [Some(dialect.delimiter), dialect.quote, dialect.comment];
        let [a, b, c] = marks;
        if a == b || (c.is_some() && (a == c || b == c)) {
            return Err(file.invalid("delimiter, quote and comment must be different characters"));
        }
        Ok(dialect)
    }
}

/// One character of ASCII that is neither a line end nor part of a number or word.
fn byte(file: &FileSettings, what: &str, c: char) -> Result<u8> {
    let fits = c == '\t' || (c.is_ascii() && !c.is_ascii_control() && !c.is_ascii_alphanumeric());
    match u8::try_from(c) {
        Ok(byte) if fits => Ok(byte),
        _ => Err(file.invalid(&format!(
            "the {what} `{}` is not a tab or a punctuation mark of ASCII",
            c.escape_default()
        ))),
    }
}
