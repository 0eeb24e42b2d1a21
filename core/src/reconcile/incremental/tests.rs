//! What the properties in `core/tests` found, and what bad input gets.

use std::num::NonZero;

use super::*;

fn rows(json: &str) -> Snapshot {
    Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap()).unwrap()
}

fn index(expected: &Snapshot, actual: &Snapshot) -> Incremental {
    let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    Incremental::new(Reconciliation::new("sites").with_key(["site"]), &run, expected, actual)
        .unwrap()
}

#[test]
fn text_keys_are_told_apart_where_both_sides_were_empty() {
    let two = rows(r#"[{"site": "a", "size": 1}, {"site": "b", "size": 1}]"#);
    let none = Snapshot::new(two.arrow_schema().clone(), Vec::new()).unwrap();
    let mut index = index(&none, &none);
    index.change(Side::Actual, &two).unwrap();
    assert_eq!(index.report().unwrap().counts().unexpected, 2);
}

#[test]
fn a_refused_change_leaves_everything_as_it_was() {
    let sites = rows(r#"[{"site": "a", "size": 1}]"#);
    let mut index = index(&sites, &sites);
    let other = rows(r#"[{"site": "a", "height": 1}]"#);
    assert_eq!(index.change(Side::Actual, &other).unwrap_err().kind(), Kind::Data);
    let unkeyed = rows(r#"[{"site": null, "size": 2}, {"site": "a", "size": 2}]"#);
    assert_eq!(index.change(Side::Actual, &unkeyed).unwrap_err().kind(), Kind::Data);
    assert!(index.report().unwrap().converged());
}

#[test]
fn keys_are_removed_once_and_must_be_of_the_type() {
    let sites = rows(r#"[{"site": "a", "size": 1}, {"site": "b", "size": 1}]"#);
    let mut index = index(&sites, &sites);
    let gone = rows(r#"[{"site": "b"}, {"site": "c"}]"#);
    assert_eq!(index.remove(Side::Actual, &gone).unwrap(), 1);
    assert_eq!(index.remove(Side::Actual, &gone).unwrap(), 0);
    assert_eq!(index.report().unwrap().counts().missing, 1);
    let other = index.remove(Side::Actual, &rows(r#"[{"site": 7}]"#)).unwrap_err();
    assert_eq!(other.kind(), Kind::Incompatible);
    let none = index.remove(Side::Actual, &rows(r#"[{"sit": "a"}]"#)).unwrap_err();
    assert!(none.message().contains("unknown field `site`"), "{none}");
}
