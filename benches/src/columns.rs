//! The three tables of the benches: devices, ledger lines, invoices.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::cells::{Cell, Make, mix};

/// One column: its name, how its values look, and how many of a hundred are null.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub Make, pub u64);

const FIRST: &[&str] = &[
    "amara", "bela", "chidi", "dana", "elin", "farid", "gita", "hugo", "ines", "jonas", "keiko",
    "lars", "mira", "noor",
];
const DEPARTMENT: &[&str] = &[
    "Engineering",
    "Sales",
    "Finance",
    "Legal",
    "People Operations",
    "Customer Support",
    "Facilities",
    "Research",
];
const SITE: &[&str] = &[
    "Berlin Mitte",
    "Lisbon",
    "Nairobi West",
    "Osaka Umeda",
    "São Paulo",
    "Toronto",
    "Wellington",
    "Zürich Oerlikon",
];
const VENDOR: &[&str] = &["Acme", "Borealis", "Cobalt", "Dynamo", "Everest"];
const MODEL: &[&str] =
    &["Book Pro 14 ", "Book Air 13 ", "Station Z", "Tablet Mini ", "Rugged Field Unit "];
const OS: &[&str] = &["Windows 11 Enterprise", "macOS", "Ubuntu 24.04 LTS", "iOS", "Android"];
const OS_VERSION: &[&str] = &["10.0.26100.", "15.6.", "24.04.", "18.5.", "16.0."];
const STATUS: &[&str] = &["active", "in repair", "lost", "spare", "retired"];
const NOTE: &[&str] =
    &["replaced battery, ticket ", "returned by courier, ticket ", "screen cracked, ticket "];
const CURRENCY: &[&str] = &["EUR", "USD", "GBP", "JPY", "CHF", "SEK"];

/// A wide estate: 20 columns, a text key.
pub const WIDE: &[Column] = &[
    Column("serial", Make::Serial("SN-"), 0),
    Column("asset_tag", Make::Name(&["A-", "B-", "C-"], 100_000_000, ""), 0),
    Column("hostname", Make::Name(&["lt-", "ws-", "tab-", "srv-"], 10_000_000, ".corp.example"), 0),
    Column("owner", Make::Name(FIRST, 100_000, "@example.com"), 5),
    Column("department", Make::Word(DEPARTMENT), 0),
    Column("site", Make::Word(SITE), 0),
    Column("vendor", Make::Word(VENDOR), 0),
    Column("model", Make::Name(MODEL, 12, ""), 0),
    Column("os", Make::Word(OS), 0),
    Column("os_version", Make::Name(OS_VERSION, 5_000, ""), 0),
    Column("status", Make::Word(STATUS), 0),
    Column("enrolled", Make::Date, 0),
    Column("last_seen", Make::Instant, 2),
    Column("managed", Make::Bool(93), 0),
    Column("encrypted", Make::Bool(85), 4),
    Column("ram_gib", Make::Int(4, 129), 0),
    Column("disk_free_mib", Make::Int(0, 2_000_000), 0),
    Column("health", Make::Float(10_001), 10),
    Column("cost_centre", Make::Int(1_000, 9_999), 8),
    Column("note", Make::Name(NOTE, 1_000_000, ""), 70),
];

/// A ledger: 8 columns, an integer key.
pub const LEDGER: &[Column] = &[
    Column("entry", Make::Number, 0),
    Column("account", Make::Int(100_000, 999_999), 0),
    Column("booked", Make::Date, 0),
    Column("amount_minor", Make::Int(-50_000_000, 50_000_000), 0),
    Column("currency", Make::Word(CURRENCY), 0),
    Column("rate", Make::Float(100_000), 5),
    Column("cleared", Make::Bool(80), 0),
    Column("reference", Make::Name(&["INV ", "PO ", "SEPA ", "FEE "], 10_000_000, ""), 3),
];

/// Invoices, for the CSV case: 9 columns, an integer key; some texts need quotes.
pub const INVOICES: &[Column] = &[
    Column("invoice", Make::Number, 0),
    Column("customer", Make::Name(FIRST, 100_000, ""), 0),
    Column("city", Make::Word(SITE), 0),
    Column("issued", Make::Date, 0),
    Column("amount", Make::Float(10_000_000), 0),
    Column("currency", Make::Word(CURRENCY), 0),
    Column("quantity", Make::Int(1, 500), 0),
    Column("paid", Make::Bool(70), 0),
    Column("note", Make::Name(NOTE, 1_000_000, ""), 70),
];

impl Column {
    /// The value of `row` in its `edition`: 0 as first made, 1 after a change. The two always differ.
    pub fn cell(&self, seed: u64, row: u64, edition: u64) -> Cell {
        let first = self.draw(seed, row, 0);
        if edition == 0 {
            return first;
        }
        let mut other = (edition..).map(|i| self.draw(seed, row, i)).filter(|cell| *cell != first);
        other.next().unwrap_or(Cell::Null)
    }

    fn draw(&self, seed: u64, row: u64, edition: u64) -> Cell {
        let h = mix(mix(mix(seed, row), edition), self.0.bytes().fold(0, |h, b| mix(h, b.into())));
        if mix(h, 1) % 100 < self.2 { Cell::Null } else { self.1.cell(row, h) }
    }

    fn data_type(&self) -> DataType {
        match self.1 {
            Make::Serial(_) | Make::Word(_) | Make::Name(..) => DataType::Utf8,
            Make::Number | Make::Int(..) => DataType::Int64,
            Make::Float(_) => DataType::Float64,
            Make::Bool(_) => DataType::Boolean,
            Make::Date => DataType::Date32,
            Make::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// These cells as an Arrow array of the column's type.
    pub fn array(&self, cells: impl Iterator<Item = Cell>) -> ArrayRef {
        match self.data_type() {
            DataType::Utf8 => Arc::new(StringArray::from_iter(cells.map(text))),
            DataType::Float64 => Arc::new(Float64Array::from_iter(cells.map(float))),
            DataType::Boolean => Arc::new(BooleanArray::from_iter(cells.map(bool))),
            DataType::Date32 => {
                Arc::new(Date32Array::from_iter(cells.map(|c| int(c).map(|day| day as i32))))
            }
            DataType::Int64 => Arc::new(Int64Array::from_iter(cells.map(int))),
            _ => {
                Arc::new(TimestampMicrosecondArray::from_iter(cells.map(int)).with_timezone("UTC"))
            }
        }
    }
}

/// The Arrow schema of a table.
pub fn schema(columns: &[Column]) -> SchemaRef {
    let field = |c: &Column| Field::new(c.0, c.data_type(), c.2 > 0);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn int(cell: Cell) -> Option<i64> {
    if let Cell::Int(value) = cell { Some(value) } else { None }
}

fn float(cell: Cell) -> Option<f64> {
    if let Cell::Float(value) = cell { Some(value) } else { None }
}

fn bool(cell: Cell) -> Option<bool> {
    if let Cell::Bool(value) = cell { Some(value) } else { None }
}

fn text(cell: Cell) -> Option<std::borrow::Cow<'static, str>> {
    if let Cell::Text(value) = cell { Some(value) } else { None }
}
