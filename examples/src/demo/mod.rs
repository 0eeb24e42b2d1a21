//! The demo: two real systems compared, their report, and the drift after a change.

mod pages;
mod settings;

use std::io::Write;
use std::time::Duration;

use trueup::{Counts, DriftCounts, Report, Snapshot, drift};

use crate::Result;
use crate::catalogue::Release;
use crate::inventory::{CHANGES, Inventory};
use crate::outputs::Outputs;
use crate::sections::{Section, by_section};
use crate::show::Screen;
use crate::steps;
pub use settings::{Settings, USAGE};

/// What the demo found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// By package and architecture alone.
    pub by_key: Counts,
    /// With packages that changed architecture told apart.
    pub with_renames: Counts,
    /// The latter by section.
    pub sections: Vec<Section>,
    /// How many findings were explained.
    pub explained: usize,
    /// What went which way after the change.
    pub drift: DriftCounts,
    /// How long it took.
    pub took: Duration,
}

/// Runs the whole demo and shows it.
///
/// # Errors
/// Whatever goes wrong, in words.
pub fn run(settings: &Settings, out: &mut dyn Write) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tell(settings, &mut Screen::new(out)))
}

async fn tell(settings: &Settings, screen: &mut Screen<'_>) -> Result<Outcome> {
    pages::opening(screen)?;
    let inventory = make(settings, screen).await?;
    let expected = read_expected(screen).await?;
    let actual = read_actual(screen, &inventory).await?;
    let by_key = compare_by_key(screen, &expected, &actual)?;
    let report = compare_with_renames(screen, &expected, &actual)?;
    let sections = count(screen, &report, &expected, &actual)?;
    let explained = explain(screen, &report)?;
    let outputs = save(settings, screen, &report)?;
    change(screen, &inventory).await?;
    let changed = read_actual(screen, &inventory).await?;
    let drift = follow(screen, &outputs, &expected, &changed)?;
    let took = screen.took();
    pages::closing(screen, took)?;
    let with_renames = *report.counts();
    Ok(Outcome { by_key, with_renames, sections, explained, drift, took })
}

async fn make(settings: &Settings, screen: &mut Screen<'_>) -> Result<Inventory> {
    let step = screen.begin("Make the software inventory: a database of Debian 12's packages");
    let mut inventory = Inventory::start(settings.db).await?;
    let records = steps::read_catalogue(Release::Bookworm, screen.context(&step)).await?;
    inventory.fill(&records).await?;
    screen.end(&step)?;
    screen.line(inventory.place())?;
    Ok(inventory)
}

async fn read_expected(screen: &mut Screen<'_>) -> Result<Snapshot> {
    let step = screen.begin("Read the catalogue of Debian 13: what should be (expected)");
    let records = steps::read_catalogue(Release::Trixie, screen.context(&step)).await?;
    screen.end(&step)?;
    pages::reading(screen, &records, &format!("Parquet, {}", Release::Trixie.path().display()))?;
    Ok(records)
}

async fn read_actual(screen: &mut Screen<'_>, inventory: &Inventory) -> Result<Snapshot> {
    let step = screen.begin("Read the inventory: what is (actual)");
    let records = steps::read_inventory(inventory, screen.context(&step)).await?;
    screen.end(&step)?;
    pages::reading(screen, &records, &inventory.place())?;
    Ok(records)
}

fn compare_by_key(screen: &mut Screen<'_>, e: &Snapshot, a: &Snapshot) -> Result<Counts> {
    let step = screen.begin("Reconcile by package and architecture");
    let report = steps::by_key().run(e, a)?;
    screen.end(&step)?;
    pages::kinds(screen, report.counts())?;
    Ok(*report.counts())
}

fn compare_with_renames(screen: &mut Screen<'_>, e: &Snapshot, a: &Snapshot) -> Result<Report> {
    let step = screen.begin("Reconcile again, with `package` as alternate key");
    let report = steps::with_renames().run(e, a)?;
    screen.end(&step)?;
    pages::kinds(screen, report.counts())?;
    pages::renames(screen, report.counts())?;
    Ok(report)
}

fn count(
    screen: &mut Screen<'_>,
    report: &Report,
    expected: &Snapshot,
    actual: &Snapshot,
) -> Result<Vec<Section>> {
    let step = screen.begin("Look at the findings by field and by section");
    let sections = by_section(report, expected, actual)?;
    screen.end(&step)?;
    pages::fields(screen, report)?;
    pages::sections(screen, &sections)?;
    Ok(sections)
}

fn explain(screen: &mut Screen<'_>, report: &Report) -> Result<usize> {
    let step = screen.begin("Explain some findings");
    let ids = steps::worth_explaining(report)?;
    let explained: Vec<_> = ids.iter().map(|id| report.explain(*id)).collect::<Result<_, _>>()?;
    screen.end(&step)?;
    explained.iter().try_for_each(|explanation| pages::explanation(screen, explanation))?;
    Ok(explained.len())
}

fn save(settings: &Settings, screen: &mut Screen<'_>, report: &Report) -> Result<Outputs> {
    let step = screen.begin("Save the report, as a page and as a table too");
    let outputs = Outputs::write(report, &settings.out)?;
    screen.end(&step)?;
    pages::outputs(screen, &outputs.sizes()?)?;
    Ok(outputs)
}

async fn change(screen: &mut Screen<'_>, inventory: &Inventory) -> Result<()> {
    let step = screen.begin("Change the inventory behind trueup's back");
    inventory.run(CHANGES).await?;
    screen.end(&step)?;
    pages::statements(screen, CHANGES)
}

/// Compares the inventory of now, and follows the findings of the saved report.
fn follow(
    screen: &mut Screen<'_>,
    outputs: &Outputs,
    expected: &Snapshot,
    actual: &Snapshot,
) -> Result<DriftCounts> {
    let step = screen.begin("Load the saved report, reconcile again, and show the drift");
    let before = Report::load(&outputs.report)?;
    let after = steps::with_renames().run(expected, actual)?;
    let drift = drift(&before, &after)?;
    screen.end(&step)?;
    pages::drift(screen, &drift)?;
    Ok(drift.counts())
}
