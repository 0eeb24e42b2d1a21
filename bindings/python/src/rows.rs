//! Rows of Python as columns.

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use trueup::{Error, Kind, Schema};
use trueup_bindings::rows::{HostCell, Rows};

use crate::convert::{class_name, value};
use crate::errors::{OrRaise, raise, said};

/// After this many rows somebody may have pressed Ctrl-C.
const BREATH: usize = 4096;

/// A batch of rows: dicts, or, where a schema names the columns, lists and tuples.
pub(crate) fn batch(rows: &Bound<'_, PyList>, schema: Option<&Schema>) -> PyResult<RecordBatch> {
    let py = rows.py();
    let by_place = rows.iter().next().is_some_and(|row| !row.is_instance_of::<PyDict>());
    match schema {
        Some(schema) if by_place => sequences(rows, schema),
        Some(schema) => dicts(rows)?.finish_as(schema).or_raise(py),
        None => dicts(rows)?.finish().or_raise(py),
    }
}

/// Dicts have their columns in one order, mostly: then a name is known by its object.
struct Names<'py> {
    keys: Vec<(Bound<'py, PyString>, usize)>,
}

impl<'py> Names<'py> {
    fn place(
        &mut self,
        at: usize,
        key: &Bound<'py, PyAny>,
        table: &mut Rows,
        row: usize,
    ) -> PyResult<usize> {
        match self.keys.get(at) {
            Some((known, place)) if known.is(key) => return Ok(*place),
            _ => {}
        }
        let key = key.cast::<PyString>().map_err(|_| {
            let message = format!("a column's name is text, not {}", class_name(key));
            raise(key.py(), &Error::new(Kind::Data, message).with("row", row))
        })?;
        let place = table.column(key.to_str()?);
        if at == self.keys.len() {
            self.keys.push((key.clone(), place));
        }
        Ok(place)
    }
}

fn dicts(rows: &Bound<'_, PyList>) -> PyResult<Rows> {
    let (mut table, mut names) = (Rows::default(), Names { keys: Vec::new() });
    for (row, object) in rows.iter().enumerate() {
        if row % BREATH == 0 {
            rows.py().check_signals()?;
        }
        let dict = object.cast::<PyDict>().map_err(|_| no_row(&object, row))?;
        for (at, (key, cell)) in dict.iter().enumerate() {
            let place = names.place(at, &key, &mut table, row)?;
            push(&mut table, place, &cell)?;
        }
        table.end_row();
    }
    Ok(table)
}

fn sequences(rows: &Bound<'_, PyList>, schema: &Schema) -> PyResult<RecordBatch> {
    let (py, width) = (rows.py(), schema.fields().len());
    let mut table = Rows::default();
    schema.names().for_each(|name| table.next_column(name));
    for (row, object) in rows.iter().enumerate() {
        if !object.is_instance_of::<PyList>() && !object.is_instance_of::<PyTuple>() {
            return Err(no_row(&object, row));
        }
        if object.len()? != width {
            let message = format!("row {row} has {} values, not {width}", object.len()?);
            return Err(raise(py, &Error::new(Kind::Data, message)));
        }
        for (place, cell) in object.try_iter()?.enumerate() {
            push(&mut table, place, &cell?)?;
        }
        table.end_row();
    }
    table.finish_as(schema).or_raise(py)
}

#[inline]
fn push(table: &mut Rows, place: usize, cell: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = cell.py();
    if let Ok(text) = cell.cast_exact::<PyString>() {
        let text = text.to_str().map_err(|cause| misfit(table, place, py, cause))?;
        return table.push(place, HostCell::Text(text)).or_raise(py);
    }
    let plain = match plain(cell) {
        Some(plain) => plain,
        None => HostCell::Other(value(cell).map_err(|cause| misfit(table, place, py, cause))?),
    };
    table.push(place, plain).or_raise(py)
}

/// A cell of Python's own plain types.
#[inline]
fn plain(cell: &Bound<'_, PyAny>) -> Option<HostCell<'static>> {
    if cell.is_exact_instance_of::<PyInt>() {
        return cell.extract().ok().map(HostCell::Int);
    }
    if let Ok(float) = cell.cast_exact::<PyFloat>() {
        return Some(HostCell::Float(float.value()));
    }
    if cell.is_none() {
        return Some(HostCell::Null);
    }
    cell.cast_exact::<PyBool>().ok().map(|flag| HostCell::Bool(flag.is_true()))
}

/// The error of a value, with where it stands.
fn misfit(table: &Rows, place: usize, py: Python<'_>, cause: PyErr) -> PyErr {
    let error = Error::new(Kind::Data, said(py, &cause));
    raise(py, &error.with("column", table.name(place)).with("row", table.rows()))
}

fn no_row(object: &Bound<'_, PyAny>, row: usize) -> PyErr {
    let message = format!(
        "a row is a dict, not {}; with `schema`, lists and tuples are rows too",
        class_name(object)
    );
    raise(object.py(), &Error::new(Kind::Data, message).with("row", row))
}
