//! What was inferred from a file, and why.

use std::fmt;

use serde::Serialize;
use trueup_connector::LogicalType;

/// The types of a file's columns, and for each the evidence.
///
/// Types are inferred over the whole file, never over a sample. The type chosen is the narrowest
/// that holds every value without losing anything a reader of the file could see: `007` is text.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("stock.csv");
/// std::fs::write(&path, "sku,count\n007,3\n12,\n").unwrap();
/// let files = trueup_files::Files::open(&path)?;
/// assert_eq!(
///     files.inference("stock")?.to_string(),
///     "`sku` is text: 2 values, 0 null; `007` in line 2 is not a number, date or truth value\n\
///      `count` is int: 1 value, 1 null\n"
/// );
/// # Ok::<(), trueup_connector::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Inference {
    /// How many records were seen; `None` where nothing had to be inferred.
    pub rows: Option<u64>,
    /// The columns in the order of the schema.
    pub columns: Vec<Evidence>,
}

/// Why a column has its type.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The column's name.
    pub column: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: LogicalType,
    /// Whether the type was declared, by the settings or by the file itself, and not inferred.
    pub declared: bool,
    /// How many values it has that are not null; `None` where they were not looked at.
    pub values: Option<u64>,
    /// How many nulls it has.
    pub nulls: Option<u64>,
    /// What the type is not, in the order of narrower to wider.
    pub ruled_out: Vec<RuledOut>,
}

/// A value that rules out a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RuledOut {
    /// What the value is not.
    pub ty: String,
    /// The first such value, cut off after 60 characters.
    pub value: String,
    /// The line in which its record starts.
    pub line: u64,
}

impl Evidence {
    pub(crate) fn declared(column: &str, ty: LogicalType) -> Self {
        let (column, ruled_out) = (column.to_owned(), Vec::new());
        Self { column, ty, declared: true, values: None, nulls: None, ruled_out }
    }
}

impl fmt::Display for Inference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.columns.iter().try_for_each(|column| writeln!(f, "{column}"))
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is {}", self.column, self.ty)?;
        if self.declared {
            write!(f, ", as declared")?;
        }
        if let (Some(values), Some(nulls)) = (self.values, self.nulls) {
            let plural = if values == 1 { "" } else { "s" };
            write!(f, ": {values} value{plural}, {nulls} null")?;
        }
        self.ruled_out.iter().try_for_each(|r| write!(f, "; {r}"))
    }
}

impl fmt::Display for RuledOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in line {} is not {}", self.value, self.line, self.ty)
    }
}
