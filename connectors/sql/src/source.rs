//! What is read of a database: tables and queries, as settings.

use serde::{Deserialize, Serialize};
use trueup_connector::{Error, Kind, Result, suggest};

/// A table or a query as a resource.
///
/// In settings: `{"table": "inventory.packages"}` or
/// `{"query": "select …", "name": "open_orders", "key": ["id"]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Source {
    /// A table, or a view.
    Table(TableSource),
    /// What a query gives.
    Query(QuerySource),
}

/// A table, or a view, as a resource of the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableSource {
    /// Its name.
    pub table: String,
}

/// What a query gives as a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct QuerySource {
    /// What the resource is called.
    pub name: String,
    /// One statement that gives rows.
    pub query: String,
    /// The columns that identify a record.
    #[serde(default)]
    pub key: Vec<String>,
}

impl Source {
    /// A table, or a view.
    pub fn table(name: impl Into<String>) -> Self {
        Self::Table(TableSource { table: name.into() })
    }

    /// What a query gives, under a name and with the columns that identify a record.
    pub fn query<K: Into<String>>(
        name: impl Into<String>,
        query: impl Into<String>,
        key: impl IntoIterator<Item = K>,
    ) -> Self {
        let key = key.into_iter().map(Into::into).collect();
        Self::Query(QuerySource { name: name.into(), query: query.into(), key })
    }

    /// What the resource is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Table(source) => &source.table,
            Self::Query(source) => &source.name,
        }
    }
}

impl QuerySource {
    /// Checks that the query gives rows, takes nothing, and has its key.
    pub(crate) fn check(&self, columns: &[&str], parameters: usize) -> Result<()> {
        let invalid = |message: String| Err(Error::new(Kind::Invalid, message));
        if columns.is_empty() {
            return invalid("the query gives no columns; it must be a select".into());
        }
        if parameters > 0 {
            return invalid(format!("the query has {parameters} parameters; it must have none"));
        }
        let mut sorted = columns.to_vec();
        sorted.sort_unstable();
        if let Some([name, _]) = sorted.windows(2).find(|pair| pair.first() == pair.last()) {
            return invalid(format!("the column name `{name}` stands twice; give one another"));
        }
        match self.key.iter().find(|key| !columns.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let known = suggest(key, columns.iter().copied());
                let message = format!("the query gives no column `{key}`, which its key names");
                invalid(message + &known)
            }
        }
    }
}

/// The source of a resource.
pub(crate) fn find(sources: &[Source], resource: &str) -> Result<Source> {
    sources.iter().find(|source| source.name() == resource).cloned().ok_or_else(|| {
        let known = suggest(resource, sources.iter().map(Source::name));
        Error::new(Kind::NotFound, format!("there is no resource `{resource}`{known}"))
    })
}

/// Refuses two sources of one name.
pub(crate) fn check_names(sources: &[Source]) -> Result<()> {
    let mut names: Vec<&str> = sources.iter().map(Source::name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[_]>::first) {
        None => Ok(()),
        Some(name) => {
            let message = format!("two resources are called `{name}`; give one another name");
            Err(Error::new(Kind::Invalid, message))
        }
    }
}

/// A query as it can stand in another: without the semicolon after it.
pub(crate) fn bare(query: &str) -> &str {
    query.trim().trim_end_matches(';').trim_end()
}

/// A name as SQL takes it, whatever is in it.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_is_in_them() {
        assert_eq!(quote("a"), "\"a\"");
        assert_eq!(quote("a\"; drop table b; --"), "\"a\"\"; drop table b; --\"");
    }

    #[test]
    fn a_source_is_data_and_unknown_members_are_refused() {
        let source: Source = serde_json::from_str(r#"{"table":"a"}"#).unwrap();
        assert_eq!(source, Source::table("a"));
        let source: Source =
            serde_json::from_str(r#"{"name":"n","query":"select 1","key":["a"]}"#).unwrap();
        assert_eq!(source, Source::query("n", "select 1", ["a"]));
        assert!(serde_json::from_str::<Source>(r#"{"table":"a","keys":["b"]}"#).is_err());
    }

    #[test]
    fn a_query_loses_only_its_semicolon() {
        assert_eq!(bare(" select ';' ; \n"), "select ';'");
    }
}
