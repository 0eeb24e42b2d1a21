//! What the generator and the Rust contestants of `make bench` share: the cases, and how a run is measured.

pub mod cells;
pub mod columns;
pub mod measure;
pub mod pair;
pub mod rules;

/// Any error; a bench only ever prints it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A case's name in two: what it is and how much of it, as in `wide100k`, `ledger10m`, `decide10`.
pub fn case_and_size(case: &str) -> Result<(&str, usize)> {
    let digits = case.find(|c: char| c.is_ascii_digit()).unwrap_or(case.len());
    let (what, size) = case.split_at(digits);
    let number = size.trim_end_matches(['k', 'm']);
    let unit = match size.strip_prefix(number) {
        Some("m") => 1_000_000,
        Some("k") => 1_000,
        _ => 1,
    };
    Ok((what, number.parse::<usize>().map_err(|_| format!("no size in `{case}`"))? * unit))
}
