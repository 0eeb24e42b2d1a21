//! Many partitions and rounds, against a join by a map: the snapshots of other tests fit one.

use std::collections::BTreeMap;
use std::num::NonZero;

use serde_json::{Map, Value as Json, json};
use trueup_connector::Snapshot;

use super::super::super::rules::{Fields, Reconciliation, Side};
use super::super::hash::Seed;
use super::*;

const SMALL: Sizes = Sizes { partition: 4, held: 8, round: 8 };

/// By key: the values of each side, sorted.
type Rows = BTreeMap<String, [Vec<String>; 2]>;

/// What a join found, by key; matched keys are only counted.
#[derive(Debug, Default, PartialEq)]
struct Found {
    matched: u64,
    suspects: Vec<String>,
    alone: [Vec<String>; 2],
    groups: Vec<String>,
    unkeyed: [usize; 2],
}

/// A side of this many rows, of which some share a key or have none.
fn side(rows: u64, seed: u64, key: impl Fn(u64) -> Json) -> Vec<(Json, u64)> {
    let draw = |row: u64| (row * 2_654_435_761 + seed * 40_503) % 1009;
    (0..rows)
        .map(|row| {
            let key = if draw(row) % 37 == 0 { Json::Null } else { key(draw(row) % 701) };
            (key, draw(row + 1) % 2)
        })
        .collect()
}

fn snapshot(rows: &[(Json, u64)], batches: usize) -> Snapshot {
    let record = |(key, value): &(Json, u64)| {
        Map::from_iter([("k".to_owned(), key.clone()), ("v".to_owned(), json!(value))])
    };
    let rows: Vec<Map<String, Json>> = rows.iter().map(record).collect();
    let all = Snapshot::from_json(&rows).unwrap();
    let batch = all.batches()[0].clone();
    let size = batch.num_rows().div_ceil(batches);
    let slices = (0..batch.num_rows()).step_by(size);
    let slices = slices.map(|start| batch.slice(start, size.min(batch.num_rows() - start)));
    Snapshot::new(batch.schema(), slices.collect()).unwrap()
}

fn by_map(sides: [&[(Json, u64)]; 2]) -> Found {
    let (mut rows, mut found) = (Rows::new(), Found::default());
    for (place, side) in sides.into_iter().enumerate() {
        for (key, value) in side {
            match key {
                Json::Null => found.unkeyed[place] += 1,
                key => rows.entry(shown(key)).or_default()[place].push(value.to_string()),
            }
        }
    }
    for (key, [expected, actual]) in rows {
        match (expected.as_slice(), actual.as_slice()) {
            ([e], [a]) if e == a => found.matched += 1,
            ([_], [_]) => found.suspects.push(key),
            ([_], []) => found.alone[0].push(key),
            ([], [_]) => found.alone[1].push(key),
            _ => found.groups.push(key),
        }
    }
    found
}

fn shown(key: &Json) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

fn check(expected: &[(Json, u64)], actual: &[(Json, u64)], threads: usize) {
    let document = Reconciliation::new("test").with_key(["k"]);
    let (e, a) = (snapshot(expected, 3), snapshot(actual, 2));
    let fields = Fields::resolve(&document, &e, &a, None).unwrap();
    let e = Table::of_side(&e, &fields, Side::Expected).unwrap();
    let a = Table::of_side(&a, &fields, Side::Actual).unwrap();
    let lanes = Lanes::new(&fields, &e, &a, &Seed([1, 2, 3, 4]));
    let threads = NonZero::new(threads).unwrap().get();
    let joined = join_sized(&lanes, [&e, &a], threads, &Context::new(), SMALL).unwrap();
    let key = |table: &Table, row: Row| table.key_cell(0, row).to_value().to_string();
    let sorted = |mut keys: Vec<String>| {
        keys.sort();
        keys
    };
    let of = |table: &Table, rows: &[Row]| sorted(rows.iter().map(|r| key(table, *r)).collect());
    let pairs = joined.suspects.iter().map(|(e_row, a_row)| {
        assert_eq!(key(&e, *e_row), key(&a, *a_row));
        key(&e, *e_row)
    });
    let groups = joined.groups.iter().map(|group| {
        let first = group.expected.first().map(|row| key(&e, *row));
        first.unwrap_or_else(|| key(&a, group.actual[0]))
    });
    let found = Found {
        matched: joined.matched,
        suspects: sorted(pairs.collect()),
        alone: [of(&e, &joined.expected), of(&a, &joined.actual)],
        groups: sorted(groups.collect()),
        unkeyed: joined.unkeyed.map(|rows| rows.len()),
    };
    assert_eq!(found, by_map([expected, actual]));
}

fn check_keys(key: impl Fn(u64) -> Json + Copy) {
    for (rows, others) in [(900, 900), (40, 900), (900, 40), (3, 0)] {
        let (expected, actual) = (side(rows, 1, key), side(others.max(1), 2, key));
        for threads in [1, 2, 5] {
            check(&expected, &actual, threads);
            check(&expected, &expected, threads);
        }
    }
}

#[test]
fn word_keys_meet_in_every_partition_and_round() {
    check_keys(|n| json!(n));
}

#[test]
fn short_and_long_text_keys_meet_in_every_partition_and_round() {
    check_keys(|n| json!(format!("k{n}")));
    check_keys(|n| json!(format!("a key of more than fifteen bytes {n}")));
}

#[test]
fn all_rows_of_one_key_are_one_group() {
    check(&side(300, 1, |_| json!(7)), &side(500, 2, |_| json!(7)), 2);
}
