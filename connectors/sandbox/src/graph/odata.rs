//! Pages by opaque links, chosen members, and the filters that are heeded.

use serde_json::{Map, Value as Json, json};

use super::refused::{Outcome, Refused};
use crate::http::Call;

/// The most records a page of Intune has.
pub(super) const PAGE: usize = 1000;

/// How many records a page has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Where nothing is asked for.
    pub(super) usual: usize,
    /// Whatever is asked for.
    pub(super) most: usize,
}

/// A page of a list, whose records are made when they are wanted.
pub(super) fn page(
    call: &Call,
    context: &str,
    total: usize,
    record: impl Fn(usize) -> Json,
) -> Outcome<Json> {
    sized(call, context, total, Sizes { usual: PAGE, most: PAGE }, record)
}

/// The same with other sizes of pages.
pub(super) fn sized(
    call: &Call,
    context: &str,
    total: usize,
    sizes: Sizes,
    record: impl Fn(usize) -> Json,
) -> Outcome<Json> {
    let most = match call.parameter("$top").map(str::parse::<usize>) {
        None => sizes.usual,
        Some(Ok(top)) if top > 0 => top.min(sizes.most),
        Some(_) => return Err(Refused::bad("Invalid value for the $top query option.")),
    };
    let (from, been_empty) = place(call)?;
    let (start, count) = match (call.empty_page && !been_empty, call.duplicate_page) {
        (true, _) => (from, 0),
        (false, true) if from > 0 && most > 1 => (from - 1, most),
        _ => (from, most),
    };
    let end = start.saturating_add(count).min(total);
    let value: Vec<Json> = (start..end).map(|at| select(call, record(at))).collect();
    let mut page = json!({
        "@odata.context": format!("{}/v1.0/$metadata#{context}", call.origin), "value": value,
    });
    if let (Json::Object(members), true) = (&mut page, end < total) {
        let mark = if count == 0 { "e" } else { "" };
        members.insert("@odata.nextLink".into(), json!(next(call, end, mark)));
    }
    Ok(page)
}

/// Where a page starts, and whether an empty one has been there before it.
fn place(call: &Call) -> Outcome<(usize, bool)> {
    let Some(token) = call.parameter("$skiptoken") else { return Ok((0, false)) };
    let number = token.trim_end_matches('e').strip_prefix("LastDeviceName-");
    let from = number.and_then(|number| number.parse().ok());
    let from = from.ok_or_else(|| Refused::bad("The skip token is not valid."))?;
    Ok((from, token.ends_with('e')))
}

fn next(call: &Call, from: usize, mark: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(call.query.iter().filter(|(name, _)| name != "$skiptoken"));
    query.append_pair("$skiptoken", &format!("LastDeviceName-{from}{mark}"));
    format!("{}{}?{}", call.origin, call.path, query.finish())
}

/// The members that are asked for.
pub(super) fn select(call: &Call, record: Json) -> Json {
    let Some(names) = call.parameter("$select").filter(|names| !names.is_empty()) else {
        return record;
    };
    let names: Vec<&str> = names.split(',').map(str::trim).collect();
    let members = record.as_object().into_iter().flatten();
    let wanted = members.filter(|(name, _)| {
        names.contains(&name.as_str()) || *name == "id" || name.starts_with('@')
    });
    Json::Object(wanted.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// Conditions of the form `property eq 'text'`, joined by `and`. A property that is not among those
/// the service can filter by is ignored without a word, as the service does.
pub(super) fn conditions(call: &Call, known: &[&str]) -> Outcome<Vec<(String, String)>> {
    let Some(filter) = call.parameter("$filter") else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for part in filter.split(" and ") {
        let bad = || Refused::bad(format!("Invalid filter clause: '{part}'"));
        let (name, value) = part.split_once(" eq ").ok_or_else(bad)?;
        let value =
            value.trim().strip_prefix('\'').and_then(|v| v.strip_suffix('\'')).ok_or_else(bad)?;
        if known.contains(&name.trim()) {
            found.push((name.trim().to_owned(), value.replace("''", "'")));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_properties_are_ignored_without_a_word() {
        let call = Call::default().at("/x?$filter=a eq 'O''Neill' and b eq 'y'");
        assert_eq!(conditions(&call, &["a"]).ok(), Some(vec![("a".into(), "O'Neill".into())]));
        assert!(conditions(&Call::default().at("/x?$filter=a gt 1"), &["a"]).is_err());
    }

    #[test]
    fn pages_end() {
        let mut call = Call::default().at("/v1.0/x?$top=2");
        let mut seen = Vec::new();
        loop {
            let page = page(&call, "x", 5, |at| json!({"id": at})).unwrap_or_default();
            seen.push(page["value"].as_array().map_or(0, Vec::len));
            let Some(link) = page["@odata.nextLink"].as_str() else { break };
            call = call.at(link);
        }
        assert_eq!(seen, [2, 2, 1]);
    }
}
