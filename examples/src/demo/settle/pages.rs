//! What the second half shows of each step.

use trueup::guard::{Decision, Explanation, Outcome};
use trueup::runtime::RunReport;
use trueup::{Impact, Plan, Report, Side};

use super::approvals::{Approved, Tries, now};
use super::evidence::Checked;
use crate::Result;
use crate::show::{Paint, Screen, bytes, grouped, shortened};

const WIDTH: usize = 96;

pub(super) fn plan(screen: &mut Screen<'_>, plan: &Plan) -> Result<()> {
    let Impact { creates, updates, deletes, .. } = *plan.impact(Side::Actual);
    for (what, count, paint) in [
        ("to create", creates, Paint::Missing),
        ("to update", updates, Paint::Changed),
        ("to delete", deletes, Paint::Unexpected),
    ] {
        screen.line(format!("{what:<12}{}", paint.on(format!("{:>9}", grouped(count)))))?;
    }
    let first = plan.changes().iter().filter(|change| change.wave() == 0).count();
    let digest = trueup::hex(&plan.digest());
    screen.line(Paint::Quiet.on(format!(
        "{} waves, {} changes in the first; digest {digest:.16}…",
        plan.waves(),
        grouped(first as u64)
    )))
}

pub(super) fn decision(screen: &mut Screen<'_>, decision: &Decision) -> Result<()> {
    let paint = match decision.outcome() {
        Outcome::Deny => Paint::Missing,
        Outcome::Ask => Paint::Unexpected,
        _ => Paint::Good,
    };
    let outcome = paint.on(format!("{:<7}", decision.outcome().to_string()));
    let groups: Vec<String> = [Outcome::Deny, Outcome::Ask, Outcome::Allow]
        .into_iter()
        .map(|outcome| (outcome, decision.places(outcome).count() as u64))
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| format!("{} {outcome}", grouped(count)))
        .collect();
    screen.line(format!("{outcome}risk {}; of the changes: {}", decision.risk(), groups.join(", ")))
}

pub(super) fn why(screen: &mut Screen<'_>, explanation: &Explanation) -> Result<()> {
    let text = explanation.to_string();
    text.lines().skip(1).try_for_each(|line| screen.line(shortened(line, 140)))
}

pub(super) fn answers(screen: &mut Screen<'_>, approved: &Approved) -> Result<()> {
    for (answer, step) in approved.answers.iter().zip(&approved.steps) {
        let person = answer.approver.person();
        let said = Paint::Good.on(format!("{:<10}", answer.answer.name()));
        screen.line(format!("{person:<12}{said}{step}"))?;
    }
    Ok(())
}

pub(super) fn killed(screen: &mut Screen<'_>, done: usize, all: usize) -> Result<()> {
    let (done, all) = (grouped(done as u64), grouped(all as u64));
    let killed = Paint::Missing.on("killed");
    screen.line(format!(
        "{killed} without a warning: it had said that {done} of {all} changes are done"
    ))
}

pub(super) fn done(screen: &mut Screen<'_>, report: &RunReport) -> Result<()> {
    let verified = report.changes.iter().filter(|change| change.verified == Some(true)).count();
    let twice = report.changes.iter().filter(|change| change.attempts > 1).count();
    screen.line(format!("{}, run {}", Paint::Good.on(report.counts()), report.status))?;
    screen.line(format!(
        "{} had to be sent again: each is conditional, so none took effect twice",
        grouped(twice as u64)
    ))?;
    screen.line(format!("{} were found in the inventory afterwards", grouped(verified as u64)))
}

pub(super) fn converged(
    screen: &mut Screen<'_>,
    section: &str,
    left: u64,
    report: &Report,
) -> Result<()> {
    let paint = if left == 0 { Paint::Good } else { Paint::Missing };
    screen.line(format!("{} of `{section}` disagree", paint.on(grouped(left))))?;
    screen.line(Paint::Quiet.on(format!("elsewhere as before: {}", report.counts())))
}

pub(super) fn glass(screen: &mut Screen<'_>, tries: &Tries) -> Result<()> {
    for (what, why) in &tries.refused {
        let refused = Paint::Missing.on("refused");
        screen.line(format!("{refused} {what}: {}", shortened(why, WIDTH - what.len())))?;
    }
    let granted = Paint::Good.on("granted");
    screen.line(format!(
        "{granted} for four hours by {}: the plan is now `{}`, and both said yes to it",
        tries.people.join(" and "),
        tries.outcome
    ))?;
    let hours = (tries.review.due - now() + 1_800_000) / 3_600_000;
    screen.line(format!("a review is due in {hours} hours; the demo leaves it at that"))
}

pub(super) fn evidence(screen: &mut Screen<'_>, checked: &Checked) -> Result<()> {
    let Checked { path, size, verdict, openssl, flipped } = checked;
    screen.line(format!("{:<40}{:>10}", path.display().to_string(), bytes(*size)))?;
    screen.line(format!(
        "{}: {} entries of the log and {} files proved, signed by {}",
        Paint::Good.on("it holds"),
        grouped(verdict.anchored.len() as u64),
        verdict.files.iter().filter(|file| file.anchored_by.is_some()).count(),
        verdict.signers.join(", ")
    ))?;
    match openssl {
        Some(said) => screen.line(said)?,
        None => screen.line("OpenSSL or unzip is not installed: not verified by them")?,
    }
    screen.line(format!("with one bit flipped: {}", Paint::Missing.on(shortened(flipped, WIDTH))))
}
