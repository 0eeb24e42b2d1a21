//! Reversible names and values: how a system calls what everybody calls something else.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field as ArrowField, Schema as ArrowSchema};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::record::{Column, LogicalType, Schema, Value, column_from_values};
use crate::snapshot::Snapshot;

/// How one system's names and values read in canonical words, and back.
///
/// Both tables are one-to-one, so that an answer found in canonical words can be written back. A
/// value that is not in its field's table stands for itself, unless that would collide with the
/// other side of the table, which is an error.
///
/// ```
/// use trueup_connector::{Mapping, Value};
///
/// let mapping: Mapping = serde_json::from_str(
///     r#"{"fields": {"serial": "SerialNumber"}, "values": {"state": [["active", 1], ["retired", 2]]}}"#,
/// )?;
/// assert_eq!(mapping.system_name("serial"), "SerialNumber");
/// assert_eq!(mapping.to_system("state", &Value::from("active"))?, Value::from(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Mapping {
    fields: BTreeMap<String, String>,
    values: BTreeMap<String, Vec<(Value, Value)>>,
}

/// The mapping as it stands in JSON.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Form {
    fields: BTreeMap<String, String>,
    values: BTreeMap<String, Table>,
}

/// A value table: an object for text, a list of pairs for values of any type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Table {
    Text(BTreeMap<String, String>),
    Pairs(Vec<(Value, Value)>),
}

impl Mapping {
    /// A mapping of these names (canonical to system) and no values.
    ///
    /// # Errors
    /// `invalid` where two canonical names have one system name.
    pub fn new<C: Into<String>, S: Into<String>>(
        fields: impl IntoIterator<Item = (C, S)>,
    ) -> Result<Self> {
        let fields: BTreeMap<_, _> = fields
            .into_iter()
            .map(|(canonical, system)| (canonical.into(), system.into()))
            .collect();
        one_to_one(fields.values().map(|name| Value::from(name.as_str())), "system name")?;
        Ok(Self { fields, values: BTreeMap::new() })
    }

    /// Adds the value table (canonical to system) of a canonical field.
    ///
    /// # Errors
    /// `invalid` where the table is not one-to-one.
    pub fn with_values<C: Into<Value>, S: Into<Value>>(
        mut self,
        field: impl Into<String>,
        table: impl IntoIterator<Item = (C, S)>,
    ) -> Result<Self> {
        let field = field.into();
        let table: Vec<(Value, Value)> =
            table.into_iter().map(|(c, s)| (c.into(), s.into())).collect();
        let both = one_to_one(table.iter().map(|(c, _)| c.clone()), "canonical value")
            .and_then(|()| one_to_one(table.iter().map(|(_, s)| s.clone()), "system value"));
        both.map_err(|error| error.with("field", &field))?;
        self.values.insert(field, table);
        Ok(self)
    }

    /// What the system calls a canonical field.
    pub fn system_name<'a>(&'a self, canonical: &'a str) -> &'a str {
        self.fields.get(canonical).map_or(canonical, String::as_str)
    }

    /// What a field of the system is called canonically.
    pub fn canonical_name<'a>(&'a self, system: &'a str) -> &'a str {
        let entry = self.fields.iter().find(|(_, name)| *name == system);
        entry.map_or(system, |(canonical, _)| canonical)
    }

    /// What the system calls a canonical value of a canonical field.
    ///
    /// # Errors
    /// `data` for a value that is not in the table but is a system value of another.
    pub fn to_system(&self, field: &str, value: &Value) -> Result<Value> {
        let Some(table) = self.values.get(field) else { return Ok(value.clone()) };
        translate(table.iter().map(|(c, s)| (c, s)), value).map_err(|e| e.with("field", field))
    }

