//! Conditions in RSQL, with the fields that a list heeds.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::{Outcome, Refused};

/// A condition on a record.
#[derive(Debug, PartialEq)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Is { field: String, operator: &'static str, values: Vec<String> },
}

/// Longer ones stand before what they begin with.
const OPERATORS: &[(&str, &str)] = &[
    ("=lt=", "<"),
    ("=le=", "<="),
    ("=gt=", ">"),
    ("=ge=", ">="),
    ("=in=", "in"),
    ("=out=", "out"),
    ("==", "=="),
    ("!=", "!="),
    ("<=", "<="),
    (">=", ">="),
    ("<", "<"),
    (">", ">"),
];
/// Brackets in brackets, at most.
const DEEPEST: usize = 20;

/// Reads a condition on these fields.
pub(super) fn parse(text: &str, fields: &[&str]) -> Outcome<Condition> {
    let mut parser = Parser { rest: text.trim(), fields, deep: 0 };
    let condition = parser.any()?;
    match parser.rest.is_empty() {
        true => Ok(condition),
        false => Err(bad(parser.rest)),
    }
}

struct Parser<'a> {
    rest: &'a str,
    fields: &'a [&'a str],
    deep: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Outcome<Condition> {
        let mut parts = vec![self.all()?];
        while self.skip(",") {
            parts.push(self.all()?);
        }
        Ok(Condition::Any(parts))
    }

    fn all(&mut self) -> Outcome<Condition> {
        let mut parts = vec![self.one()?];
        while self.skip(";") {
            parts.push(self.one()?);
        }
        Ok(Condition::All(parts))
    }

    fn one(&mut self) -> Outcome<Condition> {
        if !self.skip("(") {
            return self.comparison();
        }
        self.deep += 1;
        if self.deep > DEEPEST {
            return Err(bad("brackets in brackets"));
        }
        let inner = self.any()?;
        match self.skip(")") {
            true => Ok(inner),
            false => Err(bad(self.rest)),
        }
    }

    fn comparison(&mut self) -> Outcome<Condition> {
        let end = self.rest.find(['=', '!', '<', '>']).ok_or_else(|| bad(self.rest))?;
        let field = self.take(end).trim().to_owned();
        if !self.fields.contains(&field.as_str()) {
            return Err(bad(&field));
        }
        let known = OPERATORS.iter().find(|(sign, _)| self.rest.starts_with(sign));
        let (sign, operator) = known.ok_or_else(|| bad(self.rest))?;
        self.take(sign.len());
        let values = match *operator {
            "in" | "out" => self.values()?,
            _ => vec![self.value()?],
        };
        Ok(Condition::Is { field, operator, values })
    }

    fn values(&mut self) -> Outcome<Vec<String>> {
        if !self.skip("(") {
            return Err(bad(self.rest));
        }
        let mut values = vec![self.value()?];
        while self.skip(",") {
            values.push(self.value()?);
        }
        match self.skip(")") {
            true => Ok(values),
            false => Err(bad(self.rest)),
        }
    }

    fn value(&mut self) -> Outcome<String> {
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            let end = self.rest.find([';', ',', '(', ')', ' ', '"']).unwrap_or(self.rest.len());
            let value = self.take(end).to_owned();
            return if value.is_empty() { Err(bad(self.rest)) } else { Ok(value) };
        };
        self.take(1);
        self.quoted(quote)
    }

    fn quoted(&mut self, quote: char) -> Outcome<String> {
        let (mut value, mut escaped) = (String::new(), false);
        for (at, c) in self.rest.char_indices() {
            match (escaped, c) {
                (false, '\\') => escaped = true,
                (false, c) if c == quote => {
                    self.take(at + 1);
                    return Ok(value);
                }
                (_, c) => {
                    value.push(c);
                    escaped = false;
                }
            }
        }
        Err(bad("a quotation without end"))
    }

    fn skip(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        let skipped = rest.strip_prefix(sign);
        self.rest = skipped.unwrap_or(rest);
        skipped.is_some()
    }

    fn take(&mut self, end: usize) -> &str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

impl Condition {
    /// Whether it holds for a record; fields are paths with dots.
    pub(super) fn holds(&self, record: &Json) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(record)),
            Self::Is { field, operator, values } => {
                let found = value_at(record, field);
                let is = |value: &String| found.as_deref().is_some_and(|found| like(found, value));
                let compared = |value: &String| Some(compare(found.as_deref()?, value));
                let first = values.first().and_then(compared);
                match *operator {
                    "==" | "in" => values.iter().any(is),
                    "!=" | "out" => !values.iter().any(is),
                    "<" => first == Some(Ordering::Less),
                    "<=" => first.is_some_and(Ordering::is_le),
                    ">" => first == Some(Ordering::Greater),
                    _ => first.is_some_and(Ordering::is_ge),
                }
            }
        }
    }
}

/// What stands at a path, as text; null has no text.
pub(super) fn value_at(record: &Json, path: &str) -> Option<String> {
    let found = path.split('.').try_fold(record, |json, name| json.get(name))?;
    match found {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// By number where both are, else by text whatever its case.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (a.parse::<i64>(), b.parse::<i64>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        _ => a.to_lowercase().cmp(&b.to_lowercase()),
    }
}

/// The same whatever the case; `*` stands for anything.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

fn bad(what: &str) -> Refused {
    Refused::pro(400, "INVALID_FIELD", format!("Invalid filter near: {what}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_read_and_hold() {
        let record = json!({"id": "17", "general": {"name": "Ada's Mac", "when": "2026-01-02T00:00:00Z",
            "managed": true, "none": null}});
        let fields = ["id", "general.name", "general.when", "general.managed", "general.none"];
        for (filter, holds) in [
            ("id==17", true),
            ("id=gt=9", true),
            ("id<17", false),
            ("general.name==\"ada's*\"", true),
            ("general.name=='Ada\\'s Mac'", true),
            ("general.name==Mac", false),
            ("general.when=gt=\"2026-01-01T00:00:00Z\"", true),
            ("general.managed==true;id==3", false),
            ("general.managed==true,id==3", true),
            ("(id==3,id==17);general.name!=\"x\"", true),
            ("id=in=(3,17)", true),
            ("id=out=(3,17)", false),
            ("general.none==x", false),
            ("general.name==\"a*a*m*c\"", true),
        ] {
            assert_eq!(parse(filter, &fields).unwrap().holds(&record), holds, "{filter}");
        }
        for wrong in
            ["nam==1", "id", "id=", "id==", "id==1;", "(id==1", "id==\"1", "id=in=1", "id==1)"]
        {
            assert!(parse(wrong, &fields).is_err(), "{wrong}");
        }
    }
}
