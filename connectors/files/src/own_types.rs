//! Files that bring their types along.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use trueup_connector::{Error, Field, Kind, Result, Schema};

use crate::config::FileSettings;
use crate::inference::{Evidence, Inference};
use crate::layout::{Columns, Layout, with_role};
use crate::place::{Place, Stamp};

/// The layout of a file whose types are its own; a declaration may add roles and facts to them.
pub(crate) fn layout(file: &FileSettings, arrow: &SchemaRef, stamp: Stamp) -> Result<Layout> {
    let at = |error: Error| error.with("file", file.path.display());
    let own = Schema::from_arrow(arrow).map_err(|error| at(as_data(error)))?;
    let names = own.names().map(str::to_owned).collect();
    let columns = Columns::new(file, names)?;
    if columns.sources.iter().enumerate().any(|(i, source)| i != *source) {
        return Err(file.invalid("declare the columns in the order in which the file has them"));
    }
    let pairs = own.fields().iter().zip(&columns.fields);
    let fields = pairs.map(|(own, (_, declared))| joined(file, own, declared.as_ref()));
    let schema = Schema::new(fields.collect::<Result<Vec<_>>>()?).map_err(at)?;
    let evidence = schema.fields().iter().map(|f| Evidence::declared(&f.name, f.ty.clone()));
    let inference = Inference { rows: None, columns: evidence.collect() };
    let annotated = schema.to_arrow();
    let types = annotated.fields().iter().zip(arrow.fields());
    let types =
        types.map(|(field, own)| ArrowField::clone(field).with_data_type(own.data_type().clone()));
    Ok(Layout {
        stamp,
        arrow: Arc::new(ArrowSchema::new(types.collect::<Vec<_>>())),
        plans: Vec::new(),
        sources: columns.sources,
        width: schema.fields().len(),
        start: Place::default(),
        inference: Arc::new(inference),
        schema,
    })
}

/// The batch with the names, roles and facts of the layout.
pub(crate) fn relabel(batch: &RecordBatch, arrow: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(arrow.clone(), batch.columns().to_vec(), &options).map_err(
        |cause| Error::new(Kind::Data, format!("the records do not fit the schema: {cause}")),
    )
}

fn joined(file: &FileSettings, own: &Field, declared: Option<&Field>) -> Result<Field> {
    match declared {
        None => Ok(with_role(file, own.clone())),
        Some(declared) if declared.ty == own.ty => Ok(with_role(file, declared.clone())),
        Some(declared) => {
            let message = format!(
                "`{}` is declared as {}, but the file has it as {}",
                own.name, declared.ty, own.ty
            );
            Err(file.invalid(&message))
        }
    }
}

/// What is wrong with the schema is wrong with the file.
fn as_data(error: Error) -> Error {
    match error.kind() {
        Kind::Invalid => Error::new(Kind::Data, error.message()),
        _ => error,
    }
}
