//! The head of a log, signed: C2SP tlog-checkpoint.

use trueup_connector::{Hash, Result, hex};

use super::encoding::{base64, malformed, unbase64};
use super::key::{Signer, Verifier, check_name};
use super::note::{Note, sign_note};

/// What a log was at one moment: its name, how many entries it had, and their root.
///
/// Whoever keeps one finds every later change of the entries that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The log's name, such as `log.example/audit`.
    pub origin: String,
    /// How many entries the log had.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The head of a log of this name.
    ///
    /// # Errors
    /// [`Kind::Invalid`](trueup_connector::Kind::Invalid) for a name that cannot be a key's.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self> {
        check_name(origin)?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// Reads a signed note, and makes sure that one of these keys, with the log's own name, has
    /// signed it. Other signatures, such as those of witnesses, mean nothing here.
    ///
    /// # Errors
    /// [`Kind::Data`](trueup_connector::Kind::Data) if it is no signed checkpoint, if none of the
    /// keys has signed it, or if the signature of one of them is wrong.
    pub fn open(note: &str, logs: &[Verifier]) -> Result<Self> {
        let signed = Note::read(note)?;
        let names = signed.signed_by(logs)?;
        let checkpoint = Self::read_body(signed.body)?;
        match names.contains(checkpoint.origin.as_str()) {
            true => Ok(checkpoint),
            false => Err(malformed(format!(
                "the checkpoint of `{}` is signed by no trusted key of this name",
                checkpoint.origin
            ))),
        }
    }

    /// The checkpoint as a signed note.
    ///
    /// A log must never sign two checkpoints of which one is not the beginning of the other: that
    /// is what everything else rests on.
    ///
    /// # Errors
    /// What a signer says; [`Kind::Protocol`](trueup_connector::Kind::Protocol) if its signature is
    /// not one of its key.
    pub fn sign(&self, signers: &[&dyn Signer]) -> Result<String> {
        sign_note(&self.body(), signers)
    }

    /// The text that is signed.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64(&self.root))
    }

    /// What a note says, whoever has signed it.
    pub(super) fn unchecked(note: &str) -> Result<Self> {
        Self::read_body(Note::read(note)?.body)
    }

    /// Root in hex, for messages.
    pub(super) fn root_text(&self) -> String {
        hex(&self.root)
    }

    fn read_body(body: &str) -> Result<Self> {
        let wrong = || malformed("this signed note is not a checkpoint");
        let mut lines = body.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(wrong());
        };
        let plain = size == "0" || !size.starts_with(['0', '+']);
        let size = size.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
        let root = unbase64(root).and_then(|root| root.try_into().ok()).ok_or_else(wrong)?;
        let extended = lines.all(|line| !line.is_empty());
        check_name(origin).ok().filter(|()| extended).ok_or_else(wrong)?;
        Self::new(origin, size, root)
    }
}
