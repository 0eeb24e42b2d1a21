//! Values and plain data between Python and trueup.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString,
    PyTuple, PyType,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use trueup::{Error, Kind, Number, Value};

use crate::errors::{OrRaise, raise};

const NANOS: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * NANOS;
/// The ordinal of 1970-01-01 in Python's calendar.
const EPOCH: i64 = 719_163;

/// Any Python value that a record may hold.
pub(crate) fn value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if object.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if object.is_instance_of::<PyInt>() {
        return int(object);
    }
    if let Ok(float) = object.cast::<PyFloat>() {
        return Ok(Value::Float(float.value()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::Text(text.to_str()?.to_owned()));
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Value::Bytes(bytes.as_bytes().to_vec()));
    }
    if let Ok(bytes) = object.cast::<PyByteArray>() {
        return Ok(Value::Bytes(bytes.to_vec()));
    }
    several(object)
}

/// Plain data of a document: what JSON has, and the values that it lacks as objects of one member.
///
/// # Errors
/// A type error that names `what`.
pub(crate) fn json(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Json> {
    if let Ok(members) = object.cast::<PyDict>() {
        let members = members.iter().map(|(name, member)| {
            let name = name.cast::<PyString>().map_err(|_| {
                PyTypeError::new_err(format!("{what}: the name `{name}` must be text"))
            })?;
            let name = name.to_str()?.to_owned();
            let inner = json(&member, &format!("{what}.{name}"))?;
            Ok((name, inner))
        });
        return members.collect::<PyResult<Map<_, _>>>().map(Json::Object);
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.map(|item| json(&item?, what));
        return items.collect::<PyResult<Vec<_>>>().map(Json::Array);
    }
    if let Ok(form) = object.getattr(intern!(object.py(), "__trueup_json__")) {
        return json(&form.call0()?, what);
    }
    value(object).map(|value| value.to_json()).map_err(|_| {
        let class = class_name(object);
        PyTypeError::new_err(format!("{what} takes plain data, not {class}"))
    })
}

/// A document of a known form, from plain data.
///
/// # Errors
/// A type error that names `what`; `invalid` for data of another form.
pub(crate) fn read<T: DeserializeOwned>(object: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    let wrong =
        |cause| Error::new(Kind::Invalid, format!("the argument of {what} is wrong: {cause}"));
    let read: Result<T, serde_json::Error> = serde_json::from_value(json(object, what)?);
    read.map_err(wrong).or_raise(object.py())
}

/// JSON as Python has it: a document, in which an object is an object whatever its members are called.
pub(crate) fn object<'py>(py: Python<'py>, json: &Json) -> PyResult<Bound<'py, PyAny>> {
    nested(py, json, object)
}

/// JSON in which values stand: an object of one member that names a type becomes a value of that type.
pub(crate) fn valued<'py>(py: Python<'py>, json: &Json) -> PyResult<Bound<'py, PyAny>> {
    match json.as_object() {
        Some(members) if members.len() == 1 && is_tagged(members) => {
            python(py, &Value::from_json(json).or_raise(py)?)
        }
        _ => nested(py, json, valued),
    }
}

/// A change as data: its fields have values, whatever they are called.
pub(crate) fn change<'py>(py: Python<'py>, json: &Json) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    for (name, inner) in json.as_object().into_iter().flatten() {
        let inner = match name.as_str() {
            "key" | "before" | "after" => nested(py, inner, valued)?,
            "id" | "version" => valued(py, inner)?,
            _ => object(py, inner)?,
        };
        dict.set_item(name, inner)?;
    }
    Ok(dict.into_any())
}

/// JSON as Python has it, its parts made by `inner`.
fn nested<'py>(
    py: Python<'py>,
    json: &Json,
    inner: fn(Python<'py>, &Json) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match json {
        Json::Array(items) => {
            let list = PyList::empty(py);
            items.iter().try_for_each(|item| list.append(inner(py, item)?))?;
            list.into_any()
        }
        Json::Object(members) => {
            let dict = PyDict::new(py);
            members
                .iter()
                .try_for_each(|(name, member)| dict.set_item(name, inner(py, member)?))?;
            dict.into_any()
        }
        plain => python(py, &Value::from_json(plain).or_raise(py)?)?,
    })
}

/// A value as Python has it. Times that `datetime` cannot hold exactly become text.
pub(crate) fn python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Int(int) => int.into_pyobject(py)?.into_any(),
        Value::Float(float) => PyFloat::new(py, *float).into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::Decimal(..) => decimal_class(py)?.call1((value.to_string(),))?,
        Value::Date(days) => date(py, *days)?.unwrap_or(text(py, value)),
        Value::Datetime(nanos) => datetime(py, *nanos, false)?.unwrap_or(text(py, value)),
        Value::Instant(nanos) => datetime(py, *nanos, true)?.unwrap_or(text(py, value)),
        Value::List(items) => {
            let list = PyList::empty(py);
            items.iter().try_for_each(|item| list.append(python(py, item)?))?;
            list.into_any()
        }
        Value::Struct(members) => {
            let dict = PyDict::new(py);
            members
                .iter()
                .try_for_each(|(name, member)| dict.set_item(name, python(py, member)?))?;
            dict.into_any()
        }
        other => text(py, other),
    })
}

/// The name of an object's class, for messages.
pub(crate) fn class_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "an object".to_owned(), |name| format!("`{name}`"))
}

fn int(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(int) = object.extract::<i128>() {
        return Ok(Value::Int(int));
    }
    let digits = object.str()?.to_string();
    let number: Number = digits.parse().or_raise(object.py())?;
    Ok(Value::Decimal(number, 0))
}

