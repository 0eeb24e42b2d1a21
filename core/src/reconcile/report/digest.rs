//! Ids and digests of findings and reports (`docs/spec/findings.md`, `docs/spec/report.md`).

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use trueup_connector::{Hash, hex};

use super::super::finding::FindingId;
use super::Head;

/// SHA-256 over framed parts.
#[derive(Clone)]
pub(super) struct Framed(Sha256);

impl Framed {
    pub(super) fn new(domain: &str) -> Self {
        Self(Sha256::new()).part(domain.as_bytes())
    }

    #[must_use]
    pub(super) fn part(mut self, bytes: &[u8]) -> Self {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    pub(super) fn finish(self) -> Hash {
        self.0.finalize().into()
    }
}

/// Makes the ids of a report's findings.
pub(super) struct Ids(Sha256);

impl Ids {
    pub(super) fn new(tenant: &str, name: &str, resource: &str) -> Self {
        let framed = Framed::new("trueup/finding/1").part(tenant.as_bytes());
        Self(framed.part(name.as_bytes()).part(resource.as_bytes()).0)
    }

    /// The id of a finding; `parts` are the frames of key and field.
    pub(super) fn id(&self, parts: &[u8]) -> FindingId {
        let hash: Hash = self.0.clone().chain_update(parts).finalize().into();
        FindingId(hash.first_chunk().copied().unwrap_or_default())
    }
}

/// The report digest.
pub(super) fn report(head: &Head, states: Vec<(FindingId, Hash)>) -> Hash {
    let counts: Map<String, Json> = head
        .counts
        .named()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .into_iter()
        .collect();
    let pairs: Vec<u8> =
        states.iter().flat_map(|(id, state)| id.0.iter().chain(state)).copied().collect();
    let [expected, actual] = &head.coverage;
    Framed::new("trueup/report/1")
        .part(head.tenant.as_bytes())
        .part(head.name.as_bytes())
        .part(head.resource.as_bytes())
        .part(&unhex(&head.rules_digest))
        .part(&crate::reconcile::rules::canonical_json(expected))
        .part(&crate::reconcile::rules::canonical_json(actual))
        .part(&crate::reconcile::rules::canonical_json(&Json::Object(counts)))
        .part(&pairs)
        .finish()
}

/// The hash that these hexadecimal digits stand for.
pub(super) fn hash(text: &str) -> Option<Hash> {
    Hash::try_from(unhex(text)).ok().filter(|hash| hex(hash) == text)
}

fn unhex(text: &str) -> Vec<u8> {
    let pair = |i| text.get(i..i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).filter_map(pair).collect()
}
