//! Promises on what changed.

use std::collections::{HashMap, HashSet};

use trueup_connector::{Consistency, Cursor, Kind, Removed, Resource, Role, Value};

use super::reading::{Reading, at, refused, request, told, told_as, walk};
use super::rows::{Row, difference, key_of, rows_of};
use super::{Broken, Promise, Subject};

/// A reading after a change shows the change. It is checked where the subject can change its source.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn freshness(subject: &Subject) -> Result<(), Broken> {
    for (resource, _) in told(subject).await? {
        walk(subject, &resource, request(&resource, None)).await?;
    }
    let Some(changed) = subject.change_source().await else { return Ok(()) };
    for (resource, truth) in told_as(subject, &changed).await? {
        let reading = walk(subject, &resource, request(&resource, None)).await?;
        reading.matches(subject, Promise::Freshness, &truth, "after a change")?;
    }
    Ok(())
}

/// A claimed delta is what changed; one that is not claimed is `unsupported`.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn delta(subject: &Subject) -> Result<(), Broken> {
    match subject.connector().capability().delta {
        true => claimed(subject).await,
        false => unclaimed(subject).await,
    }
}

async fn unclaimed(subject: &Subject) -> Result<(), Broken> {
    let promise = Promise::Delta;
    for (resource, _) in told(subject).await? {
        let asked = request(&resource, None).with_since(Cursor::new("since"));
        refused(subject, promise, asked, Kind::Unsupported).await?;
        let reading = walk(subject, &resource, request(&resource, None)).await?;
        if reading.pages.iter().any(|page| page.resume.is_some()) {
            return Err(at(promise, &resource, "a resume token is given, and deltas not claimed"));
        }
    }
    Ok(())
}

async fn claimed(subject: &Subject) -> Result<(), Broken> {
    let mut before = Vec::new();
    for (resource, truth) in told(subject).await? {
        let asked = request(&resource, None).with_since(Cursor::new("no token"));
        let reading = walk(subject, &resource, request(&resource, None)).await?;
        if reading.pages.iter().all(|page| page.resume.is_none()) {
            // A system may tell what changed in some of its resources only.
            refused(subject, Promise::Delta, asked, Kind::Unsupported).await?;
            continue;
        }
        refused(subject, Promise::Delta, asked, Kind::Invalid).await?;
        let token = resume(&reading)?;
        nothing(subject, &resource, &token).await?;
        before.push((resource.name, truth, token));
    }
    if before.is_empty() {
        return Err(Promise::Delta.broken("deltas are claimed, and no reading has a resume token"));
    }
    let changed = subject.change_source().await.ok_or_else(|| {
        let detail = "deltas are claimed, and the subject does not say how to change its source; \
            give it `with_change`";
        Promise::Delta.broken(detail)
    })?;
    for (resource, truth) in told_as(subject, &changed).await? {
        let old = before.iter().find(|(name, ..)| *name == resource.name);
        let Some((_, old, token)) = old else { continue };
        for size in super::reading::sizes(subject) {
            let asked = request(&resource, size).with_since(token.clone());
            let delta = walk(subject, &resource, asked).await?;
            if let Some(detail) = difference(&apply(old, &delta)?, &truth, false) {
                let detail = format!("the old records and the delta make other records: {detail}");
                return Err(at(Promise::Delta, &resource, &detail));
            }
            nothing(subject, &resource, &resume(&delta)?).await?;
        }
    }
    Ok(())
}

fn resume(reading: &Reading) -> Result<Cursor, Broken> {
    let token = reading.pages.last().and_then(|page| page.resume.clone());
    token.ok_or_else(|| {
        at(Promise::Delta, &reading.resource, "the last page of a reading has no resume token")
    })
}

/// Nothing changed: nothing is given. Without one moment for a reading, records may come again.
async fn nothing(subject: &Subject, resource: &Resource, token: &Cursor) -> Result<(), Broken> {
    let asked = request(resource, None).with_since(token.clone());
    let delta = walk(subject, resource, asked).await?;
    let exact = subject.connector().capability().consistency == Consistency::Snapshot;
    let removed: usize = delta.pages.iter().map(|page| page.removed.len()).sum();
    match (exact, delta.rows.len() + removed) {
        (true, 1..) => {
            Err(at(Promise::Delta, resource, "a delta gives records, and nothing has changed"))
        }
        _ => Ok(()),
    }
}

/// The old records with a delta laid over them, page after page.
fn apply(old: &[Row], delta: &Reading) -> Result<Vec<Row>, Broken> {
    let resource = &delta.resource;
    let key = resource.schema.key();
    if key.is_empty() {
        return Err(at(Promise::Delta, resource, "a delta of a resource without a key"));
    }
    let mut records: HashMap<Vec<u8>, Vec<Row>> = HashMap::new();
    for row in old {
        records.entry(row.key(&key)).or_default().push(row.clone());
    }
    let mut touched = HashSet::new();
    for page in &delta.pages {
        let rows = rows_of(&page.records, &resource.schema);
        let rows = rows.map_err(|error| at(Promise::Schema, resource, &format!("{error:?}")))?;
        for removed in &page.removed {
            remove(&mut records, resource, removed)?;
        }
        for row in rows {
            let at = row.key(&key);
            if touched.insert(at.clone()) {
                records.remove(&at);
            }
            records.entry(at).or_default().push(row);
        }
    }
    Ok(records.into_values().flatten().collect())
}

fn remove(
    records: &mut HashMap<Vec<u8>, Vec<Row>>,
    resource: &Resource,
    removed: &Removed,
) -> Result<(), Broken> {
    let unknown = || {
        let detail = format!("{removed:?} is said to be removed, and was never there");
        Err(at(Promise::Delta, resource, &detail))
    };
    let key = match removed {
        Removed::Key(values) => Some(key_of(values.clone())),
        Removed::Id(id) => {
            let field = resource.schema.fields().iter().find(|field| field.role == Role::Id);
            let is_it = |row: &Row| {
                field.is_some_and(|field| row.field(&field.name) == Value::from(id.as_str()))
            };
            records.iter().find(|(_, rows)| rows.iter().any(is_it)).map(|(key, _)| key.clone())
        }
        _ => None,
    };
    match key.and_then(|key| records.remove(&key)) {
        Some(_) => Ok(()),
        None => unknown(),
    }
}
