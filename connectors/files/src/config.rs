//! Settings: plain data, unknown keys refused.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trueup_connector::{Error, Field, Kind, Result, Role, Schema};

/// The settings of a [`Files`](crate::Files) connector.
///
/// ```
/// use trueup_files::Settings;
///
/// let text = r#"{"files": [{"path": "stock.csv", "key": ["sku"], "csv": {"delimiter": ";"}}]}"#;
/// let settings: Settings = serde_json::from_str(text)?;
/// assert_eq!(settings.files[0].name()?, "stock");
/// assert!(serde_json::from_str::<Settings>(r#"{"file": []}"#).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Whose data the files hold.
    pub tenant: String,
    /// The files; each is one resource.
    pub files: Vec<FileSettings>,
    /// How many threads read one page; as many as there are cores by default.
    pub threads: Option<usize>,
}

/// One file, and how to read it. Only the path is needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FileSettings {
    /// Where it is.
    pub path: PathBuf,
    /// The name of the resource; the file's name without its extensions by default.
    #[serde(default)]
    pub name: Option<String>,
    /// The format; by extension by default.
    #[serde(default)]
    pub format: Option<Format>,
    /// The compression; by extension by default.
    #[serde(default)]
    pub compression: Option<Compression>,
    /// The encoding of text, by its name on the web (`utf-8`, `windows-1252`, `utf-16le`, …); by
    /// byte order mark by default, else UTF-8.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Declares all columns: a column that is not among them is refused, and so is one missing.
    #[serde(default)]
    pub schema: Option<Schema>,
    /// Declares some columns; the others are inferred.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// The columns that identify a record.
    #[serde(default)]
    pub key: Vec<String>,
    /// What is particular to CSV.
    #[serde(default)]
    pub csv: CsvSettings,
    /// The most bytes that one record of a text format may have; 16 MiB by default.
    #[serde(default)]
    pub record_limit: Option<usize>,
}

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CsvSettings {
    /// Stands between two fields; a comma by default, a tab for `.tsv` and `.tab`.
    pub delimiter: Option<char>,
    /// Whether the first record has the names of the columns.
    pub header: bool,
    /// Stands around fields with delimiters, quotes or line ends in them; `None`: quotes are text.
    pub quote: Option<char>,
    /// A line that starts with it is left out.
    pub comment: Option<char>,
    /// What a field without quotes must be to be null.
    pub null: String,
    /// Whether a field in quotes can be null too.
    pub quoted_null: bool,
}

impl Default for CsvSettings {
    fn default() -> Self {
        let (null, quoted_null) = (String::new(), false);
        Self { delimiter: None, header: true, quote: Some('"'), comment: None, null, quoted_null }
    }
}

/// How a file's records are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// Comma-separated values (RFC 4180): `.csv`, `.tsv`, `.tab`, `.txt`.
    Csv,
    /// One JSON object a line: `.jsonl`, `.ndjson`.
    JsonLines,
    /// One JSON array of objects: `.json`.
    Json,
    /// Parquet: `.parquet`, `.pq`.
    Parquet,
    /// Arrow IPC, file or stream: `.arrow`, `.ipc`, `.feather`, `.arrows`.
    Arrow,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, also of several members: `.gz`.
    Gzip,
    /// Zstandard: `.zst`, `.zstd`.
    Zstd,
}

const RECORD_LIMIT: usize = 16 << 20;
/// Records stand in buffers with offsets of 30 bits.
const RECORD_LIMIT_MAX: usize = 256 << 20;

impl Settings {
    /// Adds a file.
    #[must_use]
    pub fn with_file(mut self, file: FileSettings) -> Self {
        self.files.push(file);
        self
    }

    /// Sets whose data the files hold.
    #[must_use]
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = tenant.into();
        self
    }

    /// Sets how many threads read one page.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }
}