    /// What a system's value of a canonical field is canonically.
    ///
    /// # Errors
    /// `data` for a value that is not in the table but is a canonical value of another.
    pub fn to_canonical(&self, field: &str, value: &Value) -> Result<Value> {
        let Some(table) = self.values.get(field) else { return Ok(value.clone()) };
        translate(table.iter().map(|(c, s)| (s, c)), value).map_err(|e| e.with("field", field))
    }

    /// The snapshot in canonical words; columns without a value table are not copied.
    ///
    /// # Errors
    /// `invalid` for a mapped field that the snapshot does not have, or a canonical name that stands
    /// twice then; `data`, naming the value, where a table cannot be applied.
    pub fn canonical(&self, snapshot: &Snapshot) -> Result<Snapshot> {
        for system in self.fields.values() {
            snapshot.schema().field(system)?;
        }
        for field in self.values.keys() {
            snapshot.schema().field(self.system_name(field))?;
        }
        let schema = snapshot.schema();
        let columns = schema.fields().iter().enumerate().map(|(i, field)| {
            let name = self.canonical_name(&field.name);
            let columns =
                snapshot.batches().iter().filter_map(|batch| batch.columns().get(i)).cloned();
            self.map_column(name, columns.collect()).map_err(|error| error.with("column", name))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let arrow = self.rename(snapshot, &columns);
        let batches = (0..snapshot.batches().len()).map(|b| {
            let arrays = columns.iter().filter_map(|arrays| arrays.get(b)).cloned().collect();
            RecordBatch::try_new(arrow.clone(), arrays)
        });
        let batches = batches.collect::<Result<Vec<_>, _>>();
        let batches = batches.map_err(|cause| Error::new(Kind::Internal, cause.to_string()))?;
        let mapped = Snapshot::new(arrow, batches)?;
        Ok(mapped
            .with_provenance(snapshot.provenance().clone())
            .with_coverage(snapshot.coverage().clone())
            .with_consistency(snapshot.consistency()))
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.values.is_empty()
    }

    fn rename(&self, snapshot: &Snapshot, columns: &[Vec<ArrayRef>]) -> Arc<ArrowSchema> {
        let old = Schema::annotate(snapshot.schema(), snapshot.arrow_schema());
        let fields = old.fields().iter().zip(columns).map(|(field, arrays)| {
            let ty = arrays.first().map_or(field.data_type(), |array| array.data_type());
            ArrowField::new(self.canonical_name(field.name()), ty.clone(), true)
                .with_metadata(field.metadata().clone())
        });
        Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
    }

    fn map_column(&self, field: &str, arrays: Vec<ArrayRef>) -> Result<Vec<ArrayRef>> {
        let Some(table) = self.values.get(field) else { return Ok(arrays) };
        let ty = table_type(table)?;
        let mut known: HashMap<Vec<u8>, Value> = HashMap::new();
        let mut map = |value: Value| -> Result<Value> {
            if value.is_null() {
                return Ok(value);
            }
            let key = value.canonical();
            if let Some(mapped) = known.get(&key) {
                return Ok(mapped.clone());
            }
            let mapped = self.to_canonical(field, &value)?;
            known.insert(key, mapped.clone());
            Ok(mapped)
        };
        let arrays = arrays.iter().map(|array| {
            let column = Column::new(array)?;
            let values = (0..column.len()).map(|row| map(column.value(row)));
            let values = values.collect::<Result<Vec<_>>>()?;
            column_from_values(&ty, &values.iter().collect::<Vec<_>>())
        });
        arrays.collect()
    }
}

/// The one type of a table's canonical values.
fn table_type(table: &[(Value, Value)]) -> Result<LogicalType> {
    let mut types = table.iter().map(|(canonical, _)| match canonical {
        Value::Bool(_) => Some(LogicalType::Bool),
        Value::Int(_) => Some(LogicalType::Int),
        Value::Text(_) => Some(LogicalType::Text),
        _ => None,
    });
    let message = "the canonical values of a table must all be text, all int or all bool";
    let wrong = || Error::new(Kind::Invalid, message);
    let first = types.next().flatten().ok_or_else(wrong)?;
    if types.all(|ty| ty.as_ref() == Some(&first)) { Ok(first) } else { Err(wrong()) }
}

fn translate<'a>(
    mut table: impl Iterator<Item = (&'a Value, &'a Value)> + Clone,
    value: &Value,
) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    if let Some((_, to)) = table.clone().find(|(from, _)| *from == value) {
        return Ok(to.clone());
    }
    match table.find(|(_, to)| *to == value) {
        None => Ok(value.clone()),
        Some((from, _)) => {
            let message = format!(
                "the value `{value}` is not in the value table, and would read as what `{from}` stands for; add it to the table"
            );
            Err(Error::new(Kind::Data, message))
        }
    }
}

