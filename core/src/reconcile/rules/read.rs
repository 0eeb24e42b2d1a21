//! The JSON form of the document: reading it strictly, and writing it.

use serde_json::{Map, Value as Json, json};
use trueup_connector::{Mapping, Result};

use super::Side;
use super::document::{FieldSelection, Reconciliation};
use super::rule::{Amount, Compare, OWNERS, Owner, Rule};
use super::text::TextRule;
use super::words::{
    Words, check_members, from_word, invalid, list, object, text, texts, to_word, unknown,
};

const MEMBERS: [&str; 8] =
    ["name", "tenant", "resource", "key", "alternate_keys", "fields", "compare", "mapping"];
const RULE_MEMBERS: [&str; 8] =
    ["compare", "tolerance", "time_tolerance", "text", "aliases", "default", "zone", "owner"];

impl Reconciliation {
    pub(super) fn read(json: &Json) -> Result<Self> {
        let members = object("a reconciliation", json)?;
        check_members("member of the reconciliation", members, &MEMBERS)?;
        let mut document = Self::new(text_or_empty(members, "name")?)
            .with_tenant(text_or_empty(members, "tenant")?)
            .with_resource(text_or_empty(members, "resource")?);
        document.key = members.get("key").map_or(Ok(Vec::new()), |json| texts("`key`", json))?;
        document.alternate_keys = read_alternates(members.get("alternate_keys"))?;
        document.fields = read_selection(members.get("fields"))?;
        let rules = members.get("compare").map(|json| object("`compare`", json)).transpose()?;
        for (field, json) in rules.into_iter().flatten() {
            document.rules.insert(field.clone(), Rule::read(field, json)?);
        }
        document.mappings = read_mappings(members.get("mapping"))?;
        Ok(document)
    }

    /// The document as JSON: what [`Reconciliation::from_json`] reads.
    ///
    /// Members that say nothing are left out.
    pub fn to_json(&self) -> Json {
        let mut members = Map::new();
        let mut add = |name: &str, json: Json, given: bool| {
            if given {
                members.insert(name.to_owned(), json);
            }
        };
        add("name", json!(self.name), true);
        add("tenant", json!(self.tenant), !self.tenant.is_empty());
        add("resource", json!(self.resource), !self.resource.is_empty());
        add("key", json!(self.key), true);
        add("alternate_keys", json!(self.alternate_keys), !self.alternate_keys.is_empty());
        add("fields", selection_json(&self.fields), self.fields != FieldSelection::All);
        let rules = self.rules.iter().map(|(name, rule)| (name.clone(), rule.to_json()));
        add("compare", Json::Object(rules.collect()), !self.rules.is_empty());
        let sides = Side::BOTH
            .into_iter()
            .filter_map(|side| Some((side.name().to_owned(), self.mapping(side)?.to_json())));
        let sides: Map<String, Json> = sides.collect();
        let mapped = !sides.is_empty();
        add("mapping", Json::Object(sides), mapped);
        Json::Object(members)
    }
}

impl Rule {
    /// Reads the rule of a field: a word or an object.
    pub(super) fn read(field: &str, json: &Json) -> Result<Self> {
        let members = match json {
            Json::String(_) => &Map::from_iter([("compare".to_owned(), json.clone())]),
            json => object(&format!("the rule for `{field}`"), json)?,
        };
        check_members(&format!("member of the rule for `{field}`:"), members, &RULE_MEMBERS)?;
        let here = |error: trueup_connector::Error| error.with("field", field);
        let rule = Self {
            compare: read_compare(field, members)?,
            text: members
                .get("text")
                .map_or(Ok(TextRule::exact()), TextRule::read)
                .map_err(here)?,
            aliases: members.get("aliases").map_or(Ok(Vec::new()), |json| aliases(field, json))?,
            default: members.get("default").cloned(),
            zone: members.get("zone").map(|json| text("`zone`", json)).transpose().map_err(here)?,
            owner: members
                .get("owner")
                .map_or(Ok(Owner::Expected), |json| from_word("owner", json, OWNERS))
                .map_err(here)?,
        };
        Ok(rule)
    }

    /// The rule as JSON: a word where that says it all.
    pub fn to_json(&self) -> Json {
        let mut members = Map::new();
        let mut add = |name: &str, json: Json| members.insert(name.to_owned(), json);
        match &self.compare {
            Compare::Exact => None,
            Compare::Tolerance { absolute, relative } => {
                add("tolerance", tolerance_json(absolute.as_ref(), relative.as_ref()))
            }
            Compare::TimeTolerance(amount) => add("time_tolerance", json!(amount)),
            word => add("compare", json!(word.name())),
        };
        if !self.text.is_exact() {
            add("text", self.text.to_json());
        }
        if !self.aliases.is_empty() {
            add("aliases", json!(self.aliases));
        }
        if let Some(value) = &self.default {
            add("default", value.clone());
        }
        if let Some(name) = &self.zone {
            add("zone", json!(name));
        }
        if self.owner != Owner::Expected {
            add("owner", json!(to_word(&self.owner, OWNERS)));
        }
        match (members.len(), members.get("compare")) {
            (0, _) => json!("exact"),
            (1, Some(word)) => word.clone(),
            _ => Json::Object(members),
        }
    }
}

