//! What quoted text means: its escapes.

use std::borrow::Cow;

use super::value::Value;
use super::wrong::{Wrong, wrong};

/// How the text between two quotes is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unquote {
    /// Where it begins.
    pub(super) at: usize,
    /// Whether a backslash is just a backslash.
    pub(super) raw: bool,
    /// Whether it is bytes.
    pub(super) bytes: bool,
}

impl Unquote {
    /// The value of the text between the quotes.
    pub(super) fn value(self, body: &str) -> Result<Value<'static>, Wrong> {
        let mut found = Vec::with_capacity(body.len());
        let mut rest = body;
        while let Some(first) = rest.chars().next() {
            let taken = match first {
                '\\' if !self.raw => self.escape(rest, body.len() - rest.len(), &mut found)?,
                other => {
                    push(&mut found, other);
                    other.len_utf8()
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        if self.bytes {
            return Ok(Value::Bytes(Cow::Owned(found)));
        }
        match String::from_utf8(found) {
            Ok(text) => Ok(Value::Text(Cow::Owned(text))),
            Err(_) => wrong(self.at, "the text is not UTF-8"),
        }
    }

    /// Appends what an escape stands for; how many bytes it takes.
    fn escape(self, rest: &str, offset: usize, found: &mut Vec<u8>) -> Result<usize, Wrong> {
        let letter = rest.chars().nth(1).unwrap_or(' ');
        if let Some(plain) = plain_escape(letter) {
            found.push(plain);
            return Ok(2);
        }
        let (from, digits, radix) = match letter {
            'x' | 'X' => (2, 2, 16),
            'u' if !self.bytes => (2, 4, 16),
            'U' if !self.bytes => (2, 8, 16),
            '0'..='3' => (1, 3, 8),
            _ => return wrong(self.at + offset, format!("`\\{letter}` is no escape")),
        };
        let code = rest.get(from..from + digits).and_then(|d| number(d, radix));
        let appended = code.and_then(|code| self.append(code, found));
        match appended {
            Some(()) => Ok(from + digits),
            None => wrong(
                self.at + offset,
                format!("`\\{letter}` is not followed by a character's number"),
            ),
        }
    }

    /// A number is a byte of bytes, and a character of text.
    fn append(self, code: u32, found: &mut Vec<u8>) -> Option<()> {
        match self.bytes {
            true => found.push(u8::try_from(code).ok()?),
            false => push(found, char::from_u32(code)?),
        }
        Some(())
    }
}

fn plain_escape(letter: char) -> Option<u8> {
    Some(match letter {
        'a' => 7,
        'b' => 8,
        't' => b'\t',
        'n' => b'\n',
        'v' => 11,
        'f' => 12,
        'r' => b'\r',
        '\\' | '?' | '"' | '\'' | '`' => u8::try_from(letter).ok()?,
        _ => return None,
    })
}

/// Digits only: a sign would be taken for one otherwise.
fn number(digits: &str, radix: u32) -> Option<u32> {
    let all = digits.chars().all(|c| c.is_digit(radix));
    all.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

fn push(found: &mut Vec<u8>, c: char) {
    found.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}