/// Times, decimals, and what holds other values.
fn several(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = object.py();
    if object.is_instance_of::<PyDateTime>() {
        return if is_missing(object) { Ok(Value::Null) } else { moment(object) };
    }
    if object.is_instance_of::<PyDate>() {
        return Ok(Value::Date(ordinal(object)? - EPOCH));
    }
    if object.is_instance(decimal_class(py)?)? {
        return decimal(object);
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.map(|item| value(&item?));
        return items.collect::<PyResult<_>>().map(Value::List);
    }
    if let Ok(members) = object.cast::<PyDict>() {
        let members = members.iter().map(|(name, member)| {
            Ok((name.cast::<PyString>()?.to_str()?.to_owned(), value(&member)?))
        });
        return members.collect::<PyResult<_>>().map(Value::Struct);
    }
    foreign(object)
}

/// Scalars of NumPy and pandas, which know their plain value.
fn foreign(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if is_missing(object) {
        return Ok(Value::Null);
    }
    let module: String = object.get_type().getattr("__module__")?.extract().unwrap_or_default();
    if module.starts_with("numpy") && object.hasattr("item")? {
        let plain = object.call_method0("item")?;
        if !plain.get_type().is(object.get_type()) {
            return value(&plain);
        }
    }
    let message = format!(
        "{} cannot be a value; make it text, a number, a date or another plain value",
        class_name(object)
    );
    Err(raise(object.py(), &Error::new(Kind::Data, message)))
}

/// Whether it is one of pandas' words for nothing.
fn is_missing(object: &Bound<'_, PyAny>) -> bool {
    object.get_type().name().is_ok_and(|name| name == "NaTType" || name == "NAType")
}

fn moment(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = object.py();
    let part = |name| object.getattr(name)?.extract::<i128>();
    let seconds = part(intern!(py, "hour"))? * 3600
        + part(intern!(py, "minute"))? * 60
        + part(intern!(py, "second"))?;
    // A time of pandas is finer than Python's.
    let fine = if object.hasattr(intern!(py, "nanosecond"))? {
        part(intern!(py, "nanosecond"))?
    } else {
        0
    };
    let days = i128::from(ordinal(object)? - EPOCH);
    let nanos = days * DAY + seconds * NANOS + part(intern!(py, "microsecond"))? * 1000 + fine;
    let offset = object.call_method0(intern!(py, "utcoffset"))?;
    if offset.is_none() {
        return Ok(Value::Datetime(nanos));
    }
    let part = |name| offset.getattr(name)?.extract::<i128>();
    let seconds = part(intern!(py, "days"))? * 86_400 + part(intern!(py, "seconds"))?;
    Ok(Value::Instant(nanos - seconds * NANOS - part(intern!(py, "microseconds"))? * 1000))
}

fn ordinal(object: &Bound<'_, PyAny>) -> PyResult<i64> {
    object.call_method0(intern!(object.py(), "toordinal"))?.extract()
}

fn decimal(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    // `f` writes every digit and no exponent.
    let text: String = object.call_method1("__format__", ("f",))?.extract()?;
    let json = Json::Object(Map::from_iter([("decimal".to_owned(), Json::from(text))]));
    Value::from_json(&json).or_raise(object.py())
}

fn decimal_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CLASS.import(py, "decimal", "Decimal")
}

fn is_tagged(members: &Map<String, Json>) -> bool {
    let tags = ["decimal", "float", "bytes", "date", "datetime", "instant", "list", "struct"];
    let tagged = |(name, inner): (&String, &Json)| match inner {
        Json::String(_) => tags.contains(&name.as_str()),
        Json::Array(_) => name == "list",
        Json::Object(_) => name == "struct",
        _ => false,
    };
    members.iter().all(tagged)
}

fn text<'py>(py: Python<'py>, value: &Value) -> Bound<'py, PyAny> {
    PyString::new(py, &value.to_string()).into_any()
}

/// Nothing for a date outside the years 1 to 9999.
fn date<'py>(py: Python<'py>, days: i64) -> PyResult<Option<Bound<'py, PyAny>>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = CLASS.import(py, "datetime", "date")?;
    within(py, class.call_method1("fromordinal", (days.saturating_add(EPOCH),)))
}

/// Nothing for a time outside the years 1 to 9999 or finer than a microsecond.
fn datetime(py: Python<'_>, nanos: i128, utc: bool) -> PyResult<Option<Bound<'_, PyAny>>> {
    if nanos % 1000 != 0 {
        return Ok(None);
    }
    let module = py.import("datetime")?;
    let zone =
        if utc { module.getattr("timezone")?.getattr("utc")? } else { py.None().into_bound(py) };
    let start = module.call_method1("datetime", (1970, 1, 1, 0, 0, 0, 0, zone))?;
    let (days, rest) = (nanos.div_euclid(DAY), nanos.rem_euclid(DAY));
    let Ok(days) = i32::try_from(days) else { return Ok(None) };
    let since = module.call_method1("timedelta", (days, 0, rest / 1000));
    match within(py, since)? {
        Some(since) => within(py, start.call_method1("__add__", (since,))),
        None => Ok(None),
    }
}

/// Nothing for a value beyond what Python's calendar has.
fn within<'py>(
    py: Python<'py>,
    made: PyResult<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    use pyo3::exceptions::PyOverflowError;
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => Ok(None),
        Err(error) if error.is_instance_of::<PyValueError>(py) => Ok(None),
        Err(error) => Err(error),
    }
}
