//! Names of tables as people write them: `packages`, `inventory.packages`, `"odd.schema"."Table"`.

use trueup_connector::{Error, Kind, Result};

/// The one or two parts of a table's name; upper and lower case are kept.
pub(crate) fn parse(name: &str) -> Result<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = name;
    loop {
        let (part, after) = part(rest).ok_or_else(|| wrong(name))?;
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() && parts.len() <= 2 => return Ok(parts),
            None => return Err(wrong(name)),
        }
    }
}

/// The name of a table in a schema, as [`parse`] reads it.
pub(crate) fn write(schema: &str, table: &str) -> String {
    let one = |name: &str| match name.contains(['.', '"']) {
        true => crate::source::quote(name),
        false => name.to_owned(),
    };
    format!("{}.{}", one(schema), one(table))
}

/// The first part, and what stands after it.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find('.').unwrap_or(text.len());
        let (part, rest) = text.split_at_checked(end)?;
        return (!part.is_empty() && !part.contains('"')).then(|| (part.to_owned(), rest));
    };
    let mut part = String::new();
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None => return (!part.is_empty()).then_some((part, after)),
        }
    }
}

fn wrong(name: &str) -> Error {
    let message = format!(
        "`{name}` is not the name of a table; write `table`, `schema.table` or, where a name has a \
         point or a quote in it, `\"schema\".\"table\"`"
    );
    Error::new(Kind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (schema, table) in [("public", "a"), ("a.b", "c"), ("x\"y", "z.\"\"."), ("S", "t t")] {
            let written = write(schema, table);
            assert_eq!(parse(&written).unwrap(), [schema, table], "{written}");
        }
        assert_eq!(parse("a").unwrap(), ["a"]);
        assert_eq!(parse("\"a\"").unwrap(), ["a"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", ".", "a.", ".a", "a.b.c", "\"a", "a\"b", "\"\"", "\"a\"b"] {
            assert_eq!(parse(name).unwrap_err().kind(), Kind::Invalid, "{name}");
        }
    }
}
