//! What a report knows besides its findings: where its records come from, and its rules in words.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use trueup_connector::{Consistency, LogicalType, Provenance};

use super::live::Live;
use super::members;
use super::{Head, Source};

/// Everything a saved report keeps besides head and findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// Both sides, the expected one first.
    pub(super) sides: [Origin; 2],
    pub(super) rules: Vec<RuleWords>,
    /// The fields of the rows of findings about several rows.
    pub(super) members: Vec<MemberField>,
}

/// Where the records of a side come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Origin {
    pub(super) provenance: Provenance,
    pub(super) consistency: Consistency,
    pub(super) rows: u64,
    /// The content root in hexadecimal digits, once it was computed.
    pub(super) content_root: Option<String>,
}

/// One field's rule, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleWords {
    pub(super) field: String,
    /// `key`, `alternate key`, `compared` or `ignored`.
    pub(super) part: String,
    pub(super) rule: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MemberField {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) ty: LogicalType,
}

impl Facts {
    pub(super) fn of(head: &Head, source: &Source) -> Self {
        match source {
            Source::Live(live) => Self {
                sides: live.origins(),
                rules: rules(head, live),
                members: members::fields(live),
            },
            Source::Stored(stored) => stored.facts.clone(),
        }
    }

    /// A field's rule in words; without one its values are compared as they are.
    pub(super) fn rule(&self, field: &str) -> Option<&str> {
        let found = self.rules.iter().find(|words| words.field == field);
        found.map(|words| words.rule.as_str())
    }
}

/// The rules of key, compared, joined and ignored fields, in this order.
fn rules(head: &Head, live: &Live) -> Vec<RuleWords> {
    let fields = &live.fields;
    let key = fields.key.iter().map(|field| (field, "key"));
    let compared = fields.compared.iter().map(|field| (field, "compared"));
    let joined = fields.alternates.iter().flatten().map(|field| (field, "alternate key"));
    let mut rules: Vec<RuleWords> = Vec::new();
    for (field, part) in key.chain(compared).chain(joined) {
        match rules.iter_mut().find(|words| words.field == field.name) {
            Some(words) if words.part == "compared" => {
                words.part = "compared, alternate key".into()
            }
            Some(_) => {}
            None => rules.push(RuleWords {
                field: field.name.clone(),
                part: part.to_owned(),
                rule: field.rule.describe(),
            }),
        }
    }
    rules.extend(ignored(head).map(|field| RuleWords {
        field: field.to_owned(),
        part: "ignored".to_owned(),
        rule: "not compared".to_owned(),
    }));
    rules
}

fn ignored(head: &Head) -> impl Iterator<Item = &str> {
    let fields = head.rules.get("fields").and_then(Json::as_object);
    let fields = fields.into_iter().flatten();
    fields
        .filter(|(_, rule)| rule.get("compare") == Some(&"ignore".into()))
        .map(|(f, _)| f.as_str())
}
