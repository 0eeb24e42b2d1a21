//! Lists: filters, order, pages by index and by cursor, and which attributes are given.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value as Json, json};

use super::filter::{Filter, Path};
use super::schema::{ENTERPRISE, Kind};
use super::store::Store;
use super::{Features, Outcome, Refused};
use crate::http::Call;

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A list that is one page.
pub(crate) fn whole(resources: Vec<Json>) -> Json {
    let count = resources.len();
    json!({"schemas": [LIST], "totalResults": count, "startIndex": 1, "itemsPerPage": count,
        "Resources": resources})
}

/// One page of the resources of these kinds.
pub(crate) fn page(
    store: &Store,
    features: &Features,
    kinds: &[Kind],
    call: &Call,
    base: &str,
) -> Outcome<Json> {
    let found = found(store, features, kinds, call, base)?;
    let count = count(features, call)?;
    let given = |from: usize, count: usize| -> Vec<Json> {
        let page = found.iter().skip(from).take(count);
        page.map(|(kind, json)| select(*kind, json, call)).collect()
    };
    match call.parameter("cursor") {
        Some(_) if !features.cursors => {
            Err(Refused::new(501, "", "Cursor pagination is not supported"))
        }
        Some(_) if call.parameter("startIndex").is_some() => {
            Err(Refused::bad("invalidValue", "cursor and startIndex exclude each other"))
        }
        Some(cursor) => by_cursor(call, cursor, count, found.len(), given),
        None => {
            let start = index(call, "startIndex")?.unwrap_or(1).max(1);
            // An empty page in the middle: the caller must not take it for the end.
            let shown = if call.empty_page { 0 } else { count };
            let resources = given(start - 1, shown);
            Ok(json!({"schemas": [LIST], "totalResults": found.len(), "startIndex": start,
                "itemsPerPage": resources.len(), "Resources": resources}))
        }
    }
}

fn by_cursor(
    call: &Call,
    cursor: &str,
    count: usize,
    total: usize,
    given: impl Fn(usize, usize) -> Vec<Json>,
) -> Outcome<Json> {
    let mark = mark(call);
    let from = match cursor {
        "" => 0,
        text => {
            let bad = || Refused::bad("invalidCursor", "The cursor is not of this list");
            let (from, known) = text.split_once('-').ok_or_else(bad)?;
            let from: usize = from.parse().map_err(|_| bad())?;
            // The empty page has been: its cursor says so, so that it does not come for ever.
            if known.trim_end_matches('x') != mark { Err(bad()) } else { Ok(from) }?
        }
    };
    let (start, shown) = match (call.empty_page && !cursor.ends_with('x'), call.duplicate_page) {
        (true, _) => (from, 0),
        (false, true) if from > 0 && count > 1 => (from - 1, count),
        _ => (from, count),
    };
    let resources = given(start, shown);
    let next = start + resources.len();
    let mut page = json!({"schemas": [LIST], "totalResults": total, "itemsPerPage": resources.len(),
        "Resources": resources});
    if next < total && count > 0 {
        let empty = if shown == 0 { "x" } else { "" };
        if let Json::Object(members) = &mut page {
            members.insert("nextCursor".into(), json!(format!("{next}-{mark}{empty}")));
        }
    }
    Ok(page)
}

