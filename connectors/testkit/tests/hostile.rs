//! The suite catches every misdeed, and a reading through the contract every one that it can see.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use common::memory;
use trueup_connector::{ConnectorExt, Context, Coverage, Idempotency, Kind, Snapshot};
use trueup_testkit::{Hostile, Misdeed, Promise, Subject, block_on};

/// A hostile connector of a source that it could read well.
fn subject(misdeed: Misdeed) -> Subject {
    let source = memory();
    let mut inner = match misdeed {
        Misdeed::HidesPageSize | Misdeed::HidesErrors | Misdeed::CallsErrorsPartial => {
            source.clone()
        }
        Misdeed::IgnoresPageSize => source.clone().without_page_size(),
        _ => source.clone().with_delta(),
    };
    if misdeed == Misdeed::ClaimsComplete {
        let part = source.snapshot("devices").unwrap();
        let part = Snapshot::from_batch(part.batches().first().unwrap().slice(0, 10)).unwrap();
        inner = common::memory()
            .with_resource("devices", part)
            .with_coverage("devices", Coverage::Partial);
    }
    if misdeed == Misdeed::ForgetsHandles {
        inner = inner.with_pending(2);
    }
    inner = inner.with_writer(match misdeed {
        Misdeed::WritesAgain | Misdeed::FailsAgain => Idempotency::Key,
        Misdeed::LiesAboutIdempotency | Misdeed::WritesTwice => Idempotency::AtMostOnce,
        _ => Idempotency::Conditional,
    });
    if matches!(misdeed, Misdeed::WritesTwice | Misdeed::WritesAgain) {
        inner = inner.with_blind_creates();
    }
    let patience = match misdeed {
        Misdeed::HangsWriting | Misdeed::PendsForever | Misdeed::Stalls => {
            Duration::from_millis(200)
        }
        Misdeed::ForgetsHandles => Duration::from_secs(2),
        _ => Duration::from_secs(60),
    };
    common::written(common::subject(Hostile::new(inner, misdeed), &source)).with_patience(patience)
}

#[test]
fn every_misdeed_is_caught_by_the_promise_it_breaks() {
    for misdeed in Misdeed::ALL {
        let promise = misdeed.breaks();
        let broken = block_on(promise.check(&subject(misdeed)));
        let broken = broken.expect_err(&format!("{misdeed:?} is not caught by `{promise}`"));
        assert_eq!(broken.promise, promise, "{misdeed:?}: {broken}");
    }
}

#[test]
fn a_subject_that_tells_too_little_passes_nothing() {
    let told = || Subject::new(memory()).with_truth("none", memory().snapshot("none").unwrap());
    let people = || memory().snapshot("people").unwrap();
    let calls = Arc::new(AtomicU8::new(0));
    let written = move || {
        let calls = calls.fetch_add(1, Ordering::Relaxed);
        async move { vec![calls] }
    };
    let delta = Subject::new(memory().with_delta()).with_truth("people", people());
    for (promise, subject, part) in [
        (Promise::Paging, told(), "no record of truth"),
        (Promise::Failure, told().with_truth("people", people()), "how to break"),
        (
            Promise::Failure,
            told().with_truth("people", people()).with_break(async || ()),
            "nothing",
        ),
        (Promise::Describe, told().with_truth("devices", people()), "the columns age, name"),
        (Promise::Describe, told().with_truth("cars", people()), "`cars` is not described"),
        (Promise::NoEffect, told().with_truth("people", people()).with_witness(written), "before"),
        (Promise::Delta, delta, "with_change"),
    ] {
        let broken = block_on(promise.check(&subject)).unwrap_err();
        assert_eq!(broken.promise, promise, "{broken}");
        assert!(broken.detail.contains(part), "{broken}");
    }
}

#[test]
fn every_promise_catches_a_misdeed() {
    for promise in Promise::ALL {
        assert!(Misdeed::ALL.iter().any(|misdeed| misdeed.breaks() == promise), "{promise}");
    }
}

#[test]
fn a_reading_answers_what_it_can_see() {
    for (misdeed, kind) in [
        (Misdeed::DropsColumn, Kind::Protocol),
        (Misdeed::ChangesType, Kind::Protocol),
        (Misdeed::ChangesOrder, Kind::Protocol),
        (Misdeed::RepeatsCursor, Kind::Protocol),
        (Misdeed::NeverEnds, Kind::Protocol),
        (Misdeed::RemovesInWhole, Kind::Protocol),
        (Misdeed::FailsHalfway, Kind::Unavailable),
    ] {
        let hostile = Hostile::new(memory(), misdeed);
        let error = block_on(hostile.read(Context::new(), "devices")).unwrap_err();
        assert_eq!(error.kind(), kind, "{misdeed:?}: {error}");
    }
}

#[test]
fn a_page_with_a_column_twice_is_a_breach_of_protocol() {
    let hostile = Hostile::new(memory(), Misdeed::DoublesColumn);
    let error = block_on(hostile.read(Context::new(), "devices")).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol, "{error}");
}

#[test]
fn a_reading_that_stalls_can_be_dropped() {
    block_on(async {
        let hostile = Hostile::new(memory(), Misdeed::Stalls);
        let reading = hostile.read(Context::new(), "devices");
        assert!(tokio::time::timeout(Duration::from_millis(50), reading).await.is_err());
    });
}
