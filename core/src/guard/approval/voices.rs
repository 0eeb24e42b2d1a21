//! Who speaks with one voice: a person, and those who act for them.

use std::collections::BTreeSet;

use super::super::outcome::Ask;
use super::super::party::folded;
use super::answer::Approver;

/// People who speak for each other, or for the same person, there or not: together they count once.
pub(super) struct Voice<'a> {
    people: Vec<&'a Approver>,
    names: BTreeSet<String>,
}

impl<'a> Voice<'a> {
    /// Whether one of their roles is asked for.
    pub(super) fn may_sit(&self, ask: &Ask) -> bool {
        self.people.iter().any(|person| may_sit(person, ask))
    }

    /// The person whose voice it is; if all are delegates, the first of them.
    pub(super) fn person(&self) -> &'a str {
        let own = self.people.iter().find(|person| person.delegate_of.is_empty());
        own.or(self.people.first()).map_or("", |person| person.person())
    }

    fn of(person: &'a Approver) -> Self {
        let names = std::iter::once(person.person());
        let names = names.chain(person.delegate_of.iter().map(String::as_str)).map(folded);
        Self { people: vec![person], names: names.collect() }
    }

    fn join(mut self, other: Self) -> Self {
        self.people.extend(other.people);
        self.names.extend(other.names);
        self
    }
}

/// The voices of these people.
pub(super) fn voices<'a>(people: impl IntoIterator<Item = &'a Approver>) -> Vec<Voice<'a>> {
    people.into_iter().map(Voice::of).fold(Vec::new(), |found: Vec<Voice<'a>>, voice| {
        let (with, mut others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|other| !other.names.is_disjoint(&voice.names));
        others.extend(with.into_iter().chain([voice]).reduce(Voice::join));
        others
    })
}

/// Whether one of a person's roles is asked for.
pub(super) fn may_sit(person: &Approver, ask: &Ask) -> bool {
    person.roles.iter().any(|role| ask.roles.contains(role))
}