/// What every page of one list has to say again.
fn mark(call: &Call) -> String {
    let mut hasher = DefaultHasher::new();
    for name in ["filter", "attributes", "excludedAttributes", "sortBy", "sortOrder", "count"] {
        call.parameter(name).hash(&mut hasher);
    }
    call.path.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn found(
    store: &Store,
    features: &Features,
    kinds: &[Kind],
    call: &Call,
    base: &str,
) -> Outcome<Vec<(Kind, Json)>> {
    let filter = match call.parameter("filter") {
        Some(_) if !features.filters => {
            return Err(Refused::bad("invalidFilter", "Filters are not supported"));
        }
        Some(text) => Some(Filter::parse(text)?).filter(|_| !features.deaf),
        None => None,
    };
    let mut found = Vec::new();
    for kind in kinds {
        for id in store.ids(*kind) {
            let Some(json) = store.get(*kind, &id) else { continue };
            if filter.as_ref().is_none_or(|filter| filter.holds(*kind, None, &json)) {
                found.push((*kind, located(json, *kind, &id, base, features)));
            }
        }
    }
    if let Some(by) = call.parameter("sortBy") {
        let path = Path::parse(by)?;
        let key =
            |json: &Json| path.values(json).first().map(|value| value.to_string().to_lowercase());
        found.sort_by_cached_key(|(_, json)| key(json));
        if call.parameter("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("descending"))
        {
            found.reverse();
        }
    }
    Ok(found)
}

/// With its address; without its version where the server has none.
pub(crate) fn located(
    mut json: Json,
    kind: Kind,
    id: &str,
    base: &str,
    features: &Features,
) -> Json {
    if let Some(meta) = json.get_mut("meta").and_then(Json::as_object_mut) {
        meta.insert("location".into(), json!(format!("{base}/{}/{id}", kind.endpoint())));
        if !features.etags {
            meta.remove("version");
        }
    }
    json
}

fn count(features: &Features, call: &Call) -> Outcome<usize> {
    Ok(index(call, "count")?.unwrap_or(100).min(features.most))
}

/// A number of the query; less than 0 is 0.
fn index(call: &Call, name: &str) -> Outcome<Option<usize>> {
    let Some(text) = call.parameter(name) else { return Ok(None) };
    let number: i128 = text
        .parse()
        .map_err(|_| Refused::bad("invalidValue", format!("'{name}' is not a number")))?;
    Ok(Some(usize::try_from(number.max(0)).unwrap_or(usize::MAX)))
}

/// The attributes that are given (RFC 7644 §3.9).
pub(crate) fn select(kind: Kind, json: &Json, call: &Call) -> Json {
    let names = |parameter: &str| -> Vec<Path> {
        let names = call.parameter(parameter).unwrap_or_default().split(',');
        names.filter_map(|name| Path::parse(name).ok()).collect()
    };
    let (only, without) = (names("attributes"), names("excludedAttributes"));
    let members = json.as_object().into_iter().flatten();
    let given = members.filter_map(|(name, value)| {
        let part = Part { kind, extension: None, only: &only, without: &without };
        match name == ENTERPRISE {
            false => Some((name.clone(), part.of(name, value)?)),
            true => {
                let part = Part { extension: Some(ENTERPRISE), ..part };
                let inner = value.as_object().into_iter().flatten();
                let inner = inner.filter_map(|(n, v)| Some((n.clone(), part.of(n, v)?)));
                let inner: Map<String, Json> = inner.collect();
                (!inner.is_empty()).then(|| (name.clone(), Json::Object(inner)))
            }
        }
    });
    Json::Object(given.collect())
}

struct Part<'a> {
    kind: Kind,
    extension: Option<&'static str>,
    only: &'a [Path],
    without: &'a [Path],
}

impl Part<'_> {
    fn of(&self, name: &str, value: &Json) -> Option<Json> {
        let attribute = self.kind.attribute(self.extension, name);
        let returned = attribute.map_or("default", |attribute| attribute.returned.as_str());
        match returned {
            "never" => return None,
            "always" => return Some(value.clone()),
            _ => {}
        }
        if !self.only.is_empty() {
            let named: Vec<&Path> =
                self.only.iter().filter(|path| self.is_of(path, name)).collect();
            return match named.iter().any(|path| path.sub.is_none()) {
                true => Some(value.clone()),
                false if named.is_empty() => None,
                false => Some(parts(value, &|sub| has(&named, sub))),
            };
        }
        let named: Vec<&Path> = self.without.iter().filter(|path| self.is_of(path, name)).collect();
        match named.iter().any(|path| path.sub.is_none()) {
            true => None,
            false if named.is_empty() => Some(value.clone()),
            false => Some(parts(value, &|sub| !has(&named, sub))),
        }
    }

    fn is_of(&self, path: &Path, name: &str) -> bool {
        path.extension == self.extension
            && (path.attribute.eq_ignore_ascii_case(name) || path.attribute.is_empty())
    }
}

fn has(paths: &[&Path], sub: &str) -> bool {
    paths.iter().any(|path| path.sub.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(sub)))
}

fn parts(value: &Json, keep: &dyn Fn(&str) -> bool) -> Json {
    match value {
        Json::Array(items) => items.iter().map(|item| parts(item, keep)).collect(),
        Json::Object(members) => {
            let kept = members.iter().filter(|(name, _)| keep(name));
            kept.map(|(name, value)| (name.clone(), value.clone())).collect()
        }
        other => other.clone(),
    }
}
