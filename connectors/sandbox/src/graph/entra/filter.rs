//! What `$filter` of Entra ID says (OData 4.01 part 2 §5.1.1, as far as the directory takes it).

use serde_json::Value as Json;

use super::super::refused::{Outcome, Refused};
use super::table::Members;

/// A condition on an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Compare(String, String, Json),
    Text(String, String, String),
    In(String, Vec<Json>),
    Has(String, Json),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Outcome<Self> {
        let words = words(text)?;
        let mut words = Words { words: &words, at: 0 };
        let filter = words.any()?;
        match words.next() {
            None => Ok(filter),
            Some(word) => Err(bad(word)),
        }
    }

    /// Whether it needs what only eventual consistency has.
    pub(super) fn is_advanced(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_advanced),
            Self::Not(_) => true,
            Self::Compare(_, how, _) => how == "ne",
            Self::Text(how, ..) => how == "endswith",
            Self::In(..) | Self::Has(..) => false,
        }
    }

    /// The properties it looks at.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::names).collect(),
            Self::Not(part) => part.names(),
            Self::Compare(name, ..) | Self::Text(_, name, _) => vec![name],
            Self::In(name, _) | Self::Has(name, _) => vec![name],
        }
    }

    pub(super) fn holds(&self, object: &Members) -> bool {
        let value = |name: &str| object.get(name).unwrap_or(&Json::Null);
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(object)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(object)),
            Self::Not(part) => !part.holds(object),
            Self::Compare(name, how, wanted) => compares(value(name), how, wanted),
            Self::Text(how, name, wanted) => {
                let text = value(name).as_str().unwrap_or_default().to_lowercase();
                let wanted = wanted.to_lowercase();
                match how.as_str() {
                    "startswith" => text.starts_with(&wanted),
                    _ => text.ends_with(&wanted),
                }
            }
            Self::In(name, all) => all.iter().any(|wanted| same(value(name), wanted)),
            Self::Has(name, wanted) => {
                let items = value(name).as_array();
                items.is_some_and(|items| items.iter().any(|item| same(item, wanted)))
            }
        }
    }
}

/// Texts have no case here.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::String(a), Json::String(b)) => a.to_lowercase() == b.to_lowercase(),
        _ => a == b,
    }
}

fn compares(value: &Json, how: &str, wanted: &Json) -> bool {
    let order = match (value, wanted) {
        (Json::String(a), Json::String(b)) => Some(a.cmp(b)),
        (Json::Number(a), Json::Number(b)) => a.as_i64().cmp(&b.as_i64()).into(),
        _ => None,
    };
    match how {
        "eq" => same(value, wanted),
        "ne" => !same(value, wanted),
        "ge" => order.is_some_and(std::cmp::Ordering::is_ge),
        "gt" => order.is_some_and(std::cmp::Ordering::is_gt),
        "le" => order.is_some_and(std::cmp::Ordering::is_le),
        _ => order.is_some_and(std::cmp::Ordering::is_lt),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Sign(char),
}

fn bad(word: &Word) -> Refused {
    let what = match word {
        Word::Name(text) | Word::Text(text) => text.clone(),
        Word::Sign(sign) => sign.to_string(),
    };
    Refused::request(format!("Invalid filter clause: '{what}' is not expected there."))
}

fn words(text: &str) -> Outcome<Vec<Word>> {
    let (mut words, mut rest) = (Vec::new(), text.trim_start());
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '(' | ')' | ',' => (Word::Sign(first), 1),
            '\'' => quoted(rest)?,
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "(),'".contains(c));
                let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
                (Word::Name(name.to_owned()), name.len())
            }
        };
        words.push(word);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(words)
}

/// A text in quotes, where two stand for one.
fn quoted(rest: &str) -> Outcome<(Word, usize)> {
    let mut text = String::new();
    let mut signs = rest.char_indices().skip(1).peekable();
    while let Some((at, sign)) = signs.next() {
        match (sign, signs.peek()) {
            ('\'', Some((_, '\''))) => {
                text.push('\'');
                signs.next();
            }
            ('\'', _) => return Ok((Word::Text(text), at + 1)),
            _ => text.push(sign),
        }
    }
    Err(Refused::request("Invalid filter clause: a text has no end."))
}

