//! Bytes that cross in parts: what UniFFI passes at once is below 2 GiB.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that are put in, or taken out, part by part.
#[derive(Default, uniffi::Object)]
pub struct Bytes(Mutex<Vec<u8>>);

#[uniffi::export]
impl Bytes {
    /// None yet, with room for so many.
    #[uniffi::constructor]
    pub fn new(capacity: u64) -> Self {
        Vec::with_capacity(usize::try_from(capacity).unwrap_or_default()).into()
    }

    /// Adds a part.
    pub fn append(&self, part: &[u8]) {
        self.all().extend_from_slice(part);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.all().len() as u64
    }

    /// Those from a place on, but no more than `count`.
    pub fn part(&self, from: u64, count: u64) -> Vec<u8> {
        let all = self.all();
        let rest = usize::try_from(from).ok().and_then(|from| all.get(from..)).unwrap_or_default();
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(rest.len());
        rest.get(..count).unwrap_or_default().to_vec()
    }
}

impl Bytes {
    /// All of them, which are then no longer here.
    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.all())
    }

    fn all(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Mutex::new(bytes))
    }
}
