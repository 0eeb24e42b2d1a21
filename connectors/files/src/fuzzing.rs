//! What only the fuzz targets may see of the inside.

#![expect(clippy::panic, reason = "it is compiled for the fuzzer only")]

use crate::scalar::build::{Build, Raw, Texts};
use crate::scalar::guess::Guess;

pub use crate::csv::fuzzing::csv;

/// Values seen in two parts are values seen in one, and all fit the type that was found.
pub fn infer(values: &[&[u8]], at: usize) {
    let seen = |values: &[&[u8]], first: usize| {
        let mut guess = Guess::default();
        values.iter().zip(first..).for_each(|(value, row)| guess.see(value, || row as u64));
        guess
    };
    let (earlier, later) = values.split_at(at.min(values.len()));
    let mut parts = seen(earlier, 0);
    parts.merge(seen(later, earlier.len()));
    let (plan, ruled_out) = seen(values, 0).finish();
    assert_eq!(parts.finish(), (plan.clone(), ruled_out));
    let Ok(mut build) = Build::new(&plan, values.len()) else { panic!("{plan:?}") };
    assert_eq!(build.extend(&All(values)), Ok(()), "{plan:?}");
}

struct All<'a>(&'a [&'a [u8]]);

impl<'a> Texts<'a> for All<'a> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, row: usize) -> Option<Raw<'a>> {
        self.0.get(row).map(|text| Raw::plain(text))
    }
}
