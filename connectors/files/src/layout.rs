//! What is known of a file once it was looked at: its columns and their types.

use std::sync::Arc;

use arrow_schema::{Field as ArrowField, Schema as ArrowSchema, SchemaRef, TimeUnit};
use trueup_connector::{Error, Field, Kind, LogicalType, Result, Role, Schema, suggest};

use crate::config::FileSettings;
use crate::inference::{Evidence, Inference, RuledOut};
use crate::place::{Place, Stamp};
use crate::scalar::build::data_type;
use crate::scalar::guess::{Guess, Plan};

/// How a file's records become columns.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// The file this is true of.
    pub(crate) stamp: Stamp,
    pub(crate) schema: Schema,
    /// The schema as Arrow has it, with the physical types of the pages.
    pub(crate) arrow: SchemaRef,
    /// How to read each field of the schema; empty where the file has its own types.
    pub(crate) plans: Vec<Plan>,
    /// Which column of the file each field of the schema is.
    pub(crate) sources: Vec<usize>,
    /// How many columns the file has.
    pub(crate) width: usize,
    /// Where the first record starts.
    pub(crate) start: Place,
    pub(crate) inference: Arc<Inference>,
}

/// What was seen of the values of a column.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The type they have if none is declared.
    pub(crate) plan: Plan,
    /// The unit that holds them if they are times.
    pub(crate) unit: TimeUnit,
    pub(crate) ruled_out: Vec<RuledOut>,
    pub(crate) values: u64,
    pub(crate) nulls: u64,
}

impl Seen {
    /// No value in so many records.
    pub(crate) fn nothing(rows: u64) -> Self {
        let plan = Plan::new(LogicalType::Null);
        Self { unit: plan.unit, plan, ruled_out: Vec::new(), values: 0, nulls: rows }
    }
}

impl From<&Guess> for Seen {
    fn from(guess: &Guess) -> Self {
        let (plan, ruled_out) = guess.finish();
        let (values, nulls, unit) = (guess.values, guess.nulls, guess.unit());
        Self { plan, unit, ruled_out, values, nulls }
    }
}

/// The fields of a schema, before their types are known: `None` is to be inferred.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) fields: Vec<(String, Option<Field>)>,
    pub(crate) sources: Vec<usize>,
}

impl Columns {
    /// Joins the names in a file with what was declared.
    pub(crate) fn new(file: &FileSettings, names: Vec<String>) -> Result<Self> {
        check_names(file, &names)?;
        let columns = match &file.schema {
            None => Self::partly(file, names)?,
            Some(schema) => Self::wholly(file, schema, &names)?,
        };
        for key in &file.key {
            known(file, "key", key, &columns.names())?;
        }
        Ok(columns)
    }

    fn partly(file: &FileSettings, names: Vec<String>) -> Result<Self> {
        for field in &file.fields {
            known(file, "field", &field.name, &names)?;
        }
        let declared = |name: &String| file.fields.iter().find(|f| f.name == *name).cloned();
        let sources = (0..names.len()).collect();
        let fields = names.into_iter().map(|name| (name.clone(), declared(&name))).collect();
        Ok(Self { fields, sources })
    }

    fn wholly(file: &FileSettings, schema: &Schema, names: &[String]) -> Result<Self> {
        if let Some(extra) = names.iter().find(|name| schema.index(name).is_none()) {
            let near = suggest(extra, schema.names());
            let message = format!("the file has the column `{extra}`, which is not declared{near}");
            return Err(data(file, &message));
        }
        let source = |field: &Field| {
            names.iter().position(|name| *name == field.name).ok_or_else(|| {
                let near = suggest(&field.name, names.iter().map(String::as_str));
                let message =
                    format!("the declared column `{}` is not in the file{near}", field.name);
                data(file, &message)
            })
        };
        let sources = schema.fields().iter().map(source).collect::<Result<_>>()?;
        let fields = schema.fields().iter().map(|f| (f.name.clone(), Some(f.clone()))).collect();
        Ok(Self { fields, sources })
    }

    /// Whether values must be looked at: a type is to be inferred, or a unit of time to be chosen.
    pub(crate) fn need_values(&self) -> bool {
        self.fields.iter().any(|(_, declared)| match declared {
            None => true,
            Some(field) => matches!(field.ty, LogicalType::Datetime | LogicalType::Instant),
        })
    }

