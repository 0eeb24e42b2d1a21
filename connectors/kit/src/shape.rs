//! How a system's JSON becomes records, and records its JSON.

use std::borrow::Cow;

use arrow_array::{Array, ArrayRef, RecordBatch};
use serde_json::{Map, Number as JsonNumber, Value as Json};
use trueup_connector::record::{batch_from_values, column_from_values, read_cell};
use trueup_connector::{Error, Field, Kind, LogicalType, Result, Role, Schema, Value};

/// One field of a record, and where it stands in the system's JSON.
#[derive(Clone, Debug)]
pub struct Item {
    field: Field,
    place: At,
}

#[derive(Clone, Debug)]
enum At {
    /// At the end of these members.
    Path(Vec<String>),
    /// Made from the whole object; it can only be read.
    Made(fn(&Json) -> Json),
    /// At the end of these members, and made into something else.
    Through(Vec<String>, fn(&Json) -> Json),
}

impl Item {
    /// A field that stands at the end of these members: `/name/givenName`.
    pub fn new(name: &str, ty: LogicalType, path: &str) -> Self {
        Self { field: Field::new(name, ty), place: At::Path(split(path)) }
    }

    /// A text.
    pub fn text(name: &str, path: &str) -> Self {
        Self::new(name, LogicalType::Text, path)
    }

    /// A field that is made from the whole object.
    pub fn made(name: &str, ty: LogicalType, make: fn(&Json) -> Json) -> Self {
        Self { field: Field::new(name, ty), place: At::Made(make) }
    }

    /// Makes something else of what stands there: a sentinel into null, say.
    #[must_use]
    pub fn through(mut self, make: fn(&Json) -> Json) -> Self {
        if let At::Path(path) = self.place {
            self.place = At::Through(path, make);
        }
        self
    }

    /// It identifies the record.
    #[must_use]
    pub fn key(self) -> Self {
        self.with_role(Role::Key)
    }

    /// Sets the part it plays.
    #[must_use]
    pub fn with_role(mut self, role: Role) -> Self {
        self.field = self.field.with_role(role);
        self
    }

    /// A writer may set it.
    #[must_use]
    pub fn writable(mut self) -> Self {
        self.field = self.field.writable();
        self
    }

    /// It never changes while the record lives.
    #[must_use]
    pub fn immutable(mut self) -> Self {
        self.field = self.field.immutable();
        self
    }

    fn find<'a>(&self, json: &'a Json, fold: bool) -> Cow<'a, Json> {
        let found = |path: &[String]| walk(json, path, fold).unwrap_or(&Json::Null);
        match &self.place {
            At::Path(path) => Cow::Borrowed(found(path)),
            At::Made(make) => Cow::Owned(make(json)),
            At::Through(path, make) => Cow::Owned(make(found(path))),
        }
    }
}

/// How a system's JSON objects become records of one schema.
///
/// Members without an item are left out. A member that is not there is a null.
///
/// ```
/// use serde_json::json;
/// use trueup_connector::{LogicalType, Value};
/// use trueup_kit::{Item, Shape};
///
/// let shape = Shape::new([
///     Item::text("login", "/userName").key(),
///     Item::new("active", LogicalType::Bool, "/active").writable(),
///     Item::text("family", "/name/familyName").writable(),
/// ])?;
/// let json = json!({"userName": "ada", "active": true, "name": {"familyName": "King"}});
/// assert_eq!(shape.values(&json)?, [Value::from("ada"), Value::Bool(true), Value::from("King")]);
/// let set = [("family".to_owned(), Value::from("Lovelace"))];
/// assert_eq!(shape.json(&set)?, json!({"name": {"familyName": "Lovelace"}}));
/// # Ok::<(), trueup_connector::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shape {
    schema: Schema,
    items: Vec<Item>,
    fold: bool,
}

impl Shape {
    /// Records of these fields.
    ///
    /// # Errors
    /// `data` where a name stands twice.
    pub fn new(items: impl IntoIterator<Item = Item>) -> Result<Self> {
        let items: Vec<Item> = items.into_iter().collect();
        let schema = Schema::new(items.iter().map(|item| item.field.clone()))?;
        Ok(Self { schema, items, fold: false })
    }

