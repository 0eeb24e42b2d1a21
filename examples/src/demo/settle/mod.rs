//! The second half: a plan of what would make both systems agree, what may be done of it and who
//! must say yes, doing it once, and the proof.

mod approvals;
mod evidence;
mod openssl;
mod pages;
mod work;

use std::path::PathBuf;

use trueup::guard::{Actor, Outcome, Policy, Request};
use trueup::runtime::{RunCounts, Store};
use trueup::{Plan, Planner, Report};

use super::Settings;
use super::compare::Compared;
use crate::Result;
use crate::sections::Sections;
use crate::show::Screen;
use crate::steps;
use approvals::{People, now};
pub(super) use work::carry_out;

/// The section whose changes are carried out.
const SECTION: &str = "admin";
/// One whose plan is denied for its deletes: only break-glass lifts that.
const LARGE_SECTION: &str = "libs";

/// What the second half did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settled {
    /// How many changes would make both systems agree.
    pub planned: usize,
    /// How many of them are carried out.
    pub narrowed: usize,
    /// How many were done when the first process was killed.
    pub killed_after: usize,
    /// What came of them in the end.
    pub counts: RunCounts,
    /// How many of the inventory's records of this section disagree now.
    pub left: u64,
    /// How many entries of the log the evidence proves.
    pub proved: usize,
    /// Where the evidence is.
    pub evidence: PathBuf,
}

pub(super) async fn tell(
    settings: &Settings,
    screen: &mut Screen<'_>,
    compared: &Compared,
) -> Result<Settled> {
    let policy = Policy::standard()?;
    let people = People::new()?;
    let folder = tempfile::Builder::new().prefix("trueup-demo-store-").tempdir()?;
    let file = folder.path().join("trueup.db");
    let store = Store::create(&file)?;
    let sections = Sections::new(&compared.expected, &compared.actual)?;
    let whole = plan(screen, &compared.report)?;
    ask(screen, &policy, &whole)?;
    let narrow = narrow(screen, &policy, &whole, &sections)?;
    let approved = approve(screen, &store, &policy, &people, &narrow)?;
    let job = work::Job::new(&compared.inventory, &file, &narrow, approved);
    let killed_after = work::kill_half_way(settings, screen, &job, &narrow)?;
    let done = work::resume(screen, &store, &compared.inventory).await?;
    let left = read_again(screen, compared, &sections).await?;
    break_glass(screen, &policy, &people, &whole, &sections)?;
    let (evidence, proved) =
        evidence::make(settings, screen, &store, &people, &done.run, &compared.report)?;
    let counts = done.counts();
    let (planned, narrowed) = (whole.changes().len(), narrow.changes().len());
    Ok(Settled { planned, narrowed, killed_after, counts, left, proved, evidence })
}

fn plan(screen: &mut Screen<'_>, report: &Report) -> Result<Plan> {
    let step = screen.begin("Plan what would make the inventory follow the catalogue");
    // The first wave reaches one package in twenty: what goes wrong, goes wrong there.
    let plan = Planner::new().with_stages([5]).plan(report)?;
    screen.end(&step)?;
    pages::plan(screen, &plan)?;
    Ok(plan)
}

fn ask(screen: &mut Screen<'_>, policy: &Policy, plan: &Plan) -> Result<()> {
    let step = screen.begin("Ask the guard, by the standard policy, whether all of it may be done");
    let request = request();
    let decision = policy.decide(plan, &request);
    let explanation = policy.explain(plan, &request);
    screen.end(&step)?;
    pages::decision(screen, &decision)?;
    pages::why(screen, &explanation)
}

fn narrow(
    screen: &mut Screen<'_>,
    policy: &Policy,
    plan: &Plan,
    sections: &Sections,
) -> Result<Plan> {
    let step = screen.begin(format!("Narrow the plan to the section `{SECTION}`, and ask again"));
    let plan = plan.narrow(|change| sections.of_change(change) == Some(SECTION))?;
    let decision = policy.decide(&plan, &request());
    screen.end(&step)?;
    pages::plan(screen, &plan)?;
    pages::decision(screen, &decision)?;
    if decision.outcome() != Outcome::Ask {
        return Err(format!("the narrowed plan should ask, and is `{}`", decision.outcome()).into());
    }
    Ok(plan)
}

fn approve(
    screen: &mut Screen<'_>,
    store: &Store,
    policy: &Policy,
    people: &People,
    plan: &Plan,
) -> Result<approvals::Approved> {
    let step = screen.begin("Two owners sign");
    let decision = policy.decide(plan, &request());
    let approved = approvals::collect(store, people, plan, &decision)?;
    screen.end(&step)?;
    pages::answers(screen, &approved)?;
    Ok(approved)
}

async fn read_again(
    screen: &mut Screen<'_>,
    compared: &Compared,
    sections: &Sections,
) -> Result<u64> {
    let step = screen.begin("Read the inventory again, and reconcile");
    let actual = steps::read_inventory(&compared.inventory, screen.context(&step)).await?;
    let report = steps::with_renames().run(&compared.expected, &actual)?;
    let left = sections.count(&report, SECTION)?;
    screen.end(&step)?;
    pages::converged(screen, SECTION, left, &report)?;
    Ok(left)
}

fn break_glass(
    screen: &mut Screen<'_>,
    policy: &Policy,
    people: &People,
    whole: &Plan,
    sections: &Sections,
) -> Result<()> {
    let step = screen.begin(format!("Break glass for `{LARGE_SECTION}`: refused, then granted"));
    let plan = whole.narrow(|change| sections.of_change(change) == Some(LARGE_SECTION))?;
    let denied = policy.decide(&plan, &request());
    let tries = approvals::break_glass(policy, people, &plan, &request())?;
    screen.end(&step)?;
    pages::decision(screen, &denied)?;
    pages::glass(screen, &tries)
}

/// An agent asks, for a person.
fn request() -> Request {
    Request::new(Actor::new("agent:nightly").on_behalf_of("person:ana"), now())
        .with_environment("production")
}
