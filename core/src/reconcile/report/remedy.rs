//! What would make both sides agree.

use super::super::finding::FindingKind;
use super::super::rules::Side;
use super::Report;
use super::explain::Explanation;

/// What would settle a finding, in words; who writes what is for a plan to say.
pub(super) fn remedy(report: &Report, finding: &Explanation) -> String {
    match finding.kind {
        FindingKind::Missing => {
            "create the record on the actual side, or remove it from the expected side".into()
        }
        FindingKind::Unexpected => {
            "remove the record from the actual side, or add it to the expected side".into()
        }
        FindingKind::Changed => changed(report, finding),
        FindingKind::Duplicate => {
            "remove or re-key rows until each side has at most one of this key, or both the same ones".into()
        }
        FindingKind::Unkeyed => unkeyed(finding),
        FindingKind::Conflict => conflict(finding),
        FindingKind::Ambiguous => {
            "change the alternate key's values until each row meets at most one, or drop the alternate key".into()
        }
    }
}

fn changed(report: &Report, finding: &Explanation) -> String {
    let Some(field) = &finding.field else { return String::new() };
    let (side, value) = match owner(report, field) {
        "none" => {
            return format!(
                "nobody owns `{field}`: agree on one value, then set it where it differs"
            );
        }
        "actual" => (Side::Expected, &finding.actual),
        _ => (Side::Actual, &finding.expected),
    };
    match value {
        Some(value) => format!("set `{field}` to `{value}` on the {side} side"),
        None => format!("set `{field}` to null on the {side} side"),
    }
}

fn owner<'a>(report: &'a Report, field: &str) -> &'a str {
    let rule = report.head().rules.get("fields").and_then(|fields| fields.get(field));
    rule.and_then(|rule| rule.get("owner")?.as_str()).unwrap_or("expected")
}

fn unkeyed(finding: &Explanation) -> String {
    let nulls = finding.key.iter().filter(|(_, value)| value.is_none());
    let names: Vec<String> = nulls.map(|(name, _)| format!("`{name}`")).collect();
    format!("give the row a value for {}", names.join(" and "))
}

fn conflict(finding: &Explanation) -> String {
    match &finding.field {
        Some(field) => format!("decide which value of `{field}` counts, then set it on both sides"),
        None => {
            "one side changed the record and the other removed it: decide which of the two counts"
                .into()
        }
    }
}
