//! Filters and paths (RFC 7644 §3.4.2.2, §3.5.2).

use serde_json::Value as Json;

use super::schema::{Attribute, ENTERPRISE, Kind};
use super::{Outcome, Refused};

/// A filter, parsed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Present(Path),
    Compare(Path, String, Json),
    /// One of the values of an attribute meets a filter over its parts.
    Among(Path, Box<Filter>),
}

/// The way to an attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Path {
    pub(crate) extension: Option<&'static str>,
    /// Empty where an extension as a whole is meant.
    pub(crate) attribute: String,
    pub(crate) filter: Option<Box<Filter>>,
    pub(crate) sub: Option<String>,
}

/// Filters nested deeper are refused.
const DEEPEST: usize = 32;

impl Filter {
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let mut parser = Parser { rest: text.trim_start(), depth: 0 };
        let filter = parser.any()?;
        match parser.rest.is_empty() {
            true => Ok(filter),
            false => Err(bad(format!("unexpected '{}'", parser.rest))),
        }
    }

    /// Whether a resource, or a part of it, meets the filter.
    pub(crate) fn holds(&self, kind: Kind, within: Option<&Attribute>, json: &Json) -> bool {
        match self {
            Self::All(all) => all.iter().all(|filter| filter.holds(kind, within, json)),
            Self::Any(any) => any.iter().any(|filter| filter.holds(kind, within, json)),
            Self::Not(filter) => !filter.holds(kind, within, json),
            Self::Present(path) => path.values(json).iter().any(|value| is_assigned(value)),
            Self::Compare(path, operator, wanted) => {
                let exact = path.case_exact(kind, within);
                let values = path.values(json);
                match (operator.as_str(), wanted) {
                    ("eq", Json::Null) => values.is_empty(),
                    ("ne", _) => !values.iter().any(|value| compare(value, "eq", wanted, exact)),
                    _ => values.iter().any(|value| compare(value, operator, wanted, exact)),
                }
            }
            Self::Among(path, filter) => {
                let attribute = kind.attribute(path.extension, &path.attribute);
                let values = path.values(json);
                values.iter().any(|value| filter.holds(kind, attribute, value))
            }
        }
    }
}

impl Path {
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let mut parser = Parser { rest: text.trim(), depth: 0 };
        let mut path = parser.path()?;
        if parser.take("[") {
            path.filter = Some(Box::new(parser.any()?));
            parser.expect("]")?;
            if parser.take(".") {
                path.sub = Some(parser.word());
            }
        }
        match parser.rest.is_empty() && !path.attribute.is_empty() | path.extension.is_some() {
            true => Ok(path),
            false => Err(Refused::bad("invalidPath", format!("'{text}' is not a path"))),
        }
    }

    /// The values at the end of the path; those of a list one by one.
    pub(crate) fn values<'a>(&self, json: &'a Json) -> Vec<&'a Json> {
        let json = match self.extension {
            Some(extension) => json.get(extension),
            None => Some(json),
        };
        let values = json.map(|json| member(json, &self.attribute)).unwrap_or_default();
        match &self.sub {
            Some(sub) => values.into_iter().flat_map(|value| member(value, sub)).collect(),
            None => values,
        }
    }

    fn case_exact(&self, kind: Kind, within: Option<&Attribute>) -> bool {
        let attribute = match within {
            Some(within) => within.sub(&self.attribute),
            None => kind.attribute(self.extension, &self.attribute),
        };
        let sub = self.sub.as_ref().and_then(|sub| attribute?.sub(sub));
        sub.or(attribute).is_some_and(|attribute| attribute.case_exact)
    }
}

fn member<'a>(json: &'a Json, name: &str) -> Vec<&'a Json> {
    let Some(members) = json.as_object() else { return Vec::new() };
    let found = members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    match found {
        Some((_, Json::Array(items))) => items.iter().collect(),
        Some((_, value)) => vec![value],
        None => Vec::new(),
    }
}

