//! What the journal's specification says is what the code has; spans, measures and progress have the
//! names that are published.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod runtime_support;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use runtime_support::scripted::{FAST, Stage};
use runtime_support::{Mode, Quirk, grant, plan, yes};
use tracing::span;
use trueup::runtime::{ChangeState, Event, Point};

const SPEC: &str = include_str!("../../docs/spec/journal.md");

/// The words in backticks of one part of the specification.
fn words(from: &str, to: &str) -> Vec<String> {
    let part = SPEC.split_once(from).unwrap().1.split_once(to).unwrap().0;
    part.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn states_and_crash_points_are_the_published_ones() {
    let rows = SPEC.split_once("## States").unwrap().1.split_once("A final state").unwrap().0;
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: Vec<(&str, bool)> =
        rows.map(|row| (row.split_once('`').unwrap().0, row.ends_with("yes |"))).collect();
    let known: Vec<(&str, bool)> =
        ChangeState::ALL.iter().map(|state| (state.name(), state.is_final())).collect();
    assert_eq!(listed, known);
    let points = words("at pairs of them):\n", "Those whose name");
    assert_eq!(points, Point::ALL.map(|point| point.name().to_owned()));
}

/// Hears the names of everything that is measured.
#[derive(Clone, Debug, Default)]
struct Ear(Arc<Mutex<BTreeSet<String>>>);

impl Ear {
    fn hear(&self, key: &Key) {
        self.0.lock().unwrap().insert(key.name().to_owned());
        for label in key.labels() {
            self.0.lock().unwrap().insert(format!("{} {}", key.name(), label.key()));
        }
    }
}

impl Recorder for Ear {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.hear(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.hear(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.hear(key);
        Histogram::noop()
    }
}

/// Sees the names of spans with those of their fields.
#[derive(Clone, Debug, Default)]
struct Eye(Arc<Mutex<BTreeSet<String>>>);

impl tracing::Subscriber for Eye {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let metadata = span.metadata();
        let fields: Vec<&str> = metadata.fields().iter().map(|field| field.name()).collect();
        let seen = format!("{} {}", metadata.name(), fields.join(" "));
        let mut all = self.0.lock().unwrap();
        all.insert(seen);
        span::Id::from_u64(all.len() as u64)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn spans_measures_and_progress_have_the_published_names() {
    let (ear, eye) = (Ear::default(), Eye::default());
    metrics::set_global_recorder(ear.clone()).unwrap();
    tracing::subscriber::set_global_default(eye.clone()).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = events.clone();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let stage = Stage::new();
        let target = stage.target(Mode::Key);
        let target = target.with_quirk(0, Quirk::ErrorAfter).with_quirk(2, Quirk::Busy);
        let (_, systems) = target.systems();
        let plan = plan("r1", [0, 2, 12], 2);
        let granted = grant(&stage.store, &plan);
        let executor = stage.executor(FAST).with_listener(move |event| {
            heard.lock().unwrap().push(event.clone());
        });
        let run = executor.execute(&plan, &granted, &systems, yes()).await.unwrap();
        assert_eq!(run.wait().await.unwrap().counts().done, 3);
    });
    let measured = ear.0.lock().unwrap().clone();
    let want = [
        "trueup_apply_seconds",
        "trueup_changes_total",
        "trueup_changes_total state",
        "trueup_doubts_total",
        "trueup_retries_total",
        "trueup_runs_total",
        "trueup_runs_total status",
    ];
    assert_eq!(measured, want.map(str::to_owned).into());
    let published = words("## Measures", "Spans:");
    assert!(want.iter().all(|name| {
        let name = name.split(' ').next().unwrap();
        published.iter().any(|word| word == name)
    }));
    let spans = eye.0.lock().unwrap().clone();
    let ours: Vec<&String> = spans.iter().filter(|name| name.starts_with("trueup.")).collect();
    assert_eq!(ours, ["trueup.run run plan changes", "trueup.wave wave"]);
    check_progress(&events.lock().unwrap());
}

fn check_progress(events: &[Event]) {
    assert!(matches!(events.first(), Some(Event::Started { changes: 3, .. })), "{events:?}");
    assert!(matches!(events.last(), Some(Event::Ended { .. })), "{events:?}");
    let waves: Vec<u32> = events
        .iter()
        .filter_map(|event| match event {
            Event::WaveEnded { wave } => Some(*wave),
            _ => None,
        })
        .collect();
    assert_eq!(waves, [0, 1]);
    for place in 0..3 {
        let last = events.iter().rev().find_map(|event| match event {
            Event::Change { place: of, state } if *of == place => Some(*state),
            _ => None,
        });
        assert_eq!(last, Some(ChangeState::Done), "{place}: {events:?}");
    }
}