fn one_to_one(values: impl Iterator<Item = Value>, what: &str) -> Result<()> {
    let mut seen = HashMap::new();
    for value in values {
        if seen.insert(value.canonical(), ()).is_some() {
            let message =
                format!("the {what} `{value}` stands twice: a mapping must be one-to-one");
            return Err(Error::new(Kind::Invalid, message));
        }
    }
    Ok(())
}

impl TryFrom<Form> for Mapping {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        form.values.into_iter().try_fold(Self::new(form.fields)?, |mapping, (field, table)| {
            match table {
                Table::Text(table) => mapping.with_values(field, table),
                Table::Pairs(table) => mapping.with_values(field, table),
            }
        })
    }
}

impl From<Mapping> for Form {
    fn from(mapping: Mapping) -> Self {
        let values = mapping.values.into_iter().map(|(field, table)| (field, Table::Pairs(table)));
        Self { fields: mapping.fields, values: values.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(json: &str) -> Result<Mapping, serde_json::Error> {
        serde_json::from_str(json)
    }

    fn snapshot(json: &str) -> Snapshot {
        Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap()).unwrap()
    }

    #[test]
    fn names_and_values_read_canonically_and_go_back() {
        let mapping = mapping(
            r#"{"fields":{"state":"Status"},"values":{"state":[["active",1],["retired",2]]}}"#,
        )
        .unwrap();
        let read = mapping
            .canonical(&snapshot(r#"[{"id":7,"Status":1},{"id":8,"Status":null}]"#))
            .unwrap();
        assert_eq!(read.schema().names().collect::<Vec<_>>(), ["state", "id"]);
        let column = Column::new(read.batches()[0].column(0)).unwrap();
        assert_eq!(column.value(0), Value::from("active"));
        assert!(column.value(1).is_null());
        assert_eq!(mapping.to_system("state", &Value::from("retired")).unwrap(), Value::from(2));
    }

    #[test]
    fn an_unlisted_value_stands_for_itself_unless_it_collides() {
        let mapping = mapping(r#"{"values":{"arch":{"amd64":"x64"}}}"#).unwrap();
        assert_eq!(mapping.to_canonical("arch", &"arm64".into()).unwrap(), Value::from("arm64"));
        let error = mapping.to_canonical("arch", &"amd64".into()).unwrap_err();
        assert!(error.message().contains("`amd64`"), "{error}");
    }

    #[test]
    fn tables_are_one_to_one() {
        assert!(mapping(r#"{"fields":{"a":"x","b":"x"}}"#).is_err());
        assert!(mapping(r#"{"values":{"a":[["p",1],["q",1]]}}"#).is_err());
        assert!(mapping(r#"{"values":{"a":[["p",1],["p",2]]}}"#).is_err());
        assert!(mapping(r#"{"names":{}}"#).is_err());
    }

    #[test]
    fn a_mapped_field_must_be_there() {
        let mapping = mapping(r#"{"fields":{"serial":"SerialNumbr"}}"#).unwrap();
        let error = mapping.canonical(&snapshot(r#"[{"SerialNumber":"a"}]"#)).unwrap_err();
        assert!(error.to_string().contains("did you mean `SerialNumber`?"), "{error}");
    }
}
