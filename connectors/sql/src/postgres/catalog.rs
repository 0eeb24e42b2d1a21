//! What tables there are, and what their columns are, in the server's catalogue.

use tokio_postgres::{Client, Row};
use trueup_connector::{Error, Field, Kind, Result, Role, Schema, suggest};

use super::error::error;
use super::names;
use super::types::{ColumnType, TypeName};
use crate::source::{QuerySource, Source, bare, quote};

/// What a resource looks like, as far as the catalogue says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) columns: Vec<ColumnShape>,
    /// What stands after `from`.
    pub(crate) from: String,
    /// Row security hides records from the user.
    pub(crate) partial: bool,
}

/// One column, as far as the catalogue says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnShape {
    pub(crate) name: String,
    pub(crate) ty: ColumnType,
    /// How its type is written in a cast.
    pub(crate) type_name: String,
    role: Role,
    writable: bool,
    immutable: bool,
}

/// A resource with the type of each column settled.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) shape: Shape,
    pub(crate) schema: Schema,
}

/// The digits that the values of a numeric column need: after the point, and before it.
pub(crate) type Need = (u8, usize);

const TABLES: &str = "
    select n.nspname, c.relname from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition
      and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
      and pg_catalog.has_schema_privilege(n.oid, 'usage')
      and pg_catalog.has_table_privilege(c.oid, 'select')
    order by 1, 2";

const TABLE: &str = "
    select c.oid, n.nspname, c.relname, c.relkind in ('r', 'p') as is_table,
      pg_catalog.row_security_active(c.oid) as secured
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.oid = pg_catalog.to_regclass($1::text) and c.relkind in ('r', 'p', 'v', 'm', 'f')";

const COLUMNS: &str = "
    select a.attname, a.atttypid, a.atttypmod,
      coalesce(a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1]), false) as is_key,
      a.attidentity <> 'a' and a.attgenerated = ''
        and pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'insert, update') as is_writable,
      a.attidentity = 'a' as is_immutable,
      pg_catalog.format_type(a.atttypid, -1)
    from pg_catalog.pg_attribute a
    left join pg_catalog.pg_index i on i.indrelid = a.attrelid and i.indisprimary
    where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
    order by a.attnum";

/// A domain is what it stands on; an array is known by its items.
const TYPES: &str = "
    with recursive base(place, id, modifier) as (
      select u.place, u.id, u.modifier
      from unnest($1::oid[], $2::int4[]) with ordinality as u(id, modifier, place)
      union all
      select b.place, t.typbasetype, t.typtypmod
      from base b join pg_catalog.pg_type t on t.oid = b.id and t.typtype = 'd'
    )
    select
      case when t.typnamespace = 'pg_catalog'::regnamespace then t.typname::text end as builtin,
      e.oid is not null as is_array,
      case when e.typnamespace = 'pg_catalog'::regnamespace then e.typname::text end as item,
      b.modifier
    from base b join pg_catalog.pg_type t on t.oid = b.id and t.typtype <> 'd'
    left join pg_catalog.pg_type e on e.typarray = t.oid
    order by b.place";

impl Shape {
    /// Settles the digits that the catalogue leaves open by what the values need.
    pub(crate) fn describe(self, needs: &[Need]) -> Result<Described> {
        let mut needs = needs.iter();
        let fields = self.columns.iter().map(|column| {
            let mut need = || needs.next().copied().unwrap_or_default();
            let ty = column.ty.ty.clone().unwrap_or_else(|| {
                let (scale, whole) = need();
                column.ty.settled(scale, whole)
            });
            let field = Field::new(&column.name, ty).with_role(column.role);
            let field = if column.writable { field.writable() } else { field };
            if column.immutable { field.immutable() } else { field }
        });
        let schema = Schema::new(fields).map_err(|error| error.with("resource", &self.name))?;
        Ok(Described { shape: self, schema })
    }

    /// The statement that gives all rows in binary.
    pub(crate) fn copy(&self) -> String {
        let columns = self.columns.iter();
        let columns = columns.map(|column| format!("t.{}{}", quote(&column.name), column.ty.cast));
        let columns: Vec<String> = columns.collect();
        format!(
            "copy (select {} from {} as t) to stdout (format binary)",
            columns.join(", "),
            self.from
        )
    }
}

/// The sources there are: those asked for, or else every table that the user may read.
pub(crate) async fn sources(db: &Client, asked: &[Source]) -> Result<Vec<Source>> {
    if !asked.is_empty() {
        return Ok(asked.to_vec());
    }
    Ok(tables(db).await?.into_iter().map(Source::table).collect())
}

