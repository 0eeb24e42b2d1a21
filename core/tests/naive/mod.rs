//! The semantics of design §5 for the tables of `properties.rs`, written as plainly as can be.

use std::collections::{BTreeMap, BTreeSet};

use trueup::Value;

pub(crate) type Row = Vec<Value>;

pub(crate) struct Naive {
    counts: [u64; 9],
    pub(crate) cells: u64,
}

const KINDS: [&str; 9] = [
    "matched",
    "missing",
    "unexpected",
    "changed",
    "duplicate",
    "ambiguous",
    "conflict",
    "uncovered",
    "unkeyed",
];

fn bit(rules: u8, n: u8) -> bool {
    rules & (1 << n) != 0
}

/// The row under the rules; values as canonical bytes.
fn normal(rules: u8, row: &Row) -> Vec<Vec<u8>> {
    let [id, site, name, size, tags] = row.as_slice() else { panic!("a row has five cells") };
    let site = match site {
        Value::Null if bit(rules, 5) => Value::from("a"),
        Value::Text(text) if bit(rules, 5) => Value::from(text.to_lowercase().as_str()),
        other => other.clone(),
    };
    let name = match name {
        Value::Text(text) if bit(rules, 1) => Value::from(text.to_lowercase().trim()),
        other => other.clone(),
    };
    let tags = match tags {
        Value::List(items) if bit(rules, 3) => {
            let items: BTreeMap<Vec<u8>, Value> =
                items.iter().map(|item| (item.canonical(), item.clone())).collect();
            Value::List(items.into_values().collect())
        }
        other => other.clone(),
    };
    [id.clone(), site, name, size.clone(), tags].iter().map(Value::canonical).collect()
}

/// The places of the key fields, and of the compared ones.
fn places(rules: u8) -> (Vec<usize>, Vec<usize>) {
    if bit(rules, 0) { (vec![0, 1], vec![2, 3, 4]) } else { (vec![1], vec![0, 2, 3, 4]) }
}

fn key(rules: u8, row: &Row) -> Option<Vec<Vec<u8>>> {
    let normal = normal(rules, row);
    let key: Vec<_> = places(rules).0.into_iter().map(|place| normal[place].clone()).collect();
    let null = Value::Null.canonical();
    (!key.contains(&null)).then_some(key)
}

/// The rows that have a key.
pub(crate) fn keyed(rules: u8, rows: Vec<Row>) -> Vec<Row> {
    rows.into_iter().filter(|row| key(rules, row).is_some()).collect()
}

/// Takes out the rows that have one of these rows' keys.
pub(crate) fn remove(rules: u8, rows: &mut Vec<Row>, keys: &[Row]) {
    let keys: BTreeSet<_> = keys.iter().filter_map(|row| key(rules, row)).collect();
    rows.retain(|row| key(rules, row).is_none_or(|key| !keys.contains(&key)));
}

/// In how many compared fields two rows differ.
fn differing(rules: u8, e: &Row, a: &Row) -> u64 {
    let (x, y) = (normal(rules, e), normal(rules, a));
    let differs = |place: &usize| match (&e[3], &a[3]) {
        (Value::Float(v), Value::Float(w))
            if *place == 3 && bit(rules, 2) && !v.is_nan() && !w.is_nan() =>
        {
            // All sizes are tenths: the difference of doubles is off by far less than a tenth.
            (v - w).abs() > 1.0 + 1e-9 || ((v - w).abs() > 1.0 - 1e-9 && !exactly_within(*v, *w))
        }
        _ => x[*place] != y[*place],
    };
    places(rules).1.iter().filter(|place| differs(place)).count() as u64
}

/// Whether two doubles of small size are at most one apart, exactly: both as multiples of 2^-60.
fn exactly_within(v: f64, w: f64) -> bool {
    let whole = |x: f64| {
        let scaled = x * (1_u64 << 60) as f64;
        assert_eq!(scaled.fract(), 0.0);
        scaled as i128
    };
    (whole(v) - whole(w)).abs() <= 1 << 60
}

impl Naive {
    pub(crate) fn new(rules: u8, expected: &[Row], actual: &[Row]) -> Self {
        let mut naive = Self { counts: [0; 9], cells: 0 };
        let mut keys: BTreeMap<Vec<Vec<u8>>, [Vec<&Row>; 2]> = BTreeMap::new();
        for (side, rows) in [expected, actual].into_iter().enumerate() {
            for row in rows {
                match key(rules, row) {
                    None => naive.count("unkeyed"),
                    Some(key) => keys.entry(key).or_default()[side].push(row),
                }
            }
        }
        let mut alone: [Vec<&Row>; 2] = Default::default();
        for [e, a] in keys.into_values() {
            match (e.as_slice(), a.as_slice()) {
                ([e], []) => alone[0].push(e),
                ([], [a]) => alone[1].push(a),
                _ => naive.several(rules, e, a),
            }
        }
        if bit(rules, 4) {
            alone = naive.alternate(rules, alone);
        }
        alone[0].iter().for_each(|_| naive.count("missing"));
        alone[1].iter().for_each(|_| naive.count("unexpected"));
        naive
    }

    pub(crate) fn counts(&self) -> [(&'static str, u64); 9] {
        std::array::from_fn(|i| (KINDS[i], self.counts[i]))
    }

    fn count(&mut self, kind: &str) {
        self.counts[KINDS.iter().position(|name| *name == kind).unwrap()] += 1;
    }

    fn several(&mut self, rules: u8, mut e: Vec<&Row>, mut a: Vec<&Row>) {
        if e.len() > 1 || a.len() > 1 {
            let mut i = 0;
            while i < e.len() {
                match a.iter().position(|row| normal(rules, row) == normal(rules, e[i])) {
                    Some(place) => drop((e.remove(i), a.remove(place))),
                    None => i += 1,
                }
            }
        }
        match (e.as_slice(), a.as_slice()) {
            ([], []) => self.count("matched"),
            ([e], [a]) => self.pair(differing(rules, e, a)),
            _ => self.count("duplicate"),
        }
    }

    fn pair(&mut self, cells: u64) {
        self.cells += cells;
        self.count(if cells == 0 { "matched" } else { "changed" });
    }

    fn alternate<'a>(&mut self, rules: u8, alone: [Vec<&'a Row>; 2]) -> [Vec<&'a Row>; 2] {
        let name = |row: &Row| normal(rules, row)[2].clone();
        let mut left: [Vec<&Row>; 2] = Default::default();
        let [expected, actual] = alone;
        let names: BTreeSet<_> = expected.iter().chain(&actual).map(|row| name(row)).collect();
        for met in names {
            let e: Vec<_> = expected.iter().copied().filter(|row| name(row) == met).collect();
            let a: Vec<_> = actual.iter().copied().filter(|row| name(row) == met).collect();
            if met == Value::Null.canonical() || e.is_empty() || a.is_empty() {
                left[0].extend(e);
                left[1].extend(a);
            } else if let ([e], [a]) = (e.as_slice(), a.as_slice()) {
                let keys = places(rules)
                    .0
                    .into_iter()
                    .filter(|k| normal(rules, e)[*k] != normal(rules, a)[*k]);
                self.pair(keys.count() as u64 + differing(rules, e, a));
            } else {
                e.iter().chain(&a).for_each(|_| self.count("ambiguous"));
            }
        }
        left
    }
}
