//! Lists of the Pro API: filtered, sorted, in pages that are numbered from 0.

use std::cmp::Ordering;

use serde_json::{Value as Json, json};

use super::rsql::{self, compare, value_at};
use super::{Outcome, Refused};
use crate::http::Call;

/// What a list heeds.
pub(super) struct Rules {
    /// What it filters by; without any, a filter is ignored without a word.
    pub(super) filters: &'static [&'static str],
    pub(super) sorts: &'static [&'static str],
    /// `id:asc` and the like.
    pub(super) sort: &'static str,
    pub(super) most: usize,
}

/// One page of the records that are there.
pub(super) fn page(call: &Call, rules: &Rules, mut records: Vec<Json>) -> Outcome<Json> {
    filter(call, rules, &mut records)?;
    let (field, down) = order(call, rules)?;
    let (number, size) = place(call, rules)?;
    records.sort_by(|a, b| {
        let order = by(field, a, b);
        let order = if down { order.reverse() } else { order };
        // Those that are the same come in an order that is another one on every page.
        order.then_with(|| tie(a, number).cmp(&tie(b, number)))
    });
    Ok(cut(call, records.len(), number, size, |at| records.get(at).cloned().unwrap_or_default()))
}

/// One page of records that are made when they are wanted, in the order of their identifiers;
/// `None` where another order or a filter is asked for.
pub(super) fn quick(
    call: &Call,
    rules: &Rules,
    total: usize,
    record: impl Fn(usize) -> Json,
) -> Outcome<Option<Json>> {
    let filtered = call.parameter("filter").is_some_and(|filter| !filter.trim().is_empty());
    let (field, down) = order(call, rules)?;
    if filtered || down || !matches!(field, "id" | "mobileDeviceId") {
        return Ok(None);
    }
    let (number, size) = place(call, rules)?;
    Ok(Some(cut(call, total, number, size, record)))
}

fn cut(
    call: &Call,
    total: usize,
    number: usize,
    size: usize,
    record: impl Fn(usize) -> Json,
) -> Json {
    let from = number.saturating_mul(size).min(total);
    let to = from.saturating_add(size).min(total);
    let (from, to) = match (call.empty_page, call.duplicate_page) {
        (true, _) => (from, from),
        (_, true) => (from.saturating_sub(1), to),
        _ => (from, to),
    };
    let results: Vec<Json> = (from..to).map(record).collect();
    json!({"totalCount": total, "results": results})
}

fn filter(call: &Call, rules: &Rules, records: &mut Vec<Json>) -> Outcome<()> {
    let filter = call.parameter("filter").unwrap_or_default();
    if filter.trim().is_empty() || rules.filters.is_empty() {
        return Ok(());
    }
    let condition = rsql::parse(filter, rules.filters)?;
    records.retain(|record| condition.holds(record));
    Ok(())
}

fn order<'a>(call: &'a Call, rules: &Rules) -> Outcome<(&'a str, bool)> {
    let told = call.parameter("sort").filter(|sort| !sort.is_empty());
    let first = told.unwrap_or(rules.sort).split(',').next().unwrap_or_default();
    let (field, way) = first.split_once(':').unwrap_or((first, "asc"));
    match (rules.sorts.contains(&field), way) {
        (true, "asc") => Ok((field, false)),
        (true, "desc") => Ok((field, true)),
        _ => Err(Refused::pro(400, "INVALID_FIELD", format!("Invalid sort: {first}"))),
    }
}

/// The page's number, and how many records a page has: no more than the most, without a word.
fn place(call: &Call, rules: &Rules) -> Outcome<(usize, usize)> {
    let number = |names: &[&str], default: usize| {
        let told = names.iter().find_map(|name| call.parameter(name));
        match told.map(str::parse::<usize>) {
            None => Ok(default),
            Some(Ok(number)) => Ok(number),
            Some(Err(_)) => Err(Refused::bad("page and page-size are whole numbers")),
        }
    };
    let size = number(&["page-size", "pagesize", "size"], 100)?;
    Ok((number(&["page"], 0)?, size.clamp(1, rules.most)))
}

fn by(field: &str, a: &Json, b: &Json) -> Ordering {
    let text = |record| value_at(record, field).unwrap_or_default();
    compare(&text(a), &text(b))
}

fn tie(record: &Json, page: usize) -> u64 {
    let id = ["id", "mobileDeviceId"].iter().find_map(|name| record.get(name)?.as_str());
    let id: u64 = id.and_then(|id| id.parse().ok()).unwrap_or(0);
    let page = u64::try_from(page).unwrap_or(0);
    (id ^ page).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules =
        Rules { filters: &["id"], sorts: &["id", "name"], sort: "name:asc", most: 3 };

    fn asked(address: &str) -> Vec<String> {
        let records = (0..5).map(|id| json!({"id": id.to_string(), "name": "same"})).collect();
        let page = page(&Call::default().at(address), &RULES, records).unwrap();
        assert!(page["totalCount"].as_u64().is_some());
        let ids = page["results"].as_array().unwrap().iter();
        ids.map(|record| record["id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn pages_are_numbered_and_capped() {
        assert_eq!(asked("/x?sort=id:desc&page-size=9000"), ["4", "3", "2"]);
        assert_eq!(asked("/x?sort=id:asc&page=1&page-size=3"), ["3", "4"]);
        assert!(asked("/x?sort=id:asc&page=9").is_empty());
        assert_eq!(asked("/x?filter=id==2"), ["2"]);
        assert!(page(&Call::default().at("/x?sort=size:asc"), &RULES, vec![]).is_err());
    }

    #[test]
    fn what_sorts_the_same_repeats_and_vanishes() {
        let all: Vec<String> =
            (0..3).flat_map(|number| asked(&format!("/x?page={number}&page-size=2"))).collect();
        let mut unlike = all.clone();
        unlike.sort();
        unlike.dedup();
        assert!(all.len() == 5 && unlike.len() < 5, "{all:?}");
    }
}