struct Words<'a> {
    words: &'a [Word],
    at: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a Word> {
        let word = self.words.get(self.at);
        self.at += 1;
        word
    }

    fn takes(&mut self, name: &str) -> bool {
        let is_it = matches!(self.words.get(self.at), Some(Word::Name(word)) if word == name);
        self.at += usize::from(is_it);
        is_it
    }

    fn needs(&mut self, sign: char) -> Outcome<()> {
        match self.next() {
            Some(Word::Sign(found)) if *found == sign => Ok(()),
            other => Err(other.map_or_else(end, bad)),
        }
    }

    fn any(&mut self) -> Outcome<Filter> {
        let mut parts = vec![self.all()?];
        while self.takes("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn all(&mut self) -> Outcome<Filter> {
        let mut parts = vec![self.one()?];
        while self.takes("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn one(&mut self) -> Outcome<Filter> {
        if self.takes("not") {
            return Ok(Filter::Not(Box::new(self.one()?)));
        }
        match self.next() {
            Some(Word::Sign('(')) => {
                let inner = self.any()?;
                self.needs(')')?;
                Ok(inner)
            }
            Some(Word::Name(name)) => match name.to_lowercase().as_str() {
                how @ ("startswith" | "endswith") => self.text(how),
                _ => match name.split_once("/any") {
                    Some((list, _)) => self.has(list),
                    None => self.compare(name),
                },
            },
            other => Err(other.map_or_else(end, bad)),
        }
    }

    fn text(&mut self, how: &str) -> Outcome<Filter> {
        self.needs('(')?;
        let name = self.name()?;
        self.needs(',')?;
        let value = self.value()?;
        self.needs(')')?;
        let wanted = value.as_str().unwrap_or_default().to_owned();
        Ok(Filter::Text(how.to_owned(), name, wanted))
    }

    /// `groupTypes/any(c:c eq 'Unified')`.
    fn has(&mut self, list: &str) -> Outcome<Filter> {
        self.needs('(')?;
        let _variable = self.name()?;
        match self.takes("eq") {
            true => {
                let value = self.value()?;
                self.needs(')')?;
                Ok(Filter::Has(list.to_owned(), value))
            }
            false => Err(end()),
        }
    }

    fn compare(&mut self, name: &str) -> Outcome<Filter> {
        let how = self.name()?;
        match how.as_str() {
            "eq" | "ne" | "ge" | "gt" | "le" | "lt" => {
                Ok(Filter::Compare(name.to_owned(), how, self.value()?))
            }
            "in" => {
                self.needs('(')?;
                let mut all = vec![self.value()?];
                while matches!(self.words.get(self.at), Some(Word::Sign(','))) {
                    self.at += 1;
                    all.push(self.value()?);
                }
                self.needs(')')?;
                Ok(Filter::In(name.to_owned(), all))
            }
            _ => Err(bad(&Word::Name(how))),
        }
    }

    fn name(&mut self) -> Outcome<String> {
        match self.next() {
            Some(Word::Name(name)) => Ok(name.clone()),
            other => Err(other.map_or_else(end, bad)),
        }
    }

    fn value(&mut self) -> Outcome<Json> {
        match self.next() {
            Some(Word::Text(text)) => Ok(Json::from(text.as_str())),
            // Times and identifiers stand without quotes.
            Some(Word::Name(name)) => {
                Ok(serde_json::from_str(name).unwrap_or_else(|_| Json::from(name.as_str())))
            }
            other => Err(other.map_or_else(end, bad)),
        }
    }
}

fn end() -> Refused {
    Refused::request("Invalid filter clause: it ends too soon.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object() -> Members {
        super::super::seed::members(json!({"displayName": "O'Neill, Ada", "accountEnabled": true,
            "groupTypes": ["Unified"], "mail": null, "created": "2026-01-02T00:00:00Z"}))
    }

    #[test]
    fn conditions_are_held_against_objects() {
        for (text, wanted) in [
            ("displayName eq 'o''neill, ada'", true),
            ("accountEnabled eq false or startswith(displayName,'O')", true),
            ("not(accountEnabled eq true)", false),
            ("endsWith(displayName,'ada') and accountEnabled eq true", true),
            ("groupTypes/any(c:c eq 'Unified')", true),
            ("mail eq null", true),
            ("mail ne null", false),
            ("displayName in ('x', 'O''Neill, Ada')", true),
            ("created ge 2026-01-01T00:00:00Z and created lt 2026-01-02T00:00:00Z", false),
        ] {
            assert_eq!(Filter::parse(text).unwrap().holds(&object()), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for wrong in ["", "a", "a eq", "a eq 'x", "a eq 'x' b", "(a eq 1", "a like 'x'", "not"] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn some_need_more_than_others() {
        let advanced = |text: &str| Filter::parse(text).unwrap().is_advanced();
        assert!(!advanced("a eq 'x' and startswith(b,'y')"));
        for text in ["a ne 'x'", "not(a eq 'x')", "a eq 1 or endsWith(b,'y')"] {
            assert!(advanced(text), "{text}");
        }
    }
}
