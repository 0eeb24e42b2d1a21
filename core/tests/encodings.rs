//! Runs of equal values are read like any other column.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

use std::num::NonZero;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch};
use arrow_array::{RunArray, StringArray};
use trueup::{Reconciliation, Run, Snapshot};

fn runs(values: ArrayRef) -> Snapshot {
    let ends = Int32Array::from(vec![1, 2, 4]);
    let runs = RunArray::<Int32Type>::try_new(&ends, values.as_ref()).unwrap();
    let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
    let columns = [("id", id, false), ("n", Arc::new(runs) as ArrayRef, true)];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    Snapshot::from_batch(batch).unwrap()
}

/// The middle one of three values differs between the sides.
fn check(expected: ArrayRef, actual: ArrayRef) {
    let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    let document = Reconciliation::new("runs").with_key(["id"]);
    let what = format!("{:?}", expected.data_type());
    let report = document.compare(&run, &runs(expected), &runs(actual)).unwrap();
    assert_eq!((report.counts().matched, report.counts().changed), (3, 1), "{what}");
}

#[test]
fn runs_of_every_kind_of_value_are_compared() {
    let decimals = |n: i128| -> ArrayRef {
        let values = Decimal128Array::from(vec![100, n, 300]);
        Arc::new(values.with_precision_and_scale(10, 2).unwrap())
    };
    check(decimals(999), decimals(900));
    let words = |n| -> ArrayRef { Arc::new(Int64Array::from(vec![Some(1), n, Some(3)])) };
    check(words(Some(2)), words(Some(9)));
    check(words(Some(0)), words(None));
    let floats = |n| -> ArrayRef { Arc::new(Float64Array::from(vec![Some(1.0), n, Some(3.0)])) };
    check(floats(Some(2.5)), floats(Some(2.0)));
    check(floats(Some(0.0)), floats(None));
    let texts = |n| -> ArrayRef { Arc::new(StringArray::from(vec![Some("a"), n, Some("c")])) };
    check(texts(Some("b")), texts(Some("x")));
    check(texts(Some("")), texts(None));
}
