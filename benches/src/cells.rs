//! Cells made from nothing but (seed, row, column, edition): any row can be made again, in any order, by any thread.

use std::borrow::Cow;

/// How the values of one column look.
#[derive(Clone, Copy, Debug)]
pub enum Make {
    /// The row's number, as a 64-bit integer: an integer key.
    Number,
    /// A prefix and ten characters that are the row's alone: a text key.
    Serial(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A word, then a number below the limit, then an ending.
    Name(&'static [&'static str], u64, &'static str),
    /// An integer from the first up to, not including, the second.
    Int(i64, i64),
    /// A number of hundredths below the limit, as a float.
    Float(u64),
    /// True in this many of a hundred.
    Bool(u64),
    /// A day of the ten years from 2016.
    Date,
    /// A second of 2026, in microseconds, UTC.
    Instant,
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// An integer, a day, or a microsecond.
    Int(i64),
    /// A float.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(Cow<'static, str>),
}

const DAY_2016: i64 = 16_801;
const SECOND_2026: i64 = 1_767_225_600;
const SERIAL_LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKLMNPQRTUVWXY";

/// Mixes two numbers into one that looks random (splitmix64's finaliser).
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Make {
    /// The value of `row`, from the random number `h`.
    pub fn cell(self, row: u64, h: u64) -> Cell {
        match self {
            Make::Number => Cell::Int(row as i64 + 1_000_000_000),
            Make::Serial(prefix) => Cell::Text(serial(prefix, row).into()),
            Make::Word(words) => Cell::Text(Cow::Borrowed(pick(words, h))),
            Make::Name(words, limit, ending) => {
                Cell::Text(format!("{}{}{ending}", pick(words, h), (h >> 20) % limit).into())
            }
            Make::Int(from, to) => Cell::Int(from + (h % (to - from).unsigned_abs()) as i64),
            Make::Float(limit) => Cell::Float((h % limit) as f64 / 100.0),
            Make::Bool(percent) => Cell::Bool(h % 100 < percent),
            Make::Date => Cell::Int(DAY_2016 + (h % 3_650) as i64),
            Make::Instant => Cell::Int((SECOND_2026 + (h % 31_536_000) as i64) * 1_000_000),
        }
    }
}

fn pick(words: &'static [&'static str], h: u64) -> &'static str {
    words.get(h as usize % words.len()).copied().unwrap_or_default()
}

/// Ten letters of five bits each; multiplying by an odd number keeps them distinct, and scatters them.
fn serial(prefix: &str, row: u64) -> String {
    let bits = row.wrapping_mul(0x0002_545F_4914_F6CD) & ((1 << 50) - 1);
    let letters = (0..10).rev().map(|i| char::from(letter(bits >> (5 * i))));
    prefix.chars().chain(letters).collect()
}

fn letter(bits: u64) -> u8 {
    SERIAL_LETTERS.get(bits as usize & 31).copied().unwrap_or(b'0')
}
