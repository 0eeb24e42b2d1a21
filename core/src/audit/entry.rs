//! One entry of the log, kept or erased, and the commitment that stands for it in the tree.

use serde_json::{Map, Value as Json, json};
use trueup_connector::snapshot::leaf_hash;
use trueup_connector::{Error, Hash, Result, hex};

use super::canonical::{canonical_json, read_canonical};
use super::encoding::{framed, invalid, malformed, unhex};

/// The kind of an entry that says which payloads were erased.
const ERASURE: &str = "audit.erased";

/// Something that happened: a kind, a time, and a payload under a salt.
///
/// In the tree stands only a commitment to it. [`Entry::erase`] forgets payload and salt and keeps
/// the commitment: kind and time stay proved, and without the salt the payload cannot be guessed.
///
/// The payload is shown to everyone who reads the log or a pack: secrets have no place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    kind: String,
    at: String,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Kept { payload: String, salt: [u8; 32] },
    Erased { commitment: Hash },
}

/// What an erasure says: which entries, at whose word, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Erasure {
    /// The erased entries' indexes, ascending.
    pub entries: Vec<u64>,
    /// Who allowed it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Entry {
    /// An entry of this kind (lower-case words joined by points, such as `plan.approved`) at this
    /// time (RFC 3339 in UTC, such as `2026-11-22T10:00:00Z`).
    ///
    /// The salt is 32 bytes that nobody can guess, fresh for each entry.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) for another kind or time;
    /// what [`canonical_json`] says of the payload.
    pub fn new(kind: &str, at: &str, payload: &Json, salt: [u8; 32]) -> Result<Self> {
        let payload = canonical_json(payload).map_err(|error| error.with("entry", kind))?;
        Self::checked(kind, at, Content::Kept { payload, salt })
    }

    /// An entry that says that the payloads of earlier entries were erased.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) as in [`Entry::new`], and if it names no
    /// entry.
    pub fn erasure(
        at: &str,
        entries: impl IntoIterator<Item = u64>,
        by: &str,
        reason: &str,
        salt: [u8; 32],
    ) -> Result<Self> {
        let mut entries: Vec<u64> = entries.into_iter().collect();
        entries.sort_unstable();
        entries.dedup();
        if entries.is_empty() {
            return invalid("this erasure names no entry");
        }
        let payload = json!({"by": by, "entries": entries, "reason": reason});
        Self::new(ERASURE, at, &payload, salt)
    }

    /// Reads what [`Entry::text`] wrote.
    ///
    /// # Errors
    /// [`Kind::Data`](trueup_connector::Kind::Data) for anything else.
    pub fn read(text: &[u8]) -> Result<Self> {
        Self::from_json(&read_canonical(text)?)
    }

    pub(super) fn from_json(json: &Json) -> Result<Self> {
        let members = json.as_object().ok_or_else(|| malformed("this entry is not an object"))?;
        let content = read_content(members)?;
        Self::checked(text(members, "kind")?, text(members, "at")?, content)
            .map_err(|error| malformed(error.message()))
    }

    fn checked(kind: &str, at: &str, content: Content) -> Result<Self> {
        if !is_kind(kind) {
            return invalid(format!(
                "`{kind}` is not a kind of entry: use lower-case words joined by points, \
                 such as `plan.approved`"
            ));
        }
        if !is_moment(at) {
            return invalid(format!(
                "`{at}` is not a time in UTC: write it like `2026-11-22T10:00:00Z`"
            ));
        }
        Ok(Self { kind: kind.to_owned(), at: at.to_owned(), content })
    }

    /// What kind of thing happened.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// When it happened.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// The payload as canonical JSON; `None` of an erased entry.
    pub fn payload(&self) -> Option<&str> {
        match &self.content {
            Content::Kept { payload, .. } => Some(payload),
            Content::Erased { .. } => None,
        }
    }

    /// Whether the payload is gone.
    pub fn is_erased(&self) -> bool {
        matches!(self.content, Content::Erased { .. })
    }

    /// The same entry without payload and salt: the same leaf, to be stored in its place.
    ///
    /// Log an [`Entry::erasure`] with its index, or verifiers will ask where the payload went.
    #[must_use]
    pub fn erase(self) -> Self {
        let commitment = self.commitment();
        Self { content: Content::Erased { commitment }, ..self }
    }

    /// What an entry that erases others says; `None` of any other.
    pub fn erases(&self) -> Option<Erasure> {
        let payload = self.payload().filter(|_| self.is_erasure())?;
        let json: Json = serde_json::from_str(payload).ok()?;
        let word = |name| Some(json.get(name)?.as_str()?.to_owned());
        let entries = json.get("entries")?.as_array()?.iter().map(Json::as_u64);
        let entries: Vec<u64> = entries.collect::<Option<_>>()?;
        let ascending = entries.is_sorted_by(|a, b| a < b);
        Some(Erasure { entries, by: word("by")?, reason: word("reason")? }).filter(|_| ascending)
    }

    pub(super) fn is_erasure(&self) -> bool {
        self.kind == ERASURE
    }

    /// The entry as canonical JSON, to be stored and read again.
    pub fn text(&self) -> String {
        // Kind, time and hex need no escapes; the members stand in canonical order.
        let Self { kind, at, content } = self;
        match content {
            Content::Kept { payload, salt } => {
                let salt = hex(salt);
                format!(r#"{{"at":"{at}","kind":"{kind}","payload":{payload},"salt":"{salt}"}}"#)
            }
            Content::Erased { commitment } => {
                let commitment = hex(commitment);
                format!(r#"{{"at":"{at}","commitment":"{commitment}","kind":"{kind}"}}"#)
            }
        }
    }

    /// The salted commitment to the payload.
    pub fn commitment(&self) -> Hash {
        match &self.content {
            Content::Kept { payload, salt } => {
                framed(&[b"trueup/payload/1", salt, payload.as_bytes()])
            }
            Content::Erased { commitment } => *commitment,
        }
    }

    /// The bytes of the entry's leaf.
    pub fn leaf_data(&self) -> Hash {
        let (kind, at) = (self.kind.as_bytes(), self.at.as_bytes());
        framed(&[b"trueup/entry/1", kind, at, &self.commitment()])
    }

    /// The hash of the entry's leaf, to be stored beside it.
    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.leaf_data())
    }
}

