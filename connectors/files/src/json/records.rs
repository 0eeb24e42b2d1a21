//! Where the records of a piece of JSON stand: one a line, or the elements of one array.

use std::ops::Range;

use crate::config::Format;
use crate::pieces::Cut;

/// How the records stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One a line.
    Lines,
    /// The elements of one array.
    Array,
}

impl Form {
    pub(crate) fn of(format: Format) -> Self {
        if format == Format::Json { Self::Array } else { Self::Lines }
    }
}

impl Cut for Form {
    fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Lines => memchr::memrchr(b'\n', bytes).map(|at| at + 1),
            Self::Array => Elements::new(bytes, after_bracket(bytes).unwrap_or(0))
                .filter_map(|stop| if let Stop::Comma(at) = stop { Some(at + 1) } else { None })
                .last(),
        }
    }
}

/// The records of a piece, or what is wrong and where.
pub(crate) type Found = Result<Vec<Range<usize>>, (usize, &'static str)>;

/// The lines that are not blank.
pub(crate) fn lines(bytes: &[u8]) -> Vec<Range<usize>> {
    let (mut found, mut start) = (Vec::new(), 0);
    for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
        let line = bytes.get(start..end).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            found.push(start..end);
        }
        start = end + 1;
    }
    found
}

/// The elements of an array, of which `bytes` has some whole ones and what stands between them.
///
/// `is_first` where nothing of the array was given before; `is_last` where nothing comes after.
pub(crate) fn elements(bytes: &[u8], is_first: bool, is_last: bool) -> Found {
    let (mut found, mut start) = (Vec::new(), 0);
    for stop in Elements::new(bytes, 0) {
        let (at, is_end) = match stop {
            Stop::Comma(at) => (at, false),
            Stop::Bracket(at) => (at, true),
            Stop::Other(at) => return Err((at, "a bracket closes what was not opened")),
        };
        let is_blank = bytes.get(start..at).unwrap_or_default().trim_ascii().is_empty();
        match is_blank {
            false => found.push(start..at),
            true if is_end && is_first && found.is_empty() => {}
            true => return Err((at, "there is nothing where a record should be")),
        }
        start = at + 1;
        if is_end {
            let rest = bytes.get(start..).unwrap_or_default();
            return match rest.trim_ascii().is_empty() && is_last {
                true => Ok(found),
                false => Err((start, "there is text after the end of the array")),
            };
        }
    }
    match is_last {
        true => Err((bytes.len(), "the array is never closed: the file is cut off")),
        false => Ok(found),
    }
}

/// The position after the bracket that opens the array, if it is the first thing there.
pub(crate) fn after_bracket(bytes: &[u8]) -> Option<usize> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    (bytes.get(start) == Some(&b'[')).then_some(start + 1)
}

/// What stands outside of all elements.
enum Stop {
    Comma(usize),
    Bracket(usize),
    Other(usize),
}

/// Finds what stands between the elements of an array.
struct Elements<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Elements<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }
}

impl Iterator for Elements<'_> {
    type Item = Stop;

    fn next(&mut self) -> Option<Stop> {
        let mut depth = 0_usize;
        while let Some(byte) = self.bytes.get(self.at) {
            let at = self.at;
            self.at += 1;
            match byte {
                b'"' => self.at = after_string(self.bytes, self.at)?,
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 0 => depth -= 1,
                b']' => return Some(Stop::Bracket(at)),
                b'}' => return Some(Stop::Other(at)),
                b',' if depth == 0 => return Some(Stop::Comma(at)),
                _ => {}
            }
        }
        None
    }
}

/// The position after the quote that closes a string whose content starts at `at`.
fn after_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let found = at + memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(found) {
            Some(b'"') => return Some(found + 1),
            _ => at = found + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(bytes: &str) -> Result<Vec<&str>, &'static str> {
        let found = elements(bytes.as_bytes(), true, true).map_err(|(_, what)| what)?;
        Ok(found.into_iter().map(|range| bytes[range].trim()).collect())
    }

    #[test]
    fn elements_are_found_between_commas() {
        assert_eq!(
            texts(r#"{"a":[1,{"b":"],\"{"}]}, 2 ]"#),
            Ok(vec![r#"{"a":[1,{"b":"],\"{"}]}"#, "2"])
        );
        assert_eq!(texts(" ]\n"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_array_is_refused() {
        for text in ["1,]", ",1]", "1", "1]]", "1]x", "}", "", "\"a]"] {
            assert!(texts(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_array_is_cut_after_whole_elements() {
        let cut = |text: &str| Form::Array.last_end(text.as_bytes());
        assert_eq!(cut(r#" [{"a":"x,"},{"b"#), Some(13));
        assert_eq!(cut(r#"{"a":1}, {"b":2},"#), Some(17));
        assert_eq!(cut(r#"{"a":[1,2"#), None);
    }
}