fn is_assigned(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn compare(value: &Json, operator: &str, wanted: &Json, exact: bool) -> bool {
    // A value with parts is compared by its member `value`.
    let value = value.get("value").unwrap_or(value);
    match (value, wanted) {
        (Json::String(value), Json::String(wanted)) if !exact => {
            texts(&value.to_lowercase(), operator, &wanted.to_lowercase())
        }
        (Json::String(value), Json::String(wanted)) => texts(value, operator, wanted),
        (Json::Number(value), Json::Number(wanted)) => {
            let order = value.as_f64().partial_cmp(&wanted.as_f64());
            order.is_some_and(|order| ordered(order, operator))
        }
        (value, wanted) => operator == "eq" && value == wanted,
    }
}

fn texts(value: &str, operator: &str, wanted: &str) -> bool {
    match operator {
        "co" => value.contains(wanted),
        "sw" => value.starts_with(wanted),
        "ew" => value.ends_with(wanted),
        _ => ordered(value.cmp(wanted), operator),
    }
}

fn ordered(order: std::cmp::Ordering, operator: &str) -> bool {
    match operator {
        "eq" => order.is_eq(),
        "gt" => order.is_gt(),
        "ge" => order.is_ge(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        _ => false,
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Outcome<Filter> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(bad("the filter is nested too deep"));
        }
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(joined(parts, Filter::Any))
    }

    fn all(&mut self) -> Outcome<Filter> {
        let mut parts = vec![self.one()?];
        while self.keyword("and") {
            parts.push(self.one()?);
        }
        Ok(joined(parts, Filter::All))
    }

    fn one(&mut self) -> Outcome<Filter> {
        let not = self.keyword("not");
        if self.take("(") {
            let inner = self.any()?;
            self.expect(")")?;
            return Ok(if not { Filter::Not(Box::new(inner)) } else { inner });
        }
        if not {
            return Err(bad("'not' takes a filter in parentheses"));
        }
        let path = self.path()?;
        if self.take("[") {
            let inner = self.any()?;
            self.expect("]")?;
            return Ok(Filter::Among(path, Box::new(inner)));
        }
        self.compare(path)
    }

    fn compare(&mut self, path: Path) -> Outcome<Filter> {
        let operator = self.word().to_lowercase();
        match operator.as_str() {
            "pr" => Ok(Filter::Present(path)),
            "eq" | "ne" | "co" | "sw" | "ew" | "gt" | "ge" | "lt" | "le" => {
                Ok(Filter::Compare(path, operator, self.literal()?))
            }
            _ => Err(bad(format!("'{operator}' is not an operator"))),
        }
    }

    fn literal(&mut self) -> Outcome<Json> {
        let end = match self.rest.starts_with('"') {
            true => {
                let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Json>();
                drop(values.next());
                values.byte_offset()
            }
            false => self.rest.find([' ', ')', ']']).unwrap_or(self.rest.len()),
        };
        let (text, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        let value = serde_json::from_str(text).ok().filter(|value: &Json| !value.is_array());
        self.rest = rest.trim_start();
        value.filter(|value| !value.is_object()).ok_or_else(|| bad("a comparison needs a value"))
    }

    fn path(&mut self) -> Outcome<Path> {
        let word = self.word();
        if word.is_empty() {
            return Err(bad("an attribute is missing"));
        }
        let folded = word.to_lowercase();
        let after = |urn: &str| {
            let rest = folded.starts_with(&urn.to_lowercase()).then(|| word.get(urn.len()..))?;
            rest?.strip_prefix(':').or_else(|| rest.filter(|rest| rest.is_empty()))
        };
        let (extension, rest) =
            match (after(ENTERPRISE), after(Kind::User.urn()), after(Kind::Group.urn())) {
                (Some(rest), _, _) => (Some(ENTERPRISE), rest),
                (_, Some(rest), _) | (_, _, Some(rest)) => (None, rest),
                _ => (None, word.as_str()),
            };
        let (attribute, sub) = match rest.split_once('.') {
            Some((attribute, sub)) => (attribute, Some(sub.to_owned())),
            None => (rest, None),
        };
        Ok(Path { extension, attribute: attribute.to_owned(), filter: None, sub })
    }

    fn word(&mut self) -> String {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || "_-.:$".contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        word.to_owned()
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let Some(word) = self.rest.get(..keyword.len()) else { return false };
        let after = self.rest.get(keyword.len()..).unwrap_or_default();
        let ends = after.starts_with([' ', '(']);
        if word.eq_ignore_ascii_case(keyword) && ends {
            self.rest = after.trim_start();
            return true;
        }
        false
    }

    fn take(&mut self, sign: &str) -> bool {
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: &str) -> Outcome<()> {
        match self.take(sign) {
            true => Ok(()),
            false => Err(bad(format!("'{sign}' is missing"))),
        }
    }
}

fn joined(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn bad(detail: impl Into<String>) -> Refused {
    Refused::bad("invalidFilter", detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn holds(filter: &str) -> bool {
        let user = json!({"userName": "Ada", "externalId": "X1", "active": true, "title": "",
            "name": {"familyName": "King"}, ENTERPRISE: {"department": "R"},
            "emails": [{"type": "work", "value": "ada@example.com"}, {"type": "home", "value": "a@b.c"}],
            "meta": {"lastModified": "2026-01-31T10:00:00Z"}});
        Filter::parse(filter).unwrap().holds(Kind::User, None, &user)
    }

    #[test]
    fn filters_say_which() {
        for filter in [
            r#"userName eq "ada""#,
            r#"USERNAME Eq "ADA""#,
            r#"externalId eq "X1""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "a""#,
            r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "r""#,
            r#"emails co "example""#,
            r#"emails[type eq "work" and value co "@example"]"#,
            r#"emails.value ew ".c""#,
            "active eq true and not (title pr)",
            r#"meta.lastModified gt "2026-01-30T00:00:00Z""#,
            r#"name.familyName pr and (userName eq "x" or active eq true)"#,
            "nickName eq null",
            r#"userName ne "x""#,
        ] {
            assert!(holds(filter), "{filter}");
        }
        for filter in [
            r#"externalId eq "x1""#,
            r#"emails[type eq "home" and value co "@example"]"#,
            "title pr",
            r#"userName eq "b" or userName eq "c" and active eq true"#,
        ] {
            assert!(!holds(filter), "{filter}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let deep = "(".repeat(100);
        for filter in
            ["", "userName", "userName eq", "userName xx 1", "a eq 1 b", "(a pr", "not a pr", &deep]
        {
            assert_eq!(Filter::parse(filter).unwrap_err().scim_type, "invalidFilter", "{filter}");
        }
    }

    #[test]
    fn paths_have_parts() {
        let path = Path::parse(r#"emails[type eq "work"].value"#).unwrap();
        assert_eq!((path.attribute.as_str(), path.sub.as_deref()), ("emails", Some("value")));
        assert!(path.filter.is_some());
        assert_eq!(Path::parse(ENTERPRISE).unwrap().extension, Some(ENTERPRISE));
        assert!(Path::parse("a[").is_err() && Path::parse("").is_err());
    }
}
