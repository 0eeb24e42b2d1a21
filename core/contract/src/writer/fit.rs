//! A change held against the fields of its resource, and against the record as it is.

use super::{Change, Operation, Standing};
use crate::error::{Error, Kind, Result};
use crate::record::{Field, Role, Schema, Value};

impl Change {
    /// Whether a resource with these fields can take the change: a writer refuses what fails here.
    ///
    /// It names fields that are there, sets each once and only such as are writable, keeps those that
    /// are immutable, and its key has a value for each key field. Ids and versions are not looked at.
    ///
    /// # Errors
    /// `unsupported` for an action or a resource without a key, `forbidden` for a field that cannot be
    /// set, `invalid` for everything else, by name.
    pub fn check(&self, schema: &Schema) -> Result<()> {
        if let Operation::Action(name) = &self.operation {
            let message = format!("there is no action `{name}`; there are create, update, delete");
            return Err(Error::new(Kind::Unsupported, message));
        }
        self.check_key(schema)?;
        self.before.iter().try_for_each(|(name, _)| schema.field(name).map(drop))?;
        match self.operation {
            Operation::Delete => Ok(()),
            _ => self.check_after(schema),
        }
    }

    /// The fields that the change sets, by position, and what to: the values after, and for a record
    /// that is made its key.
    pub fn sets<'a>(&'a self, schema: &Schema) -> Vec<(usize, &'a Value)> {
        if self.operation == Operation::Delete {
            return Vec::new();
        }
        let after = self.after.iter();
        let mut sets: Vec<(usize, &Value)> =
            after.filter_map(|(name, value)| Some((schema.index(name)?, value))).collect();
        if self.operation == Operation::Create {
            let unset: Vec<_> = keys(schema)
                .map(|(at, _)| at)
                .zip(&self.key)
                .filter(|(at, _)| sets.iter().all(|(set, _)| set != at))
                .collect();
            sets.extend(unset);
        }
        sets
    }

    /// The key that the record has after the change: another one where a key field is set.
    pub fn key_after(&self, schema: &Schema) -> Vec<Value> {
        let sets = self.sets(schema);
        let after = |at: usize| sets.iter().find(|(set, _)| *set == at).map(|(_, value)| *value);
        keys(schema).zip(&self.key).map(|((at, _), old)| after(at).unwrap_or(old).clone()).collect()
    }

    /// Whether the change may be carried out on the record as it is now, by the values alone.
    ///
    /// `record` gives the value of a field, where there is a record with the change's key; a field
    /// that it does not have is null. The version, and whether a renamed record has the place it is
    /// to have, are for the writer to look at.
    ///
    /// | | no record | it has the values after | it has the values before | neither |
    /// |---|---|---|---|---|
    /// | create | holds | already | – | stale |
    /// | update | stale | already | holds | stale |
    /// | delete | already | – | holds | stale |
    ///
    /// An action holds wherever the values before do.
    pub fn standing(&self, record: Option<&dyn Fn(&str) -> Value>) -> Standing {
        let has = |values: &[(String, Value)]| {
            record.is_some_and(|field| values.iter().all(|(name, value)| field(name) == *value))
        };
        let already = match self.operation {
            Operation::Create | Operation::Update => has(&self.after),
            Operation::Delete => record.is_none(),
            Operation::Action(_) => false,
        };
        let holds = match self.operation {
            Operation::Create => record.is_none(),
            _ => has(&self.before),
        };
        match (already, holds) {
            (true, _) => Standing::Already,
            (false, true) => Standing::Holds,
            (false, false) => Standing::Stale,
        }
    }

    fn check_key(&self, schema: &Schema) -> Result<()> {
        let (got, want) = (self.key.len(), schema.key().len());
        if want == 0 {
            let message = "the resource has no key, so its records cannot be told apart";
            return Err(Error::new(Kind::Unsupported, message));
        }
        if got != want {
            let message = format!("the key has {got} values, and the resource's key {want}");
            return Err(Error::new(Kind::Invalid, message));
        }
        no_nulls(&self.key, schema)
    }

    fn check_after(&self, schema: &Schema) -> Result<()> {
        for (place, (name, value)) in self.after.iter().enumerate() {
            let field = schema.field(name)?;
            if self.after.iter().take(place).any(|(other, _)| other == name) {
                return Err(Error::new(Kind::Invalid, format!("the field `{name}` is set twice")));
            }
            self.check_set(field, value, schema)?;
        }
        if self.operation == Operation::Create {
            let unwritable = keys(schema).find(|(_, field)| !field.writable);
            unwritable.map_or(Ok(()), |(_, field)| Err(not_writable(field)))?;
        }
        no_nulls(&self.key_after(schema), schema)
    }

    fn check_set(&self, field: &Field, value: &Value, schema: &Schema) -> Result<()> {
        let name = &field.name;
        if !field.writable {
            return Err(not_writable(field));
        }
        match self.operation {
            Operation::Update if field.immutable => {
                let message = format!("the field `{name}` never changes once the record is made");
                Err(Error::new(Kind::Forbidden, message))
            }
            Operation::Create => {
                let mut key = keys(schema).zip(&self.key);
                match key.find(|((_, key), old)| key.name == *name && *old != value) {
                    None => Ok(()),
                    Some(_) => {
                        let message = format!("`{name}` is one value in the key and another after");
                        Err(Error::new(Kind::Invalid, message))
                    }
                }
            }
            _ => Ok(()),
        }
    }
}

