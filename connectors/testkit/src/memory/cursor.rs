//! Cursors that can tell whether they are their own.

use std::hash::{DefaultHasher, Hash, Hasher};

use trueup_connector::{Cursor, Error, Identity, Kind, Result};

/// Where a reading stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    /// In a delta: the version it goes on from.
    pub(super) since: Option<usize>,
    /// The version that is read.
    pub(super) version: usize,
    /// How many records come before.
    pub(super) offset: usize,
}

/// Marks the cursors of one resource of one system.
pub(super) struct Seal(DefaultHasher);

impl Seal {
    pub(super) fn new(identity: &Identity, resource: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (&identity.system, &identity.instance, &identity.tenant, resource).hash(&mut hasher);
        Self(hasher)
    }

    pub(super) fn cursor(&self, place: &Place) -> Cursor {
        let since = place.since.map_or_else(|| "-".to_owned(), |since| since.to_string());
        self.close(&format!("page.{since}.{}.{}", place.version, place.offset))
    }

    pub(super) fn token(&self, version: usize) -> Cursor {
        self.close(&format!("since.{version}"))
    }

    /// The place of a cursor, which must go on with the same delta.
    pub(super) fn open_cursor(
        &self,
        cursor: &Cursor,
        since: Option<usize>,
        latest: usize,
    ) -> Result<Place> {
        let place = self.open(cursor).and_then(|parts| match parts.as_slice() {
            ["page", since, version, offset] => Some(Place {
                since: if *since == "-" { None } else { Some(since.parse().ok()?) },
                version: version.parse().ok()?,
                offset: offset.parse().ok()?,
            }),
            _ => None,
        });
        let place = place.filter(|place| place.since == since && place.version <= latest);
        place.ok_or_else(|| foreign(cursor))
    }

    pub(super) fn open_token(&self, token: &Cursor, latest: usize) -> Result<usize> {
        let version = self.open(token).and_then(|parts| match parts.as_slice() {
            ["since", version] => version.parse().ok(),
            _ => None,
        });
        version.filter(|version| *version <= latest).ok_or_else(|| foreign(token))
    }

    fn close(&self, text: &str) -> Cursor {
        Cursor::new(format!("{text}.{:016x}", self.mark(text)))
    }

    fn open<'a>(&self, cursor: &'a Cursor) -> Option<Vec<&'a str>> {
        let (text, mark) = cursor.as_str().rsplit_once('.')?;
        (mark == format!("{:016x}", self.mark(text))).then(|| text.split('.').collect())
    }

    fn mark(&self, text: &str) -> u64 {
        let mut hasher = self.0.clone();
        text.hash(&mut hasher);
        hasher.finish()
    }
}

fn foreign(cursor: &Cursor) -> Error {
    let message = format!("`{}` is no cursor of this resource", cursor.as_str());
    Error::new(Kind::Invalid, message)
}
