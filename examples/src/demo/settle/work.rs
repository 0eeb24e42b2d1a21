//! Carrying the plan out: by a second process that is killed half way, and then to the end.

use std::io::{BufRead, BufReader, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trueup::guard::{Approval, Asked, Grant, Policy, Standing};
use trueup::runtime::{
    ChangeState, Event, Executor, ExecutorSettings, PolicyGate, RunReport, Store, Systems,
};
use trueup::{Plan, Side};

use super::approvals::{Approved, Keys, now};
use super::{pages, request};
use crate::Result;
use crate::demo::Settings;
use crate::inventory::{Inventory, Place};
use crate::show::Screen;

/// What the second process is told. A grant is not among it: that cannot be written down, so the
/// signed answers go along, and it is found again from them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    store: PathBuf,
    inventory: Place,
    plan: serde_json::Value,
    asked: Asked,
    answers: Vec<Approval>,
    keys: Keys,
}

impl Job {
    pub(super) fn new(
        inventory: &Inventory,
        store: &Path,
        plan: &Plan,
        approved: Approved,
    ) -> Self {
        let Approved { asked, answers, keys, .. } = approved;
        let (store, inventory) = (store.to_owned(), inventory.whereabouts());
        Self { store, inventory, plan: plan.to_json(), asked, answers, keys }
    }

    fn grant(&self) -> Result<Grant> {
        match self.asked.standing(&self.answers, now(), &self.keys.verify()) {
            Standing::Granted(grant) => Ok(grant),
            other => Err(format!("the answers do not make a grant: {other:?}").into()),
        }
    }
}

/// Starts the second process and kills it when half of the changes are done; how many were.
pub(super) fn kill_half_way(
    settings: &Settings,
    screen: &mut Screen<'_>,
    job: &Job,
    plan: &Plan,
) -> Result<usize> {
    let step = screen.begin("Carry it out in a second process, and kill that half way");
    let mut child = start(settings, job)?;
    let done = watch(&mut child, plan.changes().len() / 2);
    // Whatever was seen: it is killed without a warning, as by a power cut.
    child.kill()?;
    child.wait()?;
    let done = done?;
    screen.end(&step)?;
    pages::killed(screen, done, plan.changes().len())?;
    Ok(done)
}

fn start(settings: &Settings, job: &Job) -> Result<Child> {
    let program = match &settings.program {
        Some(program) => program.clone(),
        None => std::env::current_exe()?,
    };
    let mut command = Command::new(program);
    let command = command.arg("--carry-out").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().ok_or("the second process has no input")?;
    serde_json::to_writer(&mut input, job)?;
    Ok(child)
}

/// Waits until so many changes are done.
fn watch(child: &mut Child, enough: usize) -> Result<usize> {
    let output = child.stdout.take().ok_or("the second process has no output")?;
    for line in BufReader::new(output).lines() {
        let done: usize = line?.parse()?;
        if done >= enough {
            return Ok(done);
        }
    }
    Err("the second process ended before half of the changes were done".into())
}

/// What the second process does: it says after every change how many are done.
///
/// # Errors
/// Whatever goes wrong, in words.
pub(in crate::demo) async fn carry_out() -> Result<()> {
    let job: Job = serde_json::from_reader(stdin().lock())?;
    let store = Store::open(&job.store)?;
    let plan = Plan::from_json(&job.plan.to_string())?;
    let done = std::sync::atomic::AtomicUsize::new(0);
    let tell = move |event: &Event| {
        if matches!(event, Event::Change { state: ChangeState::Done, .. }) {
            let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // Nobody may be left to read it.
            drop(writeln!(stdout(), "{done}"));
        }
    };
    let executor = executor(&store).with_listener(tell);
    let systems = systems(&job.inventory).await?;
    let run = executor.execute(&plan, &job.grant()?, &systems, gate()?).await?;
    run.wait().await?;
    Ok(())
}

/// Takes the run up again, and carries out what is left of it.
pub(super) async fn resume(
    screen: &mut Screen<'_>,
    store: &Store,
    inventory: &Inventory,
) -> Result<RunReport> {
    let step =
        screen.begin("Take the run up again: what was in flight is settled, the rest is done");
    let executor = executor(store);
    let open = executor.open_runs().await?;
    let run = open.first().ok_or("the killed process left no run behind")?;
    let systems = systems(&inventory.whereabouts()).await?;
    let report = executor.recover(run, None, &systems, gate()?).await?.wait().await?;
    screen.end(&step)?;
    pages::done(screen, &report)?;
    Ok(report)
}

fn executor(store: &Store) -> Executor {
    let mut settings = ExecutorSettings::default();
    // A killed process holds the inventory for as long as this.
    (settings.batch, settings.in_flight, settings.lease_ms) = (16, 2, 1_000);
    Executor::new(store.clone()).with_settings(settings)
}

fn gate() -> Result<Arc<PolicyGate>> {
    Ok(Arc::new(PolicyGate::new(Arc::new(Policy::standard()?), request())))
}

async fn systems(inventory: &Place) -> Result<Systems> {
    Ok(Systems::new().with(Side::Actual, inventory.connector().await?))
}