fn keys(schema: &Schema) -> impl Iterator<Item = (usize, &Field)> {
    schema.fields().iter().enumerate().filter(|(_, field)| field.role == Role::Key)
}

fn no_nulls(key: &[Value], schema: &Schema) -> Result<()> {
    match keys(schema).zip(key).find(|(_, value)| value.is_null()) {
        None => Ok(()),
        Some(((_, field), _)) => {
            let name = &field.name;
            let message = format!("the key field `{name}` is null, and no record is found by that");
            Err(Error::new(Kind::Invalid, message))
        }
    }
}

fn not_writable(field: &Field) -> Error {
    let message = format!("the field `{}` cannot be set", field.name);
    Error::new(Kind::Forbidden, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LogicalType;

    #[track_caller]
    fn check(operation: Operation, os: Option<&str>, want: Standing) {
        let mut change = Change::new("devices", operation, vec![Value::from("A1")]);
        change.before = vec![("os".into(), Value::from("14"))];
        change.after = vec![("os".into(), Value::from("15"))];
        let field = os.map(|os| move |name: &str| Value::from(if name == "os" { os } else { "" }));
        let record = field.as_ref().map(|field| field as &dyn Fn(&str) -> Value);
        assert_eq!(change.standing(record), want, "{:?} on {os:?}", change.operation);
    }

    #[test]
    fn a_record_says_where_a_change_stands() {
        use Standing::{Already, Holds, Stale};
        for (operation, none, after, before, neither) in [
            (Operation::Create, Holds, Already, Stale, Stale),
            (Operation::Update, Stale, Already, Holds, Stale),
            (Operation::Delete, Already, Stale, Holds, Stale),
            (Operation::Action("wipe".into()), Stale, Stale, Holds, Stale),
        ] {
            check(operation.clone(), None, none);
            check(operation.clone(), Some("15"), after);
            check(operation.clone(), Some("14"), before);
            check(operation, Some("16"), neither);
        }
    }

    fn schema() -> Schema {
        Schema::new([
            Field::new("serial", LogicalType::Text).with_role(Role::Key).writable(),
            Field::new("os", LogicalType::Text).writable(),
            Field::new("made", LogicalType::Int).writable().immutable(),
            Field::new("seen", LogicalType::Int),
        ])
        .unwrap()
    }

    #[track_caller]
    fn refused(operation: Operation, key: &[Value], after: &[(&str, Value)], want: &str) {
        let mut change = Change::new("devices", operation, key.to_vec());
        change.after = after.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
        let said =
            change.check(&schema()).map_or_else(|error| error.to_string(), |()| String::new());
        assert!(said.contains(want) && said.is_empty() == want.is_empty(), "{said}");
    }

    #[test]
    fn what_a_resource_cannot_take_is_named() {
        let (a, b) = (Value::from("A1"), Value::from("B2"));
        let key = std::slice::from_ref(&a);
        let set = |name: &'static str| [(name, Value::Int(1))];
        refused(Operation::Create, key, &[("serial", a.clone()), ("made", Value::Int(1))], "");
        refused(Operation::Create, key, &[("serial", b.clone())], "`serial`");
        refused(Operation::Update, key, &[("serial", b)], "");
        refused(Operation::Update, key, &[("serial", Value::Null)], "`serial` is null");
        refused(Operation::Update, key, &set("made"), "`made` never changes");
        refused(Operation::Update, key, &set("seen"), "`seen` cannot be set");
        refused(Operation::Update, key, &set("sos"), "did you mean `os`?");
        refused(Operation::Update, key, &[set("os"), set("os")].concat(), "`os` is set twice");
        refused(Operation::Delete, &[Value::Null], &[], "`serial` is null");
        refused(Operation::Delete, &[], &[], "0 values");
        refused(Operation::Action("wipe".into()), key, &[], "`wipe`");
    }

    #[test]
    fn a_key_that_is_set_renames_the_record() {
        let mut change = Change::new("devices", Operation::Create, vec![Value::from("A1")]);
        change.after = vec![("os".into(), Value::from("15"))];
        assert_eq!(change.sets(&schema()), [(1, &Value::from("15")), (0, &Value::from("A1"))]);
        change.operation = Operation::Update;
        change.after.push(("serial".into(), Value::from("B2")));
        assert_eq!(change.key_after(&schema()), [Value::from("B2")]);
        assert_eq!(change.sets(&schema()).len(), 2);
    }
}
