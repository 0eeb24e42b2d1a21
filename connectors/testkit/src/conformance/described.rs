//! Promises on what a connector says of itself.

use std::collections::HashSet;

use trueup_connector::{Context, Kind, ReadRequest, Resource};

use super::reading::{refused, told, walk};
use super::{Broken, Promise, Subject};

/// Identity and capability never change, and the identity shows no password.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn identity(subject: &Subject) -> Result<(), Broken> {
    let connector = subject.connector();
    let before = (connector.identity(), connector.capability());
    if before.0.system.is_empty() {
        return Err(Promise::Identity.broken("the identity names no system"));
    }
    if shows_password(&before.0.instance) {
        return Err(Promise::Identity.broken("the identity's instance shows a password"));
    }
    for resource in resources(subject, Promise::Identity).await? {
        walk(subject, &resource, ReadRequest::new(&resource.name)).await?;
        let after = (connector.identity(), connector.capability());
        if before != after {
            return Err(Promise::Identity.broken(format!("{before:?} became {after:?}")));
        }
    }
    Ok(())
}

/// Resources have names that stand once, and schemas that stay.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn describe(subject: &Subject) -> Result<(), Broken> {
    let promise = Promise::Describe;
    let first = resources(subject, promise).await?;
    let mut names = HashSet::new();
    if let Some(twice) = first.iter().find(|resource| !names.insert(&resource.name)) {
        return Err(promise.broken(format!("the resource `{}` stands twice", twice.name)));
    }
    if first.iter().any(|resource| resource.name.is_empty()) {
        return Err(promise.broken("a resource has no name"));
    }
    told(subject).await?;
    for resource in &first {
        walk(subject, resource, ReadRequest::new(&resource.name)).await?;
    }
    let second = resources(subject, promise).await?;
    match first == second {
        true => Ok(()),
        false => Err(promise.broken(format!("{first:?} became {second:?}"))),
    }
}

/// `check` is content with a sound source.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn check(subject: &Subject) -> Result<(), Broken> {
    let checked = subject.connector().check(Context::new()).await;
    checked.map_err(Promise::Check.failed("the check of a sound source"))
}

/// A resource that is not there is `not_found`, never a resource without records.
///
/// # Errors
/// The promise that is broken, and how.
pub async fn unknown_resource(subject: &Subject) -> Result<(), Broken> {
    let known = resources(subject, Promise::UnknownResource).await?;
    let near = known.iter().map(|resource| format!("{}s", resource.name));
    let unknown = ["", "no such resource", "x'; --", "../up"].map(str::to_owned);
    for name in near.chain(unknown) {
        if known.iter().all(|resource| resource.name != name) {
            let request = ReadRequest::new(name);
            refused(subject, Promise::UnknownResource, request, Kind::NotFound).await?;
        }
    }
    Ok(())
}

/// All resources, described.
pub(super) async fn resources(
    subject: &Subject,
    promise: Promise,
) -> Result<Vec<Resource>, Broken> {
    let described = subject.connector().describe(Context::new()).await;
    described.map_err(promise.failed("describe"))
}

/// Whether an address has a password before its host.
fn shows_password(instance: &str) -> bool {
    let authority = instance.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or("");
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::shows_password;

    #[test]
    fn passwords_are_seen_in_addresses() {
        assert!(shows_password("postgres://app:pw@db/stock"));
        assert!(!shows_password("postgres://app@db/stock"));
        assert!(!shows_password("https://db:8080/a:b@c"));
        assert!(!shows_password("/data/a:b@c.csv"));
    }
}