fn read_compare(field: &str, members: &Map<String, Json>) -> Result<Compare> {
    let words: &Words<fn() -> Compare> = &[
        ("exact", || Compare::Exact),
        ("ignore", || Compare::Ignore),
        ("set", || Compare::Set),
        ("subset", || Compare::Subset),
    ];
    let word = members.get("compare").map(|json| from_word("rule", json, words)).transpose();
    let word = word.map_err(|error| error.with("field", field))?.map(|make| make());
    let mut stated: Vec<Compare> = word.into_iter().filter(|c| *c != Compare::Exact).collect();
    if let Some(json) = members.get("tolerance") {
        stated.push(read_tolerance(field, json)?);
    }
    if let Some(json) = members.get("time_tolerance") {
        stated.push(Compare::TimeTolerance(json.as_str().map_or(json.to_string(), str::to_owned)));
    }
    match stated.as_slice() {
        [one, other, ..] => {
            let (one, other) = (one.name(), other.name());
            Err(invalid(format!("the rule for `{field}` has both `{one}` and `{other}`; take one")))
        }
        _ => Ok(stated.pop().unwrap_or_default()),
    }
}

fn read_tolerance(field: &str, json: &Json) -> Result<Compare> {
    let members = object(&format!("the tolerance for `{field}`"), json)?;
    let what = format!("member of the tolerance for `{field}`:");
    check_members(&what, members, &["absolute", "relative"])?;
    if members.is_empty() {
        return Err(invalid(format!("the tolerance for `{field}` is empty")));
    }
    let amount = |name: &str| {
        let json = members.get(name)?;
        Some(Amount(json.as_str().map_or(json.to_string(), str::to_owned)))
    };
    Ok(Compare::Tolerance { absolute: amount("absolute"), relative: amount("relative") })
}

fn tolerance_json(absolute: Option<&Amount>, relative: Option<&Amount>) -> Json {
    let amounts = [("absolute", absolute), ("relative", relative)];
    let given = amounts
        .into_iter()
        .filter_map(|(name, amount)| Some((name.to_owned(), Json::from(amount?.0.as_str()))));
    Json::Object(given.collect())
}

fn aliases(field: &str, json: &Json) -> Result<Vec<(Json, Json)>> {
    if let Json::Object(members) = json {
        let pairs = members.iter().map(|(from, to)| (Json::from(from.as_str()), to.clone()));
        return Ok(pairs.collect());
    }
    let what = format!("the aliases of `{field}`");
    let pair = |pair: &Json| match pair.as_array().map(Vec::as_slice) {
        Some([from, to]) => Ok((from.clone(), to.clone())),
        _ => Err(invalid(format!("{what} are pairs like [from, to], not `{pair}`"))),
    };
    list(&what, json)?.iter().map(pair).collect()
}

fn text_or_empty(members: &Map<String, Json>, name: &str) -> Result<String> {
    members.get(name).map_or(Ok(String::new()), |json| text(&format!("`{name}`"), json))
}

fn read_alternates(json: Option<&Json>) -> Result<Vec<Vec<String>>> {
    let Some(json) = json else { return Ok(Vec::new()) };
    let keys = list("`alternate_keys`", json)?.iter();
    keys.map(|json| texts("an alternate key", json)).collect()
}

fn read_selection(json: Option<&Json>) -> Result<FieldSelection> {
    match json {
        None => Ok(FieldSelection::All),
        Some(Json::String(word)) => match word.as_str() {
            "all" => Ok(FieldSelection::All),
            "common" => Ok(FieldSelection::Common),
            _ => Err(unknown("value of `fields`:", word, ["all", "common"])),
        },
        Some(json) => texts("`fields`", json).map(FieldSelection::Only),
    }
}

fn selection_json(fields: &FieldSelection) -> Json {
    match fields {
        FieldSelection::All => json!("all"),
        FieldSelection::Common => json!("common"),
        FieldSelection::Only(names) => json!(names),
    }
}

fn read_mappings(json: Option<&Json>) -> Result<[Option<Mapping>; 2]> {
    let Some(json) = json else { return Ok([None, None]) };
    let members = object("`mapping`", json)?;
    check_members("side of the mapping", members, &Side::BOTH.map(Side::name))?;
    let side = |side: Side| members.get(side.name()).map(Mapping::from_json).transpose();
    Ok([side(Side::Expected)?, side(Side::Actual)?])
}
