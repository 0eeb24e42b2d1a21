//! Names of those who act and answer: when two are one party, and which are no names.

use unicode_normalization::UnicodeNormalization;

/// The form in which names are compared: however a name is written, it is one party.
///
/// Canonical caseless matching of The Unicode Standard (definition D145), from pinned tables.
pub(crate) fn folded(party: &str) -> String {
    let plain: String = party.nfd().collect();
    caseless::default_case_fold_str(&plain).nfc().collect()
}

/// Whether two names are one party's.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || folded(one) == folded(other)
}

/// Whether a name reads as another: with space around its parts, or signs that nobody sees.
pub(crate) fn is_untidy(party: &str) -> bool {
    let spaced = party.split(':').any(|part| part.trim() != part);
    party.is_empty() || spaced || party.chars().any(is_unseen)
}

/// Control characters, and those that show nothing or turn the text around them.
fn is_unseen(c: char) -> bool {
    let invisible = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}');
    invisible || c.is_control()
}