impl FileSettings {
    /// The file at this path, with all defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Sets the name of the resource.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the format.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets the compression.
    #[must_use]
    pub fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = Some(compression);
        self
    }

    /// Sets the encoding of text.
    #[must_use]
    pub fn with_encoding(mut self, encoding: impl Into<String>) -> Self {
        self.encoding = Some(encoding.into());
        self
    }

    /// Declares all columns.
    #[must_use]
    pub fn with_schema(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Declares one column; those not declared are inferred.
    #[must_use]
    pub fn with_field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Sets the columns that identify a record.
    #[must_use]
    pub fn with_key<S: Into<String>>(mut self, key: impl IntoIterator<Item = S>) -> Self {
        self.key = key.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what is particular to CSV.
    #[must_use]
    pub fn with_csv(mut self, csv: CsvSettings) -> Self {
        self.csv = csv;
        self
    }

    /// Sets what stands between two fields of a CSV file.
    #[must_use]
    pub fn with_delimiter(mut self, delimiter: char) -> Self {
        self.csv.delimiter = Some(delimiter);
        self
    }

    /// Sets the most bytes that one record may have.
    #[must_use]
    pub fn with_record_limit(mut self, bytes: usize) -> Self {
        self.record_limit = Some(bytes);
        self
    }

    /// The name of the resource.
    ///
    /// # Errors
    /// `invalid` where none is given and the path has none.
    pub fn name(&self) -> Result<String> {
        let stem = || self.extensions().0;
        let name = self.name.clone().unwrap_or_else(stem);
        match name.is_empty() {
            true => Err(self.invalid("the file has no name; give one with `name`")),
            false => Ok(name),
        }
    }

    /// The format, given or by extension.
    ///
    /// # Errors
    /// `invalid` where it is not given and the extension does not tell.
    pub fn format(&self) -> Result<Format> {
        let by_extension = || {
            Some(match self.extensions().1.as_str() {
                "csv" | "tsv" | "tab" | "txt" => Format::Csv,
                "jsonl" | "ndjson" => Format::JsonLines,
                "json" => Format::Json,
                "parquet" | "pq" => Format::Parquet,
                "arrow" | "ipc" | "feather" | "arrows" => Format::Arrow,
                _ => return None,
            })
        };
        self.format.or_else(by_extension).ok_or_else(|| {
            self.invalid("the extension does not tell the format; give it with `format`: csv, json_lines, json, parquet or arrow")
        })
    }

    /// The compression, given or by extension.
    pub fn compression(&self) -> Compression {
        let by_extension = match extension(&self.path).as_str() {
            "gz" => Compression::Gzip,
            "zst" | "zstd" => Compression::Zstd,
            _ => Compression::None,
        };
        self.compression.unwrap_or(by_extension)
    }

    /// Whether the settings say which columns identify a record.
    pub(crate) fn has_key(&self) -> bool {
        let declared = self.schema.iter().flat_map(Schema::fields).chain(&self.fields);
        !self.key.is_empty() || declared.into_iter().any(|field| field.role == Role::Key)
    }

    pub(crate) fn delimiter(&self) -> char {
        let by_extension =
            if matches!(self.extensions().1.as_str(), "tsv" | "tab") { '\t' } else { ',' };
        self.csv.delimiter.unwrap_or(by_extension)
    }

    pub(crate) fn limit(&self) -> Result<usize> {
        match self.record_limit.unwrap_or(RECORD_LIMIT) {
            limit @ 1..=RECORD_LIMIT_MAX => Ok(limit),
            limit => Err(self.invalid(&format!(
                "the record limit `{limit}` is not between 1 and {RECORD_LIMIT_MAX} bytes"
            ))),
        }
    }

    pub(crate) fn invalid(&self, message: &str) -> Error {
        Error::new(Kind::Invalid, message).with("file", self.path.display())
    }

    /// The file's name without extensions, and the extension that tells the format.
    fn extensions(&self) -> (String, String) {
        let packed = matches!(extension(&self.path).as_str(), "gz" | "zst" | "zstd");
        let path = if packed { self.path.with_extension("") } else { self.path.clone() };
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        (stem.unwrap_or_default(), extension(&path))
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, name: &str, format: Format, compression: Compression) {
        let file = FileSettings::new(path);
        assert_eq!(file.name().unwrap(), name);
        assert_eq!((file.format().unwrap(), file.compression()), (format, compression));
    }

    #[test]
    fn extensions_tell_format_and_compression() {
        check("a/stock.csv", "stock", Format::Csv, Compression::None);
        check("stock.2026.CSV.GZ", "stock.2026", Format::Csv, Compression::Gzip);
        check("x.ndjson.zst", "x", Format::JsonLines, Compression::Zstd);
        check("x.feather", "x", Format::Arrow, Compression::None);
        assert_eq!(FileSettings::new("a.tsv").delimiter(), '\t');
        assert!(FileSettings::new("a.xlsx").format().is_err());
        assert!(FileSettings::new("..").name().is_err());
    }

    #[test]
    fn unknown_keys_are_refused() {
        for text in [r#"{"path":"a","forma":"csv"}"#, r#"{"path":"a","csv":{"sep":";"}}"#, "{}"] {
            assert!(serde_json::from_str::<FileSettings>(text).is_err(), "{text}");
        }
    }
}
