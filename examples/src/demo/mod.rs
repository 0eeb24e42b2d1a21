//! The demo: two real systems compared, and then made to agree, with proof.

mod compare;
mod settings;
mod settle;

use std::io::Write;
use std::time::Duration;

use trueup::{Counts, DriftCounts};

use crate::Result;
use crate::sections::Section;
use crate::show::{Paint, Screen, seconds};
pub use settings::{Settings, Task, USAGE};
pub use settle::Settled;

/// What the demo found and did.
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
    /// What was done about it.
    pub settled: Settled,
    /// How long it took.
    pub took: Duration,
}

/// Runs the whole demo and shows it.
///
/// # Errors
/// Whatever goes wrong, in words.
pub fn run(settings: &Settings, out: &mut dyn Write) -> Result<Outcome> {
    runtime()?.block_on(tell(settings, &mut Screen::new(out)))
}

/// What the demo's second process does: carries out the plan that its input tells it, until it is
/// killed.
///
/// # Errors
/// Whatever goes wrong, in words.
pub fn carry_out() -> Result<()> {
    runtime()?.block_on(settle::carry_out())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

async fn tell(settings: &Settings, screen: &mut Screen<'_>) -> Result<Outcome> {
    screen.plain(
        Paint::Title.on("trueup: a software inventory, and the catalogue it should follow"),
    )?;
    let compared = compare::tell(settings, screen).await?;
    let settled = settle::tell(settings, screen, &compared).await?;
    let took = screen.took();
    screen.plain(format!("\n{}", Paint::Title.on(format!("Done in {}.", seconds(took)))))?;
    let compare::Compared { by_key, with_renames, sections, explained, drift, .. } = compared;
    Ok(Outcome { by_key, with_renames, sections, explained, drift, settled, took })
}
