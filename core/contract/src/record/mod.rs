//! Records: logical types over Arrow columns, single values, and their canonical bytes.

mod build;
pub mod canonical;
mod column;
mod literal;
mod nested;
mod number;
mod order;
mod rows;
mod schema;
mod time;
mod types;
mod value;

pub use build::{batch_from_values, column_from_values};
pub use column::{Cell, Column};
pub use literal::read_literal;
pub use nested::{ListCell, StructCell};
pub use number::Number;
pub use rows::{batch_from_json, batch_from_rows, infer_json_schema, read_cell};
pub use schema::{Field, Role, Schema};
pub use types::{Class, LogicalType};
pub use value::Value;
