//! The first half: both systems read and compared, their report, and the drift after a change.

mod pages;

use trueup::{Counts, DriftCounts, Report, Snapshot, drift};

use super::Settings;
use crate::Result;
use crate::catalogue::Release;
use crate::inventory::{CHANGES, Inventory};
use crate::outputs::Outputs;
use crate::sections::{Section, Sections};
use crate::show::Screen;
use crate::steps;

/// What the first half found, and what the second goes on with.
pub(super) struct Compared {
    pub(super) inventory: Inventory,
    pub(super) expected: Snapshot,
    /// The inventory as it is now.
    pub(super) actual: Snapshot,
    pub(super) report: Report,
    pub(super) by_key: Counts,
    pub(super) with_renames: Counts,
    pub(super) sections: Vec<Section>,
    pub(super) explained: usize,
    pub(super) drift: DriftCounts,
}

pub(super) async fn tell(settings: &Settings, screen: &mut Screen<'_>) -> Result<Compared> {
    let inventory = make(settings, screen).await?;
    let expected = read_expected(screen).await?;
    let actual = read_actual(screen, &inventory).await?;
    let by_key = compare_by_key(screen, &expected, &actual)?;
    let report = compare_with_renames(screen, &expected, &actual)?;
    let with_renames = *report.counts();
    let sections = count(screen, &report, &expected, &actual)?;
    let explained = explain(screen, &report)?;
    let outputs = save(settings, screen, &report)?;
    change(screen, &inventory).await?;
    let actual = read_actual(screen, &inventory).await?;
    let (report, drift) = follow(screen, &outputs, &expected, &actual)?;
    Ok(Compared {
        inventory,
        expected,
        actual,
        report,
        by_key,
        with_renames,
        sections,
        explained,
        drift,
    })
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
    let sections = Sections::new(expected, actual)?.all(report)?;
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
) -> Result<(Report, DriftCounts)> {
    let step = screen.begin("Load the saved report, reconcile again, and show the drift");
    let before = Report::load(&outputs.report)?;
    let after = steps::with_renames().run(expected, actual)?;
    let drift = drift(&before, &after)?;
    screen.end(&step)?;
    pages::drift(screen, &drift)?;
    Ok((after, drift.counts()))
}
