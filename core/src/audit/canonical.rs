//! Canonical JSON: RFC 8785, with numbers that no reader can misread.

use serde_json::{Number, Value as Json};
use trueup_connector::{Error, Kind, Result};

use super::encoding::malformed;

/// The largest integer that every reader of JSON holds exactly: 2^53 - 1.
const LARGEST: f64 = 9_007_199_254_740_991.0;
/// How deep arrays and objects may be nested; readers of JSON give up soon after.
const DEEPEST: usize = 100;

/// The canonical text of a value (RFC 8785): equal values give equal bytes, in every language.
///
/// ```
/// let json = serde_json::json!({"b": 4.50, "a": [1e-7, 100.0]});
/// assert_eq!(trueup::audit::canonical_json(&json)?, r#"{"a":[1e-7,100],"b":4.5}"#);
/// # Ok::<(), trueup::Error>(())
/// ```
///
/// # Errors
/// [`Kind::Data`] names an integer beyond ±(2^53 - 1), which belongs in text; [`Kind::Limit`] if
/// arrays and objects are nested more than 100 deep.
pub fn canonical_json(json: &Json) -> Result<String> {
    let mut text = String::new();
    write(&mut text, json, 0)?;
    Ok(text)
}

/// The value of a text that is canonical.
pub(super) fn read_canonical(bytes: &[u8]) -> Result<Json> {
    let json: Json = serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("this is not JSON: {error}")))?;
    match canonical_json(&json)?.as_bytes() == bytes {
        true => Ok(json),
        false => Err(malformed("this JSON is not canonical (RFC 8785)")),
    }
}

fn write(out: &mut String, json: &Json, depth: usize) -> Result<()> {
    match json {
        Json::Array(items) => {
            let deeper = deeper(depth)?;
            sequence(out, ['[', ']'], items, |out, item| write(out, item, deeper))
        }
        Json::Object(members) => {
            let deeper = deeper(depth)?;
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            sequence(out, ['{', '}'], &members, |out, (name, value)| {
                out.push_str(&Json::from(name.as_str()).to_string());
                out.push(':');
                write(out, value, deeper)
            })
        }
        Json::Number(number) => write_number(out, number),
        // The escapes of serde_json in texts are those of RFC 8785.
        plain => {
            out.push_str(&plain.to_string());
            Ok(())
        }
    }
}

fn deeper(depth: usize) -> Result<usize> {
    match depth < DEEPEST {
        true => Ok(depth + 1),
        false => Err(Error::new(
            Kind::Limit,
            format!("this JSON is nested more than {DEEPEST} deep; make it flatter"),
        )),
    }
}

fn sequence<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: &[T],
    mut each: impl FnMut(&mut String, &T) -> Result<()>,
) -> Result<()> {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        each(out, item)?;
    }
    out.push(close);
    Ok(())
}

fn write_number(out: &mut String, number: &Number) -> Result<()> {
    let value = number.as_f64().filter(|v| v.is_finite());
    let value = value.filter(|v| v.abs() <= LARGEST || v.fract() != 0.0);
    // The nearest double of 2^53 + 1 is 2^53, so no integer outside gets past the bound.
    let value = value.ok_or_else(|| {
        malformed(format!(
            "`{number}` is beyond 2^53, where doubles skip integers; give it as text"
        ))
    })?;
    out.push_str(ryu_js::Buffer::new().format(value));
    Ok(())
}