fn read_content(members: &Map<String, Json>) -> Result<Content> {
    let hash = |name| {
        unhex(text(members, name)?)
            .ok_or_else(|| malformed(format!("`{name}` of this entry is not 32 bytes in hex")))
    };
    match (members.len(), members.get("payload")) {
        (4, Some(payload)) => {
            Ok(Content::Kept { payload: canonical_json(payload)?, salt: hash("salt")? })
        }
        (3, None) => Ok(Content::Erased { commitment: hash("commitment")? }),
        _ => Err(malformed("this entry has other members than the format says")),
    }
}

fn text<'a>(members: &'a Map<String, Json>, name: &str) -> Result<&'a str, Error> {
    let text = members.get(name).and_then(Json::as_str);
    text.ok_or_else(|| malformed(format!("this entry has no text `{name}`")))
}

fn is_kind(kind: &str) -> bool {
    let of_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_word =
        |w: &str| w.starts_with(|c: char| c.is_ascii_lowercase()) && w.chars().all(of_word);
    kind.len() <= 100 && kind.split('.').all(is_word)
}

/// `YYYY-MM-DDTHH:MM:SS[.f]Z`, and a moment that there is.
fn is_moment(at: &str) -> bool {
    let Some((whole, fraction)) =
        at.strip_suffix('Z').map(|t| t.split_once('.').unwrap_or((t, "0")))
    else {
        return false;
    };
    let shaped = whole.len() == 19
        && whole.bytes().zip(*b"0000-00-00T00:00:00").all(|(byte, like)| match like {
            b'0' => byte.is_ascii_digit(),
            mark => byte == mark,
        });
    let fraction =
        (1..=9).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    shaped && fraction && !whole.ends_with(":60") && at.parse::<jiff::Timestamp>().is_ok()
}
