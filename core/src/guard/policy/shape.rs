//! What a policy document may hold, in one table: it is what documents are checked against, what
//! their normal form follows, and what the published schema is written from.

use serde_json::{Map, Value as Json, json};
use trueup_connector::{Result, suggest};

use super::super::moment::{parse_clock, parse_length, parse_local};
use super::tree::{Node, Source, Spot};

/// What may stand somewhere.
#[derive(Debug)]
pub(super) enum Shape {
    Bool,
    /// A whole number between these.
    Int(i64, i64),
    /// Any text that is not empty.
    Text,
    /// A word of letters, digits and a few signs, beginning with a letter.
    Name,
    /// A text in which `*` stands for anything.
    Pattern,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A share like `5%` or `0.25%`.
    Share,
    /// A length of time between these, in seconds.
    Length(i64, i64),
    /// A time of day, `18:00`.
    Clock,
    /// A local date and time, `2026-12-20T18:00`.
    Local,
    /// One of these or a list of some, as a set.
    Some(&'static Shape),
    /// A list of tables; in the normal form sorted by their bytes.
    Each(&'static Shape),
    Table(&'static [Member]),
    /// A table whose members the writer names.
    Named(&'static Shape),
}

/// A member of a table.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: &'static str,
    /// What it means, for the schema.
    pub(super) about: &'static str,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// Complains of the first thing that does not fit.
pub(super) fn check(source: Source<'_>, spot: &Spot, shape: &Shape, name: &str) -> Result<()> {
    match (shape, &spot.node) {
        (Shape::Some(one), Node::List(items)) => {
            if items.is_empty() {
                return Err(source.wrong(
                    spot.at,
                    format!("`{name}` is an empty list; leave it out, or name one"),
                ));
            }
            items.iter().try_for_each(|item| check(source, item, one, name))
        }
        (Shape::Some(one), _) => check(source, spot, one, name),
        (Shape::Each(one), Node::List(items)) => {
            items.iter().try_for_each(|item| check(source, item, one, name))
        }
        (Shape::Table(members), Node::Table(found)) => {
            check_table(source, spot, members, found, name)
        }
        (Shape::Named(one), Node::Table(found)) => found.iter().try_for_each(|(name, spot)| {
            scalar(&Node::Text(name.clone()), &Shape::Name).map_or_else(
                || check(source, spot, one, name),
                |what| Err(source.wrong(spot.at, format!("`{name}` {what}"))),
            )
        }),
        (shape, node) => match scalar(node, shape) {
            None => Ok(()),
            Some(what) => Err(source.wrong(spot.at, format!("`{name}` {what}"))),
        },
    }
}

fn check_table(
    source: Source<'_>,
    spot: &Spot,
    members: &[Member],
    found: &[(String, Spot)],
    name: &str,
) -> Result<()> {
    for (key, value) in found {
        let Some(member) = members.iter().find(|m| m.name == key) else {
            let known = suggest(key, members.iter().map(|m| m.name));
            return Err(
                source.wrong(value.at, format!("unknown member `{key}` of {}{known}", of(name)))
            );
        };
        check(source, value, &member.shape, member.name)?;
    }
    match members.iter().find(|m| m.required && spot.get(m.name).is_none()) {
        Some(member) => Err(source
            .wrong(spot.at, format!("{} lacks `{}`: {}", of(name), member.name, member.about))),
        None => Ok(()),
    }
}

fn of(name: &str) -> String {
    if name.is_empty() { "the policy".into() } else { format!("`{name}`") }
}

/// Why a plain value does not fit; none if it does.
fn scalar(node: &Node, shape: &Shape) -> Option<String> {
    let text = |form: &str, fits: &dyn Fn(&str) -> bool| match node {
        Node::Text(text) if fits(text) => None,
        Node::Text(text) => Some(format!("is `{text}`, where {form} is asked for")),
        other => Some(format!("is {}, where {form} is asked for", other.type_name())),
    };
    match shape {
        Shape::Bool => (!matches!(node, Node::Bool(_)))
            .then(|| format!("is {}, where a bool is asked for", node.type_name())),
        Shape::Int(from, to) => match node {
            Node::Int(number) if (from..=to).contains(&number) => None,
            Node::Int(number) => Some(format!("is {number}, where {from} to {to} is asked for")),
            other => Some(format!("is {}, where a whole number is asked for", other.type_name())),
        },
        Shape::Text => text("a text that is not empty", &|t| !t.trim().is_empty()),
        Shape::Name => text("a word of letters, digits, `_`, `-`, `.` or `:`", &is_name),
        Shape::Pattern => text("a text that is not empty", &|t| !t.is_empty()),
        Shape::Word(words) => match node {
            Node::Text(word) if !words.contains(&&**word) => {
                Some(format!("is `{word}`{}", suggest(word, words.iter().copied())))
            }
            _ => text("a word", &|_| true),
        },
        Shape::Share => {
            text("a share like `5%`, above 0% and up to 100%", &|t| parse_share(t).is_some())
        }
        Shape::Length(from, to) => {
            let (least, most) = (length(*from), length(*to));
            let form = format!(
                "a length of time like `90s`, `30m`, `24h` or `7d`, from {least} to {most}"
            );
            text(&form, &|t| {
                parse_length(t).is_some_and(|l| (from * 1_000..=to * 1_000).contains(&l))
            })
        }
        Shape::Clock => text("a time of day like `18:00`", &|t| parse_clock(t).is_some()),
        Shape::Local => text("a local time like `2026-12-20T18:00`", &|t| parse_local(t).is_some()),
        Shape::Some(_) | Shape::Each(_) => {
            Some(format!("is {}, where a list is asked for", node.type_name()))
        }
        Shape::Table(_) | Shape::Named(_) => {
            Some(format!("is {}, where a table is asked for", node.type_name()))
        }
    }
}

fn length(seconds: i64) -> String {
    super::super::moment::length_text(seconds * 1_000)
}

fn is_name(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(rest)
}

/// `5%` or `0.25%` as parts of a million, with up to four decimals.
pub(super) fn parse_share(text: &str) -> Option<i64> {
    let (whole, fraction) = text.strip_suffix('%').map(|t| t.split_once('.').unwrap_or((t, "")))?;
    let plain =
        !whole.is_empty() && (whole.to_owned() + fraction).bytes().all(|b| b.is_ascii_digit());
    let exact = plain && whole.len() <= 3 && fraction.len() <= 4 && !text.contains(".%");
    let millionths = exact.then(|| format!("{whole}{fraction:0<4}").parse().ok()).flatten();
    millionths.filter(|m| (1..=1_000_000).contains(m))
}

/// The normal form of a value that fits its shape (`docs/spec/policy.md`).
pub(super) fn normal(spot: &Spot, shape: &Shape) -> Json {
    match (shape, &spot.node) {
        (Shape::Some(one), _) => sorted(spot.items().iter().map(|item| normal(item, one)), true),
        (Shape::Each(one), _) => sorted(spot.items().iter().map(|item| normal(item, one)), false),
        (Shape::Table(members), Node::Table(found)) => {
            let shape = |name: &str| members.iter().find(|m| m.name == name).map(|m| &m.shape);
            let both = found.iter().filter_map(|(name, spot)| Some((name, spot, shape(name)?)));
            both.map(|(name, spot, shape)| (name.clone(), normal(spot, shape)))
                .collect::<Map<_, _>>()
                .into()
        }
        (Shape::Named(one), Node::Table(found)) => found
            .iter()
            .map(|(name, spot)| (name.clone(), normal(spot, one)))
            .collect::<Map<_, _>>()
            .into(),
        (Shape::Share, Node::Text(text)) => json!(parse_share(text)),
        (Shape::Length(..), Node::Text(text)) => json!(parse_length(text).map(|l| l / 1_000)),
        (Shape::Local, Node::Text(text)) => json!(parse_local(text).map(|l| l.to_string())),
        (_, Node::Text(text)) => json!(text),
        (_, Node::Int(number)) => json!(number),
        (_, Node::Bool(value)) => json!(value),
        _ => Json::Null,
    }
}

/// Sorted by canonical bytes, as order never matters; of a set once each.
fn sorted(items: impl Iterator<Item = Json>, set: bool) -> Json {
    let mut items: Vec<(Vec<u8>, Json)> =
        items.map(|item| (crate::reconcile::canonical_json(&item), item)).collect();
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    if set {
        items.dedup_by(|(a, _), (b, _)| a == b);
    }
    items.into_iter().map(|(_, item)| item).collect()
}

/// The JSON Schema of a shape.
pub(super) fn schema(shape: &Shape) -> Json {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match shape {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Int(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Shape::Text => text(r"\S"),
        Shape::Name => text("^[A-Za-z][A-Za-z0-9_.:-]*$"),
        Shape::Pattern => json!({ "type": "string", "minLength": 1 }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Share => text(r"^[0-9]{1,3}(\.[0-9]{1,4})?%$"),
        Shape::Length(..) => text("^[0-9]+[smhd]$"),
        Shape::Clock => text("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"),
        Shape::Local => text("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"),
        Shape::Some(one) => {
            let one = schema(one);
            json!({ "anyOf": [one.clone(), { "type": "array", "minItems": 1, "items": one }] })
        }
        Shape::Each(one) => json!({ "type": "array", "items": schema(one) }),
        Shape::Named(one) => json!({
            "type": "object",
            "propertyNames": schema(&Shape::Name),
            "additionalProperties": schema(one),
        }),
        Shape::Table(members) => table_schema(members),
    }
}

fn table_schema(members: &[Member]) -> Json {
    let properties = members.iter().map(|member| {
        let mut one = schema(&member.shape);
        if let Json::Object(one) = &mut one {
            one.insert("description".into(), json!(member.about));
        }
        (member.name.to_owned(), one)
    });
    let required: Vec<&str> = members.iter().filter(|m| m.required).map(|m| m.name).collect();
    json!({
        "type": "object",
        "properties": properties.collect::<Map<_, _>>(),
        "required": required,
        "additionalProperties": false,
    })
}
