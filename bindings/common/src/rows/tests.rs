//! Rows of every kind become columns, or an error that says where.

use arrow_array::RecordBatch;
use trueup::{Column, Field, Kind, LogicalType, Number, Schema, Value};

use super::{HostCell, Rows};

fn rows(cells: &[HostCell<'static>]) -> Rows {
    let mut rows = Rows::default();
    let place = rows.column("a");
    for cell in cells {
        rows.push(place, cell.clone()).unwrap();
        rows.end_row();
    }
    rows
}

fn decimal(text: &str) -> HostCell<'static> {
    let number: Number = text.parse().unwrap();
    let scale = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    HostCell::Other(Value::Decimal(number, scale as i32))
}

fn shown(batch: &RecordBatch) -> (String, Vec<String>) {
    let column = Column::new(batch.column(0)).unwrap();
    let ty = LogicalType::from_arrow(batch.schema().field(0).data_type()).unwrap();
    (ty.to_string(), (0..column.len()).map(|row| column.value(row).to_string()).collect())
}

#[track_caller]
fn infers(cells: &[HostCell<'static>], ty: &str, values: &[&str]) {
    let (got, shown) = shown(&rows(cells).finish().unwrap());
    assert_eq!((got.as_str(), shown), (ty, values.iter().map(|v| (*v).to_owned()).collect()));
}

#[test]
fn types_are_the_narrowest_that_hold_all_values() {
    use HostCell::{Bool, Float, Int, Null, Other, Text};
    infers(&[Null, Int(1), Null, Int(-2)], "int", &["null", "1", "null", "-2"]);
    infers(&[Int(1), Float(1.5)], "float", &["1.0", "1.5"]);
    infers(&[Int(1), Other(Value::Int(1 << 63))], "int", &["1", "9223372036854775808"]);
    infers(&[decimal("1.50"), decimal("12.125")], "decimal(5,3)", &["1.500", "12.125"]);
    infers(&[Int(7), decimal("0.5")], "decimal(21,1)", &["7.0", "0.5"]);
    infers(&[Null, Null], "null", &["null", "null"]);
    infers(&[Bool(true), Null], "bool", &["true", "null"]);
    infers(&[Text("x"), Text("")], "text", &["x", ""]);
    let list = |items: &[Value]| Other(Value::List(items.to_vec()));
    infers(&[list(&[]), list(&[Value::Int(1)])], "list<int>", &["[]", "[1]"]);
}

#[test]
fn values_without_a_common_type_are_named_with_their_place() {
    let error = rows(&[HostCell::Int(1), HostCell::Text("x")]).finish().unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    let wanted = "`x` is text, but the values before it are int (row: 1, column: a)";
    assert_eq!(error.to_string(), wanted);
    let exact = [HostCell::Int((1 << 53) + 1), HostCell::Float(0.5)];
    assert_eq!(rows(&exact).finish().unwrap_err().kind(), Kind::Data);
}

#[test]
fn declared_types_take_text_for_what_plain_data_lacks() {
    let read = |ty: LogicalType, cells: &[HostCell<'static>]| {
        let schema = Schema::new([Field::new("a", ty)]).unwrap();
        rows(cells).finish_as(&schema).map(|batch| shown(&batch).1)
    };
    let text = HostCell::Text;
    let date = read(LogicalType::Date, &[text("2026-01-31"), HostCell::Null]);
    assert_eq!(date.unwrap(), ["2026-01-31", "null"]);
    assert_eq!(read(LogicalType::Decimal(5, 2), &[text("1.5")]).unwrap(), ["1.50"]);
    assert_eq!(read(LogicalType::Float, &[HostCell::Int(1)]).unwrap(), ["1.0"]);
    let nan = Value::Struct(vec![("float".into(), Value::from("nan"))]);
    assert_eq!(read(LogicalType::Float, &[HostCell::Other(nan)]).unwrap(), ["NaN"]);
    let error = read(LogicalType::Int, &[HostCell::Int(1), text("x")]).unwrap_err();
    assert_eq!(error.to_string(), "`\"x\"` does not fit the type int (row: 1, column: a)");
}

#[test]
fn columns_come_and_go_between_rows() {
    let mut rows = Rows::default();
    let a = rows.column("a");
    rows.push(a, HostCell::Int(1)).unwrap();
    assert_eq!(rows.push(a, HostCell::Int(1)).unwrap_err().kind(), Kind::Data);
    rows.end_row();
    let b = rows.column("b");
    rows.push(b, HostCell::Bool(true)).unwrap();
    rows.end_row();
    let batch = rows.finish().unwrap();
    assert_eq!((batch.num_rows(), batch.column(0).null_count()), (2, 1));
    assert_eq!(batch.column(1).null_count(), 1);
}

#[test]
fn a_column_that_the_schema_lacks_is_refused() {
    let schema = Schema::new([Field::new("serial", LogicalType::Int)]).unwrap();
    let mut rows = Rows::default();
    rows.column("serail");
    let error = rows.finish_as(&schema).unwrap_err();
    assert_eq!(error.to_string(), "unknown field `serail`; did you mean `serial`?");
}

#[test]
fn a_declared_column_is_encoded_alike_whatever_it_holds() {
    let schema = crate::given::schema(serde_json::json!([["id", "int"], ["os", "text"]])).unwrap();
    let encoded = |cells: Vec<HostCell<'_>>| {
        let mut rows = Rows::default();
        let os = rows.column("os");
        for cell in cells {
            rows.push(os, cell).unwrap();
            rows.end_row();
        }
        rows.finish_as(&schema).unwrap().schema()
    };
    let full = encoded(vec![HostCell::Text("14")]);
    assert_eq!(encoded(vec![HostCell::Null]), full);
    assert_eq!(encoded(vec![HostCell::Other(Value::Text("14".into()))]), full);
    assert_eq!(encoded(vec![]), full);
}

#[test]
fn what_is_of_the_declared_type_already_is_taken_as_it_is() {
    let fields = serde_json::json!([["load", "float"], ["seen", "instant"]]);
    let schema = crate::given::schema(fields).unwrap();
    let mut rows = Rows::default();
    let (load, seen) = (rows.column("load"), rows.column("seen"));
    let cells = [HostCell::Int(1), HostCell::Float(0.5), HostCell::Int(1 << 53), HostCell::Null];
    for cell in cells {
        rows.push(load, cell).unwrap();
        rows.push(seen, HostCell::Other(Value::Instant(1_500_000_000))).unwrap();
        rows.end_row();
    }
    let batch = rows.finish_as(&schema).unwrap();
    let values = |at: usize| {
        let column = trueup::Column::new(batch.column(at)).unwrap();
        (0..4).map(|row| column.value(row)).collect::<Vec<_>>()
    };
    let large = Value::Float(9_007_199_254_740_992.0);
    assert_eq!(values(0), [Value::Float(1.0), Value::Float(0.5), large, Value::Null]);
    assert_eq!(values(1), vec![Value::Instant(1_500_000_000); 4]);
    let mut rows = Rows::default();
    let load = rows.column("load");
    rows.push(load, HostCell::Int((1 << 53) + 1)).unwrap();
    rows.end_row();
    let schema = crate::given::schema(serde_json::json!([["load", "float"]])).unwrap();
    assert_eq!(rows.finish_as(&schema).unwrap_err().kind(), Kind::Data);
}