    /// Takes members whatever their case.
    #[must_use]
    pub fn ignoring_case(mut self) -> Self {
        self.fold = true;
        self
    }

    /// The schema of the records.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The members that a field stands at the end of; `None` where it is made from the whole object.
    pub fn path(&self, field: &str) -> Option<&[String]> {
        let item = self.items.iter().find(|item| item.field.name == field)?;
        match &item.place {
            At::Path(path) | At::Through(path, _) => Some(path),
            At::Made(_) => None,
        }
    }

    /// One object as values, in the order of the schema.
    ///
    /// # Errors
    /// `data`, naming the field and the value that does not fit it, and the record by its key.
    pub fn values(&self, json: &Json) -> Result<Vec<Value>> {
        if !json.is_object() {
            return Err(Error::new(Kind::Data, "a record is no JSON object"));
        }
        let values = self.items.iter().map(|item| {
            let read = cell(&item.find(json, self.fold), &item.field.ty);
            read.map_err(|error| {
                let error = error.with("field", &item.field.name);
                self.key(json).into_iter().fold(error, |error, key| error.with("record", key))
            })
        });
        values.collect()
    }

    /// Objects as a batch of records.
    ///
    /// # Errors
    /// As [`Shape::values`].
    pub fn batch<'a>(&self, objects: impl IntoIterator<Item = &'a Json>) -> Result<RecordBatch> {
        let rows = objects.into_iter().map(|json| self.values(json)).collect::<Result<Vec<_>>>()?;
        records(&self.schema, &rows)
    }

    /// Values by the names of their fields, as the system's JSON.
    ///
    /// # Errors
    /// `invalid` for a field that is not there or can only be read.
    pub fn json(&self, values: &[(String, Value)]) -> Result<Json> {
        let mut object = Json::Object(Map::new());
        for (name, value) in values {
            self.schema.field(name)?;
            let path = self.path(name).ok_or_else(|| {
                Error::new(Kind::Invalid, format!("the field `{name}` can only be read"))
            })?;
            put(&mut object, path, plain(value));
        }
        Ok(object)
    }

    fn key(&self, json: &Json) -> Option<String> {
        let keys = self.items.iter().filter(|item| item.field.role == Role::Key);
        let keys = keys.map(|item| item.find(json, self.fold).to_string());
        Some(keys.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
    }
}

/// Rows as a batch whose encoding is the same for every page of a schema.
///
/// # Errors
/// `data`, naming the column, where a value needs another encoding: a whole number beyond 64 bits with
/// sign, an instant outside 1677 to 2262.
pub fn records(schema: &Schema, rows: &[Vec<Value>]) -> Result<RecordBatch> {
    let batch = batch_from_values(schema, rows)?;
    let columns = batch.columns().iter().zip(schema.fields());
    for (column, field) in columns {
        same_encoding(column, &field.ty).map_err(|error| error.with("column", &field.name))?;
    }
    Ok(batch)
}

/// Whether a column of this type is encoded as those of other pages are.
pub(crate) fn same_encoding(column: &ArrayRef, ty: &LogicalType) -> Result<()> {
    match column.data_type() == column_from_values(ty, &[])?.data_type() {
        true => Ok(()),
        false => {
            let message = format!(
                "a value is beyond what records of the type {ty} hold here (64 bits with sign, the \
                 years 1677 to 2262)"
            );
            Err(Error::new(Kind::Data, message))
        }
    }
}

/// A cell that fits its type: what JSON has no form for comes as text or not at all.
fn cell(json: &Json, ty: &LogicalType) -> Result<Value> {
    let value = read_cell(json, ty)?;
    let fits = match (&value, ty) {
        (Value::Null, _) | (Value::List(_), LogicalType::List(_)) => true,
        (Value::Int(_) | Value::Float(_) | Value::Decimal(..), ty) => {
            matches!(ty, LogicalType::Int | LogicalType::Float | LogicalType::Decimal(..))
        }
        (Value::Struct(_), LogicalType::Struct(_)) => true,
        (value, ty) => value.type_name() == ty.to_string(),
    };
    match fits {
        true => Ok(value),
        false => {
            let message = format!("`{json}` does not fit the type {ty}");
            Err(Error::new(Kind::Data, message))
        }
    }
}

