//! Rules in words, for people.

use super::rule::{Amount, Compare};
use super::text::{TextCase, TextRule, TextSpace, UnicodeForm};

impl TextRule {
    /// What is done to a text, step by step.
    pub(super) fn describe(&self) -> Vec<String> {
        let form = match self.unicode {
            UnicodeForm::Exact => None,
            UnicodeForm::Nfc => Some("Unicode form NFC"),
            UnicodeForm::Nfkc => Some("Unicode form NFKC"),
        };
        let space = match self.space {
            TextSpace::Exact => None,
            TextSpace::Trim => Some("white space at the ends ignored"),
            TextSpace::Collapse => Some("runs of white space are one space"),
            TextSpace::Remove => Some("white space ignored"),
        };
        let steps = match (self.case, space) {
            (TextCase::Exact, space) => [space, None],
            (TextCase::Ignore, Some("white space ignored")) => {
                [Some("case and white space ignored"), None]
            }
            (TextCase::Ignore, space) => [Some("case ignored"), space],
        };
        form.into_iter().chain(steps.into_iter().flatten()).map(str::to_owned).collect()
    }
}

impl Compare {
    /// When two values agree.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Exact => "exact".to_owned(),
            Self::Ignore => "not compared".to_owned(),
            Self::Set => "equal as sets".to_owned(),
            Self::Subset => "all of expected is in actual".to_owned(),
            Self::TimeTolerance(amount) => format!("equal within {amount}"),
            Self::Tolerance { absolute, relative } => {
                let bounds = [(absolute, "absolute"), (relative, "relative")];
                let bound = |(amount, name): (&Option<Amount>, &str)| {
                    amount.as_ref().map(|amount| format!("{} ({name})", amount.0))
                };
                let bounds: Vec<String> = bounds.into_iter().filter_map(bound).collect();
                format!("equal within {}", bounds.join(" or "))
            }
        }
    }
}
