//! Numbers, times and colours as text.

use std::fmt;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

/// What a piece of text is, which is what gives it its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Title,
    Quiet,
    Good,
    Missing,
    Unexpected,
    Changed,
}

impl Paint {
    /// The colour of a kind of finding.
    pub(crate) fn of_kind(kind: &str) -> Self {
        match kind {
            "missing" => Self::Missing,
            "unexpected" => Self::Unexpected,
            "matched" => Self::Good,
            _ => Self::Changed,
        }
    }

    /// The text in its colour. Pad it before: colours have a width too.
    pub(crate) fn on(self, text: impl fmt::Display) -> String {
        let style = self.style();
        format!("{style}{text}{style:#}")
    }

    fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Title => Style::new().bold(),
            Self::Quiet => Style::new().dimmed(),
            Self::Good => color(AnsiColor::Green),
            Self::Missing => color(AnsiColor::Red),
            Self::Unexpected => color(AnsiColor::Yellow),
            Self::Changed => color(AnsiColor::Cyan),
        }
    }
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.12 s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// `12.3 MB`.
pub(crate) fn bytes(number: u64) -> String {
    let tenths = number.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

/// A bar as long as the part is of the whole.
pub(crate) fn bar(part: u64, whole: u64, width: u64) -> String {
    let eighths = part * width * 8 / whole.max(1);
    let full = "█".repeat(usize::try_from(eighths / 8).unwrap_or_default());
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let rest = usize::try_from(eighths % 8).ok().and_then(|i| rest.get(i)).unwrap_or(&"");
    // What is there is never shown as nothing.
    if eighths == 0 && part > 0 { "▏".into() } else { full + rest }
}

/// A text of at most so many characters.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    match text.chars().count() > width {
        true => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 12, 999, 1_000, 68_820, 1_234_567];
        let shown = numbers.map(grouped);
        assert_eq!(shown, ["0", "12", "999", "1,000", "68,820", "1,234,567"]);
    }

    #[test]
    fn a_bar_is_as_long_as_its_part() {
        assert_eq!(bar(4, 4, 3), "███");
        assert_eq!(bar(1, 2, 3), "█▌");
        assert_eq!(bar(1, 1_000, 3), "▏");
        assert_eq!(bar(0, 0, 3), "");
    }

    #[test]
    fn sizes_and_texts_are_short() {
        assert_eq!(bytes(12_345_678), "12.4 MB");
        assert_eq!((shortened("abcd", 4), shortened("abcde", 4)), ("abcd".into(), "abc…".into()));
        assert_eq!(seconds(Duration::from_millis(1_234)), "1.23 s");
    }
}
