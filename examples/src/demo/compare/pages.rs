//! What the first half shows of each step.

use std::path::Path;

use arrow_array::RecordBatch;
use trueup::{Counts, Drift, Explanation, Report, Snapshot};

use crate::Result;
use crate::findings::{Finding, Findings};
use crate::sections::Section;
use crate::show::{Paint, Screen, bar, bytes, grouped, shortened};

/// Values can be long: what a package depends on, say.
const WIDTH: usize = 92;
const SECTIONS: usize = 12;

/// Where records come from and how many there are.
pub(super) fn reading(screen: &mut Screen<'_>, records: &Snapshot, place: &str) -> Result<()> {
    screen.line(place)?;
    let fields = records.schema().fields().len();
    let pages = records.batches().len();
    screen.line(format!(
        "{} records of {fields} fields, in {pages} pages",
        grouped(records.rows() as u64)
    ))
}

pub(super) fn kinds(screen: &mut Screen<'_>, counts: &Counts) -> Result<()> {
    let words = [
        ("matched", counts.matched, "say the same on both sides"),
        ("missing", counts.missing, "are in the catalogue only"),
        ("unexpected", counts.unexpected, "are in the inventory only"),
        ("changed", counts.changed, "are in both, with other values"),
    ];
    for (kind, count, what) in words {
        let number = Paint::of_kind(kind).on(format!("{:>9}", grouped(count)));
        screen.line(format!("{kind:<12}{number}   {what}"))?;
    }
    screen.line(Paint::Quiet.on(format!("{:<12}{:>9}", "packages", grouped(counts.keys()))))
}

pub(super) fn renames(screen: &mut Screen<'_>, counts: &Counts) -> Result<()> {
    let number = Paint::Changed.on(grouped(counts.renamed));
    screen.line(format!(
        "{number} of the changed were missing and unexpected before: one package each,"
    ))?;
    screen.line("which changed its architecture")
}

pub(super) fn fields(screen: &mut Screen<'_>, report: &Report) -> Result<()> {
    let mut fields: Vec<_> = report.counts_by_field().iter().collect();
    fields.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), *name));
    let most = fields.first().map_or(1, |(_, count)| **count);
    for (name, count) in fields {
        let bar = Paint::Changed.on(bar(*count, most, 36));
        screen.line(format!("{name:<16}{:>9}  {bar}", grouped(*count)))?;
    }
    Ok(())
}

pub(super) fn sections(screen: &mut Screen<'_>, sections: &[Section]) -> Result<()> {
    let header = ["missing", "unexpected", "changed"].map(|name| format!("{name:>12}")).concat();
    screen.line("")?;
    screen.line(Paint::Quiet.on(format!("{:<16}{header}", "section")))?;
    let (first, rest) = sections.split_at(sections.len().min(SECTIONS));
    first.iter().try_for_each(|section| screen.line(numbers(section)))?;
    if !rest.is_empty() {
        screen.line(numbers(&sum(rest, format!("{} others", rest.len()))))?;
    }
    screen.line(numbers(&sum(sections, "all".into())))
}

pub(super) fn explanation(screen: &mut Screen<'_>, explanation: &Explanation) -> Result<()> {
    let text = explanation.to_string();
    for (i, line) in text.lines().enumerate() {
        let line = shortened(line, WIDTH);
        let kind = Paint::of_kind(explanation.kind.name());
        screen.line(if i == 0 { kind.on(line) } else { line })?;
    }
    Ok(())
}

pub(super) fn outputs(screen: &mut Screen<'_>, files: &[(&Path, u64)]) -> Result<()> {
    files.iter().try_for_each(|(path, size)| {
        screen.line(format!("{:<40}{:>10}", path.display(), bytes(*size)))
    })
}

pub(super) fn statements(screen: &mut Screen<'_>, sql: &str) -> Result<()> {
    sql.lines().try_for_each(|line| match line.starts_with("--") {
        true => screen.line(Paint::Quiet.on(line)),
        false => screen.line(line),
    })
}

pub(super) fn drift(screen: &mut Screen<'_>, drift: &Drift) -> Result<()> {
    let counts = drift.counts();
    let ways = [
        ("opened", counts.opened, Paint::Missing, drift.opened()?),
        ("changed", counts.changed, Paint::Changed, drift.changed()?),
        ("resolved", counts.resolved, Paint::Good, drift.resolved()?),
    ];
    for (way, count, paint, table) in ways {
        screen.line(format!("{way:<12}{}", paint.on(format!("{:>9}", grouped(count)))))?;
        followed(screen, &table)?;
    }
    screen.line(Paint::Quiet.on(format!("{:<12}{:>9}", "unchanged", grouped(counts.unchanged))))
}

fn followed(screen: &mut Screen<'_>, table: &RecordBatch) -> Result<()> {
    Findings::new(table)?.iter().try_for_each(|finding| {
        let kind = Paint::of_kind(finding.kind).on(format!("{:<12}", finding.kind));
        let package = format!("{} {}", finding.package, finding.architecture);
        screen.line(format!("  {kind}{:<26}{}", shortened(&package, 25), values(&finding)))
    })
}

/// What a finding says about a field; nothing where it is about a whole record.
fn values(finding: &Finding<'_>) -> String {
    let Some(field) = finding.field else { return String::new() };
    let [expected, actual] =
        [finding.expected, finding.actual].map(|v| shortened(v.unwrap_or("null"), 20));
    format!("{field}: {actual}, not {expected}")
}

fn numbers(section: &Section) -> String {
    let number = |kind, count| Paint::of_kind(kind).on(format!("{:>12}", grouped(count)));
    let missing = number("missing", section.missing);
    let unexpected = number("unexpected", section.unexpected);
    let changed = number("changed", section.changed);
    format!("{:<16}{missing}{unexpected}{changed}", section.name)
}

fn sum(sections: &[Section], name: String) -> Section {
    sections.iter().fold(Section { name, ..Section::default() }, |mut sum, section| {
        sum.missing += section.missing;
        sum.unexpected += section.unexpected;
        sum.changed += section.changed;
        sum
    })
}
