//! Inference: parts seen apart are the whole, and every value fits the type that was found.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((at, rest)) = input.split_first() else { return };
    let values: Vec<&[u8]> = rest.split(|byte| *byte == b'\n').collect();
    trueup_files::fuzzing::infer(&values, usize::from(*at));
});