    /// What the types seem to be after some values.
    pub(crate) fn plans(&self, guesses: &[Guess]) -> Vec<Plan> {
        let fields = self.fields.iter().zip(guesses);
        fields.map(|((name, field), g)| column(name, field.as_ref(), Some(&g.into())).0).collect()
    }

    /// The layout, from what was seen of the columns' values.
    pub(crate) fn layout(
        &self,
        file: &FileSettings,
        seen: Option<Vec<Seen>>,
        width: usize,
        start: Place,
        stamp: Stamp,
    ) -> Result<Layout> {
        let seen = seen.as_deref();
        let rows = seen.and_then(|all| all.first()).map(|seen| seen.values + seen.nulls);
        let (mut fields, mut plans, mut columns) = (Vec::new(), Vec::new(), Vec::new());
        for (i, (name, declared)) in self.fields.iter().enumerate() {
            let (plan, evidence) = column(name, declared.as_ref(), seen.and_then(|all| all.get(i)));
            let field = declared.clone().unwrap_or(Field::new(name, plan.ty.clone()));
            fields.push(with_role(file, field));
            plans.push(plan);
            columns.push(evidence);
        }
        let schema = Schema::new(fields).map_err(|e| e.with("file", file.path.display()))?;
        let arrow = physical(&schema, &plans);
        let inference = Arc::new(Inference { rows, columns });
        let sources = self.sources.clone();
        Ok(Layout { stamp, schema, arrow, plans, sources, width, start, inference })
    }

    fn names(&self) -> Vec<String> {
        self.fields.iter().map(|(name, _)| name.clone()).collect()
    }
}

/// Sets the role of the fields that the settings call key. Where records can be told apart, they can
/// be written.
pub(crate) fn with_role(file: &FileSettings, field: Field) -> Field {
    let field = match file.key.contains(&field.name) {
        true => field.with_role(Role::Key),
        false => field,
    };
    match file.has_key() && matches!(field.role, Role::Data | Role::Key) {
        true => field.writable(),
        false => field,
    }
}

fn column(name: &str, declared: Option<&Field>, seen: Option<&Seen>) -> (Plan, Evidence) {
    let nothing = || (Plan::new(LogicalType::Null), Vec::new());
    let (plan, ruled_out) = match declared {
        None => seen.map_or_else(nothing, |seen| (seen.plan.clone(), seen.ruled_out.clone())),
        Some(field) => {
            let plan = Plan::new(field.ty.clone());
            let unit = seen.map_or(plan.unit, |seen| seen.unit);
            (Plan { unit, ..plan }, Vec::new())
        }
    };
    let mut evidence = Evidence::declared(name, plan.ty.clone());
    evidence.declared = declared.is_some();
    evidence.ruled_out = ruled_out;
    (evidence.values, evidence.nulls) = (seen.map(|s| s.values), seen.map(|s| s.nulls));
    (plan, evidence)
}

fn physical(schema: &Schema, plans: &[Plan]) -> SchemaRef {
    let arrow = schema.to_arrow();
    let fields = arrow.fields().iter().zip(plans);
    let fields = fields.map(|(f, plan)| ArrowField::clone(f).with_data_type(data_type(plan)));
    Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()))
}

fn check_names(file: &FileSettings, names: &[String]) -> Result<()> {
    for (i, name) in names.iter().enumerate() {
        let number = i + 1;
        if name.trim().is_empty() {
            let message = format!(
                "column {number} has no name; if the file has no header, set `header` to false"
            );
            return Err(data(file, &message).with("line", 1));
        }
        if let Some(first) = names.iter().take(i).position(|other| other == name) {
            let first = first + 1;
            let message =
                format!("the column name `{name}` stands twice, as column {first} and {number}");
            return Err(data(file, &message));
        }
    }
    Ok(())
}

fn known(file: &FileSettings, what: &str, name: &str, names: &[String]) -> Result<()> {
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    let near = suggest(name, names.iter().map(String::as_str));
    Err(file.invalid(&format!("the {what} `{name}` is not a column of the file{near}")))
}

fn data(file: &FileSettings, message: &str) -> Error {
    Error::new(Kind::Data, message).with("file", file.path.display())
}
