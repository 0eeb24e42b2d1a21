//! Text rules: Unicode form, case and white space.

use std::borrow::Cow;

use serde_json::{Map, Value as Json, json};
use trueup_connector::Result;
use unicode_normalization::{UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use super::words::{Words, check_members, from_word, object, to_word};

/// What of a text counts when it is compared: everything, unless told otherwise.
///
/// The Unicode form is made first, then case is folded, then white space is changed.
///
/// ```
/// use trueup::{Rule, TextCase, TextRule, TextSpace};
///
/// let text = TextRule::exact().with_case(TextCase::Ignore).with_space(TextSpace::Collapse);
/// let rule = Rule::exact().with_text(text);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextRule {
    /// Whether upper and lower case differ.
    pub case: TextCase,
    /// What white space counts for.
    pub space: TextSpace,
    /// Which spellings of a character are the same.
    pub unicode: UnicodeForm,
}

/// Whether upper and lower case differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextCase {
    /// They do.
    #[default]
    Exact,
    /// They do not: full case folding of Unicode, the same in every language.
    Ignore,
}

/// What white space counts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextSpace {
    /// As any other character.
    #[default]
    Exact,
    /// Nothing at both ends.
    Trim,
    /// Nothing at both ends, and one space wherever there is any.
    Collapse,
    /// Nothing at all.
    Remove,
}

/// Which spellings of a character are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnicodeForm {
    /// None: text is its code points.
    #[default]
    Exact,
    /// Canonical equivalents: a letter with its accent, and the two as one character.
    Nfc,
    /// Also compatible ones: full-width letters, ligatures, superscripts.
    Nfkc,
}

const CASES: &Words<TextCase> = &[("exact", TextCase::Exact), ("ignore", TextCase::Ignore)];
const SPACES: &Words<TextSpace> = &[
    ("exact", TextSpace::Exact),
    ("trim", TextSpace::Trim),
    ("collapse", TextSpace::Collapse),
    ("remove", TextSpace::Remove),
];
const FORMS: &Words<UnicodeForm> =
    &[("exact", UnicodeForm::Exact), ("nfc", UnicodeForm::Nfc), ("nfkc", UnicodeForm::Nfkc)];

impl TextRule {
    /// Text as it is.
    pub fn exact() -> Self {
        Self::default()
    }

    /// Sets whether upper and lower case differ.
    #[must_use]
    pub fn with_case(mut self, case: TextCase) -> Self {
        self.case = case;
        self
    }

    /// Sets what white space counts for.
    #[must_use]
    pub fn with_space(mut self, space: TextSpace) -> Self {
        self.space = space;
        self
    }

    /// Sets which spellings of a character are the same.
    #[must_use]
    pub fn with_unicode(mut self, unicode: UnicodeForm) -> Self {
        self.unicode = unicode;
        self
    }

    pub(super) fn is_exact(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn read(json: &Json) -> Result<Self> {
        let members = object("a text rule", json)?;
        check_members("text rule", members, &["case", "space", "unicode"])?;
        Ok(Self {
            case: setting(members, "case", CASES)?,
            space: setting(members, "space", SPACES)?,
            unicode: setting(members, "unicode", FORMS)?,
        })
    }

    /// All three members.
    pub(super) fn to_json(self) -> Json {
        json!({
            "case": to_word(&self.case, CASES),
            "space": to_word(&self.space, SPACES),
            "unicode": to_word(&self.unicode, FORMS),
        })
    }

    /// The text that stands for all texts which this rule does not tell apart.
    pub(super) fn fold<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_exact() {
            return Cow::Borrowed(text);
        }
        match self.fold_prefix(text) {
            Cow::Borrowed(text) => self.fold_space(text),
            Cow::Owned(text) => Cow::Owned(self.fold_space(&text).into_owned()),
        }
    }

    /// [`TextRule::fold`] but for white space: of the start of a text, which may end anywhere.
    pub(super) fn fold_prefix<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.case {
            TextCase::Exact => self.compose(text),
            TextCase::Ignore if text.is_ascii() => Cow::Owned(text.to_ascii_lowercase()),
            TextCase::Ignore => {
                let folded = caseless::default_case_fold_str(&self.compose(text));
                Cow::Owned(self.compose(&folded).into_owned())
            }
        }
    }

    fn compose<'a>(&self, text: &'a str) -> Cow<'a, str> {
        use unicode_normalization::IsNormalized::Yes;
        match self.unicode {
            _ if text.is_ascii() => Cow::Borrowed(text),
            UnicodeForm::Nfc if is_nfc_quick(text.chars()) != Yes => text.nfc().collect(),
            UnicodeForm::Nfkc if is_nfkc_quick(text.chars()) != Yes => text.nfkc().collect(),
            _ => Cow::Borrowed(text),
        }
    }

    fn fold_space<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let words = || text.split(is_white).filter(|word| !word.is_empty());
        match self.space {
            TextSpace::Exact => Cow::Borrowed(text),
            TextSpace::Trim => Cow::Borrowed(text.trim_matches(is_white)),
            TextSpace::Collapse => Cow::Owned(words().collect::<Vec<_>>().join(" ")),
            TextSpace::Remove if text.contains(is_white) => Cow::Owned(words().collect()),
            TextSpace::Remove => Cow::Borrowed(text),
        }
    }
}

/// The Unicode property White_Space, as the specification lists it.
fn is_white(c: char) -> bool {
    matches!(
        c,
        '\u{9}'..='\u{d}'
            | ' '
            | '\u{85}'
            | '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}'
    )
}

fn setting<T: Copy + Default>(
    members: &Map<String, Json>,
    name: &str,
    words: &Words<T>,
) -> Result<T> {
    let word = members.get(name).map(|json| from_word(&format!("{name} rule"), json, words));
    Ok(word.transpose()?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_the_unicode_property() {
        assert!(('\0'..=char::MAX).all(|c| is_white(c) == c.is_whitespace()));
    }

    #[track_caller]
    fn check(rule: &str, text: &str, want: &str) {
        let rule = TextRule::read(&serde_json::from_str(rule).unwrap()).unwrap();
        assert_eq!(rule.fold(text), want);
        assert_eq!(TextRule::read(&rule.to_json()).unwrap(), rule);
    }

    #[test]
    fn texts_fold_as_the_rule_says() {
        check("{}", " Ä ", " Ä ");
        check(r#"{"case":"ignore"}"#, "STRASSE Straße ΣΑΣ İ", "strasse strasse σασ i\u{307}");
        check(r#"{"case":"ignore","unicode":"nfc"}"#, "A\u{30a}\u{212b}", "åå");
        check(r#"{"unicode":"nfkc"}"#, "ﬁ\u{ff21}²", "fiA2");
        check(r#"{"space":"trim"}"#, "\u{3000}a \u{a0}b\n", "a \u{a0}b");
        check(r#"{"space":"collapse"}"#, " a \u{2003}\tb ", "a b");
        check(r#"{"space":"remove"}"#, " a b\u{200b}", "ab\u{200b}");
        check(r#"{"space":"collapse"}"#, " \t", "");
    }

    #[test]
    fn a_misspelt_setting_gets_the_nearest() {
        for (rule, text) in [
            (r#"{"cas":"ignore"}"#, "did you mean `case`?"),
            (r#"{"case":"ingore"}"#, "did you mean `ignore`?"),
            (r#"{"unicode":"nfd"}"#, "did you mean `nfc`?"),
        ] {
            let error = TextRule::read(&serde_json::from_str(rule).unwrap()).unwrap_err();
            assert!(error.message().contains(text), "{error}");
        }
    }
}