/// A value as plain JSON, as systems write it: times, decimals and the like as text.
pub(crate) fn plain(value: &Value) -> Json {
    match value {
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Struct(members) => {
            members.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
        Value::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
            (Ok(number), _) => Json::from(number),
            (_, Ok(number)) => Json::from(number),
            _ => Json::from(number.to_string()),
        },
        Value::Float(number) => {
            JsonNumber::from_f64(*number).map_or_else(|| value.to_json(), Json::Number)
        }
        _ => match value.to_json() {
            // `{"instant": "…"}` and the like.
            Json::Object(tagged) => tagged.into_iter().next().map_or(Json::Null, |(_, text)| text),
            json => json,
        },
    }
}

fn split(path: &str) -> Vec<String> {
    path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn walk<'a>(json: &'a Json, path: &[String], fold: bool) -> Option<&'a Json> {
    path.iter().try_fold(json, |json, name| {
        let members = json.as_object()?;
        members.get(name).or_else(|| {
            let same = |other: &&String| fold && other.eq_ignore_ascii_case(name);
            members.get(members.keys().find(same)?)
        })
    })
}

fn put(json: &mut Json, path: &[String], value: Json) {
    let Some((first, rest)) = path.split_first() else {
        *json = value;
        return;
    };
    if !json.is_object() {
        *json = Json::Object(Map::new());
    }
    if let Json::Object(members) = json {
        put(members.entry(first.clone()).or_insert(Json::Null), rest, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_named_with_its_record() {
        let shape = Shape::new([
            Item::text("serial", "/serial").key(),
            Item::new("seen", LogicalType::Instant, "/seen"),
        ]);
        let error = shape.unwrap().values(&json!({"serial": "A1", "seen": 5})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`5` does not fit the type instant (field: seen, record: \"A1\")"
        );
    }

    #[test]
    fn pages_are_encoded_alike_or_not_at_all() {
        let items =
            [Item::new("n", LogicalType::Int, "/n"), Item::new("t", LogicalType::Instant, "/t")];
        let shape = Shape::new(items).unwrap();
        let types = |json: Json| {
            let batch = shape.batch([&json])?;
            Ok(batch.columns().iter().map(|c| c.data_type().clone()).collect::<Vec<_>>())
        };
        let plain: Vec<_> = types(json!({"n": i64::MAX, "t": "2026-01-01T00:00:00Z"})).unwrap();
        assert_eq!(types(json!({})).unwrap(), plain);
        for odd in [json!({"n": u64::MAX}), json!({"t": "9999-12-31T00:00:00Z"})] {
            let error: Error = types(odd).unwrap_err();
            assert_eq!(error.kind(), Kind::Data);
        }
    }

    #[test]
    fn names_may_differ_in_case_where_the_system_says_so() {
        let items = || [Item::text("login", "/userName"), Item::text("x", "/a~1b")];
        let json = json!({"USERNAME": "ada", "a/b": "c"});
        let strict = Shape::new(items()).unwrap();
        assert_eq!(strict.values(&json).unwrap(), [Value::Null, Value::from("c")]);
        assert_eq!(strict.ignoring_case().values(&json).unwrap()[0], Value::from("ada"));
    }

    #[test]
    fn values_become_plain_json() {
        let instant = read_cell(&json!("2026-01-31T10:00:00Z"), &LogicalType::Instant).unwrap();
        for (value, wanted) in [
            (instant, json!("2026-01-31T10:00:00Z")),
            (Value::Int(i128::from(u64::MAX)), json!(u64::MAX)),
            (Value::Float(1.5), json!(1.5)),
            (Value::Null, json!(null)),
            (Value::List(vec![Value::from("a")]), json!(["a"])),
            (Value::Struct(vec![("a".into(), Value::Bool(true))]), json!({"a": true})),
        ] {
            assert_eq!(plain(&value), wanted);
        }
    }

    #[test]
    fn a_made_field_can_only_be_read() {
        let shape = Shape::new([Item::made("n", LogicalType::Int, |json| json["a"].clone())]);
        let error = shape.unwrap().json(&[("n".into(), Value::Int(1))]).unwrap_err();
        assert_eq!(error.kind(), Kind::Invalid);
    }
}
