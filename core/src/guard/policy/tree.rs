//! A document, TOML or JSON, as a tree that knows where everything stands.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use toml::de::{DeTable, DeValue};
use trueup_connector::{Error, Kind, Result};

/// A value and the byte it begins at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) at: usize,
    pub(super) node: Node,
}

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Spot>),
    Table(Vec<(String, Spot)>),
}

impl Node {
    /// What it is called in a message.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a bool",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Spot {
    /// A member of a table.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match &self.node {
            Node::Table(members) => members.iter().find(|(n, _)| n == name).map(|(_, spot)| spot),
            _ => None,
        }
    }

    /// Its items: those of a list, or itself where there is no list.
    pub(super) fn items(&self) -> &[Self] {
        match &self.node {
            Node::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Its text; empty if it is none.
    pub(super) fn text(&self) -> &str {
        match &self.node {
            Node::Text(text) => text,
            _ => "",
        }
    }

    /// Its whole number; 0 if it is none.
    pub(super) fn int(&self) -> i64 {
        match self.node {
            Node::Int(number) => number,
            _ => 0,
        }
    }
}

/// The text that a tree was read from: turns bytes into lines and columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a>(pub(super) &'a str);

impl Source<'_> {
    /// An error about what stands at a byte.
    pub(super) fn wrong(self, at: usize, what: impl Into<String>) -> Error {
        let before = self.0.get(..at.min(self.0.len())).unwrap_or(self.0);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Error::new(Kind::Invalid, what).with("line", line).with("column", column)
    }

    /// The byte at which part of a text stands, where the text is written without escapes.
    pub(super) fn inside(self, spot: &Spot, offset: usize) -> usize {
        let written = self.0.get(spot.at..).unwrap_or_default();
        match written.find(spot.text()).filter(|start| *start <= 4) {
            Some(start) => spot.at + start + offset,
            None => spot.at,
        }
    }
}

/// How long a document may be, in bytes: no person reads more, and some parsers take long over it.
const LONGEST: usize = 1_000_000;

fn check_size(text: &str) -> Result<()> {
    match text.len() > LONGEST {
        true => {
            let message = format!("the policy is longer than {LONGEST} bytes: write fewer rules");
            Err(Error::new(Kind::Invalid, message))
        }
        false => Ok(()),
    }
}

/// Reads TOML.
pub(super) fn from_toml(text: &str) -> Result<Spot> {
    check_size(text)?;
    let table = DeTable::parse(text).map_err(|cause| {
        let at = cause.span().map_or(0, |span| span.start);
        let what = cause.message().lines().next().unwrap_or_default().to_owned();
        Source(text).wrong(at, format!("the policy is no TOML: {what}"))
    })?;
    let members = table
        .into_inner()
        .into_iter()
        .map(|(name, value)| Ok((name.into_inner().into_owned(), toml_spot(Source(text), value)?)));
    Ok(Spot { at: 0, node: Node::Table(members.collect::<Result<_>>()?) })
}

fn toml_spot(source: Source<'_>, value: toml::Spanned<DeValue<'_>>) -> Result<Spot> {
    let at = value.span().start;
    let node = match value.into_inner() {
        DeValue::Boolean(value) => Node::Bool(value),
        DeValue::String(text) => Node::Text(text.into_owned()),
        DeValue::Datetime(time) => Node::Text(time.to_string()),
        DeValue::Integer(number) => {
            let digits = i64::from_str_radix(number.as_str(), number.radix());
            Node::Int(digits.map_err(|_| source.wrong(at, "the number does not fit into 64 bits"))?)
        }
        DeValue::Float(number) => {
            let number = number.as_str().parse();
            Node::Float(number.map_err(|_| source.wrong(at, "the number cannot be read"))?)
        }
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| toml_spot(source, item));
            Node::List(items.collect::<Result<_>>()?)
        }
        DeValue::Table(members) => {
            let members = members.into_iter().map(|(name, value)| {
                Ok((name.into_inner().into_owned(), toml_spot(source, value)?))
            });
            Node::Table(members.collect::<Result<_>>()?)
        }
    };
    Ok(Spot { at, node })
}

/// How deep JSON may be nested; TOML is bounded by its parser.
const DEEPEST: usize = 16;

/// Reads JSON.
pub(super) fn from_json(text: &str) -> Result<Spot> {
    check_size(text)?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|cause| no_json(text, 0, &cause))?;
    json_spot(text, raw, DEEPEST)
}

fn no_json(text: &str, start: usize, cause: &serde_json::Error) -> Error {
    let inner = text.get(start..).unwrap_or_default();
    let before: usize =
        inner.split_inclusive('\n').take(cause.line().saturating_sub(1)).map(str::len).sum();
    let what = cause.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let at = start + before + cause.column().saturating_sub(1);
    Source(text).wrong(at, format!("the policy is no JSON: {what}"))
}

/// The parser hands out parts of the text itself, so their address says where they stand.
fn json_spot(text: &str, raw: &RawValue, deeper: usize) -> Result<Spot> {
    let part = raw.get();
    let at = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let Some(deeper) = deeper.checked_sub(1) else {
        return Err(Source(text).wrong(at, "the policy is nested deeper than any policy can be"));
    };
    let wrong = |cause: serde_json::Error| no_json(text, at, &cause);
    let node = match part.as_bytes().first() {
        Some(b'{') => {
            let members: Members<'_> = serde_json::from_str(part).map_err(wrong)?;
            let spots =
                members.0.into_iter().map(|(name, raw)| Ok((name, json_spot(text, raw, deeper)?)));
            Node::Table(spots.collect::<Result<_>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(part).map_err(wrong)?;
            Node::List(
                items.into_iter().map(|raw| json_spot(text, raw, deeper)).collect::<Result<_>>()?,
            )
        }
        Some(b'"') => Node::Text(serde_json::from_str(part).map_err(wrong)?),
        Some(b't' | b'f') => Node::Bool(part == "true"),
        Some(b'n') => Node::Null,
        _ => json_number(text, at, part)?,
    };
    Ok(Spot { at, node })
}

fn json_number(text: &str, at: usize, part: &str) -> Result<Node> {
    match (part.parse(), part.parse()) {
        (Ok(whole), _) => Ok(Node::Int(whole)),
        (_, Ok(float)) if part.contains(['.', 'e', 'E']) => Ok(Node::Float(float)),
        _ => Err(Source(text).wrong(at, "the number does not fit into 64 bits")),
    }
}

/// The members of a JSON object as they stand there; one that stands there twice is an error.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut found, mut names) = (Vec::<(String, &RawValue)>::new(), BTreeSet::new());
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format!("`{name}` is there twice")));
                    }
                    found.push((name, value));
                }
                Ok(Members(found))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
