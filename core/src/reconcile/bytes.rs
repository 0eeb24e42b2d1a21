//! The normalised values of rows, and their canonical bytes (`docs/spec/findings.md`).

use trueup_connector::record::canonical;
use trueup_connector::{Result, Value};

use super::compare::Sides;
use super::rules::{FieldRule, Side};
use super::table::{Row, Table};

impl<'a> Sides<'a> {
    /// The table of a side.
    pub(super) fn table(&self, side: Side) -> &'a Table {
        match side {
            Side::Expected => self.expected,
            Side::Actual => self.actual,
        }
    }

    /// A field's value under its rule.
    pub(super) fn normalised(&self, field: &FieldRule, side: Side, row: Row) -> Result<Value> {
        let place = match side {
            Side::Expected => field.expected,
            Side::Actual => field.actual,
        };
        let value = self.table(side).value(place, row);
        field.rule.normalise(value).map_err(|error| error.with("field", &field.name))
    }

    /// The canonical bytes of a field's value under its rule.
    pub(super) fn value_bytes(&self, field: &FieldRule, side: Side, row: Row) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_field(&mut bytes, field, side, row)?;
        Ok(bytes)
    }

    /// The row bytes: key and compared fields by name, normalised; secret values as `*` if `masked`.
    pub(super) fn row_bytes(&self, side: Side, row: Row, masked: bool) -> Result<Vec<u8>> {
        let fields = self.fields.key.iter().chain(&self.fields.compared);
        let mut fields: Vec<(&str, &FieldRule)> = fields.map(|f| (f.name.as_str(), f)).collect();
        canonical::by_name(&mut fields);
        let mut bytes = vec![b'{'];
        for (name, field) in fields {
            canonical::frame(&mut bytes, name.as_bytes());
            let mut value = Vec::new();
            match masked && field.secret {
                true => value.push(b'*'),
                false => self.write_field(&mut value, field, side, row)?,
            }
            canonical::frame(&mut bytes, &value);
        }
        Ok(bytes)
    }

    /// The key bytes: the normalised key values, each framed.
    pub(super) fn key_bytes(&self, side: Side, row: Row) -> Vec<u8> {
        super::fast::key_bytes(self.table(side), row)
    }

    fn write_field(
        &self,
        out: &mut Vec<u8>,
        field: &FieldRule,
        side: Side,
        row: Row,
    ) -> Result<()> {
        if field.rule.is_plain() {
            let place = match side {
                Side::Expected => field.expected,
                Side::Actual => field.actual,
            };
            canonical::write_cell(out, &self.table(side).cell(place, row));
        } else {
            canonical::write_value(out, &self.normalised(field, side, row)?);
        }
        Ok(())
    }
}
