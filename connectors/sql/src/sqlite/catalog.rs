//! What tables there are, and what their columns are declared as.

use rusqlite::Connection;
use trueup_connector::{Error, Field, Kind, LogicalType, Result, Role, Schema, suggest};

use super::types::{self, Classes};
use crate::source::{QuerySource, Source, bare, quote};

/// What a resource looks like, as far as the catalogue says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) columns: Vec<ColumnShape>,
    /// The statement that reads it.
    pub(crate) sql: String,
    /// Whether the statement gives the row's number before the columns.
    pub(crate) numbered: bool,
}

/// One column, as far as the catalogue says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnShape {
    pub(crate) name: String,
    pub(crate) declaration: String,
    /// `None` where the values decide.
    pub(crate) ty: Option<LogicalType>,
    role: Role,
    writable: bool,
}

/// A resource with the type of each column settled.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) shape: Shape,
    pub(crate) schema: Schema,
}

/// What stands in a database's list of tables.
struct Listed {
    name: String,
    kind: String,
    without_rowid: bool,
}

/// The sources there are: those asked for, or else every table.
pub(crate) fn sources(db: &Connection, asked: &[Source]) -> rusqlite::Result<Vec<Source>> {
    if !asked.is_empty() {
        return Ok(asked.to_vec());
    }
    let listed =
        list(db)?.into_iter().filter(|listed| matches!(&*listed.kind, "table" | "virtual"));
    Ok(listed.map(|listed| Source::table(listed.name)).collect())
}

/// What the catalogue says of a source; the outer error is SQLite's.
pub(crate) fn shape(db: &Connection, source: &Source) -> rusqlite::Result<Result<Shape>> {
    match source {
        Source::Table(source) => table(db, &source.table),
        Source::Query(source) => query(db, source),
    }
}

impl Shape {
    /// Settles the types that the catalogue leaves open by what the values are.
    pub(crate) fn describe(self, classes: &[Classes]) -> Result<Described> {
        let fields = self.columns.iter().enumerate().map(|(at, column)| {
            let counted = || classes.get(at).copied().unwrap_or_default().ty();
            let ty = column.ty.clone().unwrap_or_else(counted);
            let field = Field::new(&column.name, ty).with_role(column.role);
            if column.writable { field.writable() } else { field }
        });
        let schema = Schema::new(fields).map_err(|error| error.with("resource", &self.name))?;
        Ok(Described { shape: self, schema })
    }

    /// Whether some column's type is decided by its values.
    pub(crate) fn is_open(&self) -> bool {
        self.columns.iter().any(|column| column.ty.is_none())
    }

    /// States the type of a column, whatever it was declared as.
    pub(crate) fn set_type(&mut self, column: &str, ty: &LogicalType) -> Result<()> {
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let found = self.columns.iter_mut().find(|known| known.name == column);
        let found = found.ok_or_else(|| {
            let known = suggest(column, names.iter().map(String::as_str));
            let message = format!("there is no column `{column}` to state the type of{known}");
            Error::new(Kind::Invalid, message).with("resource", &self.name)
        })?;
        found.ty = Some(ty.clone());
        Ok(())
    }
}

fn list(db: &Connection) -> rusqlite::Result<Vec<Listed>> {
    let sql = "select name, type, wr from pragma_table_list \
               where schema = 'main' and type <> 'shadow' and name not like 'sqlite\\_%' escape '\\' \
               order by name";
    let mut statement = db.prepare(sql)?;
    let listed = statement.query_map([], |row| {
        Ok(Listed { name: row.get(0)?, kind: row.get(1)?, without_rowid: row.get(2)? })
    })?;
    listed.collect()
}

fn table(db: &Connection, name: &str) -> rusqlite::Result<Result<Shape>> {
    let all = list(db)?;
    let Some(listed) = all.iter().find(|listed| listed.name == name) else {
        let known = suggest(name, all.iter().map(|listed| &*listed.name));
        let message = format!("there is no table `{name}`{known}");
        return Ok(Err(Error::new(Kind::NotFound, message)));
    };
    let columns = columns(db, listed)?;
    let rowid = rowid(listed, &columns);
    let names = columns.iter().map(|column| quote(&column.name));
    let names: Vec<String> = rowid.into_iter().map(str::to_owned).chain(names).collect();
    let order = rowid.map_or_else(String::new, |rowid| format!(" order by {rowid}"));
    let sql = format!("select {} from main.{}{order}", names.join(", "), quote(name));
    Ok(Ok(Shape { name: name.to_owned(), columns, sql, numbered: rowid.is_some() }))
}

fn columns(db: &Connection, listed: &Listed) -> rusqlite::Result<Vec<ColumnShape>> {
    let sql = "select name, type, pk, hidden from pragma_table_xinfo(?1, 'main') where hidden <> 1";
    let mut statement = db.prepare(sql)?;
    let is_table = listed.kind == "table";
    let columns = statement.query_map([&listed.name], |row| {
        let (declaration, key, hidden): (String, i64, i64) =
            (row.get(1)?, row.get(2)?, row.get(3)?);
        Ok(ColumnShape {
            name: row.get(0)?,
            ty: types::declared(&declaration),
            declaration,
            role: if key > 0 { Role::Key } else { Role::Data },
            writable: is_table && hidden == 0,
        })
    })?;
    columns.collect()
}

/// A name of the row's number that no column hides.
fn rowid(listed: &Listed, columns: &[ColumnShape]) -> Option<&'static str> {
    let hidden = |name: &&str| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let has_one = listed.kind == "table" && !listed.without_rowid;
    ["rowid", "_rowid_", "oid"].into_iter().filter(|_| has_one).find(hidden)
}

fn query(db: &Connection, source: &QuerySource) -> rusqlite::Result<Result<Shape>> {
    let sql = bare(&source.query).to_owned();
    let statement = db.prepare(&sql)?;
    let columns = statement.columns().into_iter().map(|column| {
        let declaration = column.decl_type().unwrap_or_default().to_owned();
        let is_key = source.key.iter().any(|key| key == column.name());
        ColumnShape {
            name: column.name().to_owned(),
            ty: types::declared(&declaration),
            declaration,
            role: if is_key { Role::Key } else { Role::Data },
            writable: false,
        }
    });
    let columns: Vec<ColumnShape> = columns.collect();
    let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
    if let Err(error) = source.check(&names, statement.parameter_count()) {
        return Ok(Err(error.with("resource", &source.name)));
    }
    Ok(Ok(Shape { name: source.name.clone(), columns, sql, numbered: false }))
}