/// What the catalogue says of a source.
pub(crate) async fn shape(db: &Client, source: &Source) -> Result<Shape> {
    match source {
        Source::Table(source) => table(db, &source.table).await,
        Source::Query(source) => query(db, source).await,
    }
}

async fn tables(db: &Client) -> Result<Vec<String>> {
    let rows = db.query(TABLES, &[]).await.map_err(error)?;
    rows.iter().map(|row| Ok(names::write(&text(row, 0)?, &text(row, 1)?))).collect()
}

async fn table(db: &Client, name: &str) -> Result<Shape> {
    let parts = names::parse(name)?;
    let quoted: Vec<String> = parts.iter().map(|part| quote(part)).collect();
    let found = db.query_opt(TABLE, &[&quoted.join(".")]).await.map_err(error)?;
    let Some(row) = found else { return Err(unknown(db, name).await) };
    let (schema, table) = (text(&row, 1)?, text(&row, 2)?);
    // PostgreSQL cuts long names off; a cut name is another name.
    if parts.last() != Some(&table) {
        return Err(unknown(db, name).await);
    }
    let (oid, is_table, partial): (u32, bool, bool) = (get(&row, 0)?, get(&row, 3)?, get(&row, 4)?);
    let rows = db.query(COLUMNS, &[&oid]).await.map_err(error)?;
    let types = rows.iter().map(|row| Ok((get(row, 1)?, get(row, 2)?)));
    let types = types_of(db, types.collect::<Result<_>>()?).await?;
    let columns = rows.iter().zip(types).map(|(row, ty)| {
        let (key, writable, immutable): (bool, bool, bool) =
            (get(row, 3)?, get(row, 4)?, get(row, 5)?);
        let role = if key { Role::Key } else { Role::Data };
        let (name, type_name, writable) = (text(row, 0)?, text(row, 6)?, writable && is_table);
        Ok(ColumnShape { name, ty, type_name, role, writable, immutable })
    });
    let from = format!("{}.{}", quote(&schema), quote(&table));
    Ok(Shape { name: name.to_owned(), columns: columns.collect::<Result<_>>()?, from, partial })
}

async fn unknown(db: &Client, name: &str) -> Error {
    let known = tables(db).await.unwrap_or_default();
    let known = suggest(name, known.iter().map(String::as_str));
    Error::new(Kind::NotFound, format!("there is no table `{name}`{known}"))
}

async fn query(db: &Client, source: &QuerySource) -> Result<Shape> {
    let place = |error: Error| error.with("resource", &source.name);
    let sql = bare(&source.query);
    let statement = db.prepare(sql).await.map_err(|cause| place(error(cause)))?;
    let columns = statement.columns();
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    source.check(&names, statement.params().len()).map_err(place)?;
    let types = columns.iter().map(|column| (column.type_().oid(), column.type_modifier()));
    let types = types_of(db, types.collect()).await?;
    let columns = names.iter().zip(types).map(|(name, ty)| {
        let is_key = source.key.iter().any(|key| key == name);
        let role = if is_key { Role::Key } else { Role::Data };
        let (name, type_name) = ((*name).to_owned(), String::new());
        ColumnShape { name, ty, type_name, role, writable: false, immutable: false }
    });
    // A line of its own, so that a comment at the query's end ends there.
    let from = format!("({sql}\n)");
    Ok(Shape { name: source.name.clone(), columns: columns.collect(), from, partial: false })
}

async fn types_of(db: &Client, types: Vec<(u32, i32)>) -> Result<Vec<ColumnType>> {
    let count = types.len();
    let (ids, modifiers): (Vec<u32>, Vec<i32>) = types.into_iter().unzip();
    let rows = db.query(TYPES, &[&ids, &modifiers]).await.map_err(error)?;
    let types = rows.iter().map(|row| {
        let (builtin, item): (Option<&str>, Option<&str>) = (get(row, 0)?, get(row, 2)?);
        let (is_array, modifier) = (get(row, 1)?, get(row, 3)?);
        Ok(ColumnType::of(&TypeName { builtin, is_array, item, modifier }))
    });
    let types = types.collect::<Result<Vec<_>>>()?;
    match types.len() == count {
        true => Ok(types),
        false => Err(Error::new(Kind::Conflict, "a type was dropped while it was looked up")),
    }
}

fn text(row: &Row, at: usize) -> Result<String> {
    get(row, at)
}

pub(crate) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> Result<T> {
    row.try_get(at).map_err(error)
}
