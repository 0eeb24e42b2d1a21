//! Reconciling: from two snapshots to a report.

use std::num::NonZero;
use std::sync::Arc;

use trueup_connector::{Context, Result, Snapshot, hex};

use super::base::Base;
use super::compare::{Compared, Sides};
use super::fast::{Lanes, Seed, join};
use super::report::{Head, Live, Report};
use super::resolve::resolve;
use super::rules::{Fields, Reconciliation, Side};
use super::table::Table;

/// How a comparison is run. It has no influence on the report.
#[derive(Clone, Debug)]
pub struct Run {
    context: Context,
    threads: usize,
    seed: Seed,
}

impl Run {
    /// A run on these many threads.
    ///
    /// `seed` should be random and fresh for each run: from it follow the keys of the hashes that
    /// find rows fast, and nobody who does not know it can prepare rows that collide.
    pub fn new(threads: NonZero<usize>, seed: [u64; 4]) -> Self {
        Self { context: Context::new(), threads: threads.get(), seed: Seed(seed) }
    }

    /// Sets how many threads work at once.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZero<usize>) -> Self {
        self.threads = threads.get();
        self
    }

    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    pub(super) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Sets what can cancel the run, and who is told of its progress.
    #[must_use]
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }
}

/// What [`Reconciliation`] compares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs<'a> {
    pub(super) expected: &'a Snapshot,
    pub(super) actual: &'a Snapshot,
    pub(super) base: Option<&'a Snapshot>,
}

impl Reconciliation {
    /// Compares two snapshots.
    ///
    /// It is a pure function: the same document and snapshots give the same report, byte for byte,
    /// on any machine with any number of threads.
    ///
    /// # Errors
    /// `invalid` for a document that does not fit the snapshots' fields, `incompatible` where fields
    /// stand on one side only or cannot be compared, `data` for a value that cannot be mapped or
    /// normalised, `cancelled`.
    pub fn compare(&self, run: &Run, expected: &Snapshot, actual: &Snapshot) -> Result<Report> {
        reconcile(self, run, Inputs { expected, actual, base: None })
    }

    /// Compares two snapshots with the values both last agreed on, which tell who changed what.
    ///
    /// The base has one record for each key both agreed on, in canonical names.
    ///
    /// # Errors
    /// As [`Reconciliation::compare`]; `data` where the base has a null or repeated key.
    pub fn compare_three_way(
        &self,
        run: &Run,
        expected: &Snapshot,
        actual: &Snapshot,
        base: &Snapshot,
    ) -> Result<Report> {
        reconcile(self, run, Inputs { expected, actual, base: Some(base) })
    }
}

fn reconcile(document: &Reconciliation, run: &Run, inputs: Inputs<'_>) -> Result<Report> {
    run.context.check()?;
    let expected = document.map(Side::Expected, inputs.expected)?;
    let actual = document.map(Side::Actual, inputs.actual)?;
    let fields = Fields::resolve(document, &expected, &actual, inputs.base)?;
    let expected = Table::of_side(&expected, &fields, Side::Expected)?;
    let actual = Table::of_side(&actual, &fields, Side::Actual)?;
    let base = inputs.base.map(|base| Base::new(base, &fields)).transpose()?;
    let sides = Sides { fields: &fields, expected: &expected, actual: &actual };
    let lanes = Lanes::new(&fields, &expected, &actual, &run.seed);
    let joined = join(&lanes, &expected, &actual, run.threads, &run.context)?;
    let compared = Compared::new(&sides, joined, run.threads, &run.context)?;
    let resolved = resolve(sides, compared, base.as_ref(), &run.context)?;
    let sources = [inputs.expected.clone(), inputs.actual.clone()];
    let made = Made { sources, threads: run.threads, three_way: base.is_some() };
    Ok(report(document, fields, [Arc::new(expected), Arc::new(actual)], resolved, made))
}

/// How a report came about.
pub(super) struct Made {
    /// Both sides as their systems gave them.
    pub(super) sources: [Snapshot; 2],
    pub(super) threads: usize,
    pub(super) three_way: bool,
}

/// The report of what was resolved.
pub(super) fn report(
    document: &Reconciliation,
    fields: Fields,
    tables: [Arc<Table>; 2],
    resolved: super::resolve::Resolved,
    made: Made,
) -> Report {
    let names = [document.tenant(), document.name(), document.resource()];
    let mut head = Head {
        name: document.name().to_owned(),
        tenant: document.tenant().to_owned(),
        resource: document.resource().to_owned(),
        key: fields.key.iter().map(|field| field.name.clone()).collect(),
        three_way: made.three_way,
        rules: fields.rule_json(),
        rules_digest: hex(&fields.rules_digest),
        coverage: fields.coverage.clone(),
        counts: resolved.counts,
        counts_by_field: Default::default(),
    };
    let live = Live::new(fields, tables, resolved, names, made.three_way);
    let mappings = Side::BOTH.map(|side| document.mapping(side).cloned().unwrap_or_default());
    let live = live.with_sources(made.sources).with_threads(made.threads).with_mappings(mappings);
    head.counts_by_field = live.counts_by_field();
    Report::of(live, head)
}
