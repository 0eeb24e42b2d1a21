//! An organisation made up from a seed: people, devices, apps.

use crate::chance::Chance;

/// An organisation made up from a seed; the same seed gives the same one, and a larger one begins
/// with the smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estate {
    seed: u64,
    size: u64,
}

/// Somebody who works there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// Identifier, a GUID.
    pub id: String,
    /// Unlike everybody else's: `ada.lindqvist.17@example.com`.
    pub login: String,
    /// Given name.
    pub given: String,
    /// Family name.
    pub family: String,
    /// Number in the personnel file.
    pub employee: String,
    /// Where they belong.
    pub department: String,
    /// Whether they may log in.
    pub active: bool,
}

/// A managed device.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Device {
    /// Identifier, a GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Serial number, unlike every other's.
    pub serial: String,
    /// Windows, macOS, iOS or Android.
    pub system: String,
    /// Version of the system.
    pub version: String,
    /// Who made it.
    pub manufacturer: String,
    /// What they call it.
    pub model: String,
    /// The number of the person who has it.
    pub owner: u64,
    /// Whether it belongs to the organisation.
    pub company: bool,
    /// Intune's word for its state.
    pub compliance: String,
    /// Days since it was last heard of.
    pub seen_days_ago: u64,
}

/// An app.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct App {
    /// Identifier, a GUID.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who made it.
    pub publisher: String,
    /// Its version.
    pub version: String,
}

const GIVEN: &[&str] = &[
    "Ada",
    "Björn",
    "Chloé",
    "Dmitri",
    "Esra",
    "Fatima",
    "Grace",
    "Hiro",
    "Inés",
    "Jamal",
    "Katarína",
    "Linus",
    "Mei",
    "Noor",
    "Oskar",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Tala",
    "Uwe",
    "Vera",
];
const FAMILY: &[&str] = &[
    "Okafor",
    "Lindqvist",
    "García",
    "Nguyễn",
    "O'Neill",
    "Müller",
    "Rossi",
    "Tanaka",
    "Haddad",
    "Kowalska",
    "Silva",
    "Johansson",
    "Mbeki",
    "Novák",
    "Ivanova",
    "Smith",
    "Yılmaz",
    "Dubois",
];
const DEPARTMENTS: &[&str] = &[
    "Engineering",
    "Finance",
    "Human Resources",
    "Logistics",
    "Legal",
    "Research & Development",
    "Sales",
];
const SYSTEMS: &[(&str, &[&str], &str, &[&str])] = &[
    (
        "Windows",
        &["10.0.22631.4317", "10.0.26100.2033", "10.0.19045.5011"],
        "Dell Inc.",
        &["Latitude 7450", "Precision 5690"],
    ),
    (
        "Windows",
        &["10.0.26100.2033", "10.0.22631.4317"],
        "LENOVO",
        &["ThinkPad T14 Gen 5", "ThinkStation P3"],
    ),
    ("macOS", &["15.1", "14.7.1"], "Apple", &["MacBook Pro", "Mac mini"]),
    ("iOS", &["18.1", "17.7.1"], "Apple", &["iPhone 15", "iPad Air"]),
    ("Android", &["15", "14"], "samsung", &["SM-S921B", "SM-X516B"]),
];
const APPS: &[(&str, &str)] = &[
    ("Firefox", "Mozilla"),
    ("Company Portal", "Microsoft Corporation"),
    ("7-Zip", "Igor Pavlov"),
    ("Visual Studio Code", "Microsoft Corporation"),
    ("LibreOffice", "The Document Foundation"),
    ("Zoom Workplace", "Zoom"),
    ("VLC media player", "VideoLAN"),
    ("Notepad++", "Don Ho"),
    ("GIMP", "The GIMP Team"),
    ("Inkscape", "The Inkscape Project"),
    ("KeePassXC", "KeePassXC Team"),
    ("Blender", "Blender Foundation"),
];

impl Estate {
    /// An organisation of so many people, who have as many devices.
    pub fn new(seed: u64, size: u64) -> Self {
        Self { seed, size }
    }

    /// How many people, and how many devices.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many apps: a dozen for the first devices, one more for every hundred.
    pub fn apps(&self) -> u64 {
        self.size.min(12) + self.size / 100
    }

    /// The n-th person, from 0.
    pub fn person(&self, number: u64) -> Person {
        let mut chance = Chance::of(self.seed, 1, number);
        let (given, family) = (chance.pick(GIVEN), chance.pick(FAMILY));
        let plain = |name: &str| -> String {
            name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase()
        };
        Person {
            id: chance.guid(),
            login: format!("{}.{}.{number}@example.com", plain(given), plain(family)),
            given: given.to_owned(),
            family: family.to_owned(),
            employee: format!("{:06}", 100_000 + number),
            department: chance.pick(DEPARTMENTS).to_owned(),
            active: !chance.happens(0.05),
        }
    }

    /// The n-th device, from 0.
    pub fn device(&self, number: u64) -> Device {
        let mut chance = Chance::of(self.seed, 2, number);
        let kind = usize::try_from(chance.below(5)).unwrap_or(0);
        let (system, versions, manufacturer, models) =
            SYSTEMS.get(kind).copied().unwrap_or_default();
        let (version, model) = (chance.pick(versions), chance.pick(models));
        let compliance = match chance.below(20) {
            0 => "noncompliant",
            1 => "inGracePeriod",
            2 => "unknown",
            _ => "compliant",
        };
        Device {
            id: chance.guid(),
            name: format!("{}-{number:05}", system.to_uppercase()),
            serial: format!("{:08X}{number:05}", chance.next() >> 32),
            system: system.to_owned(),
            version: version.to_owned(),
            manufacturer: manufacturer.to_owned(),
            model: model.to_owned(),
            owner: chance.below(self.size),
            company: !chance.happens(0.15),
            compliance: compliance.to_owned(),
            seen_days_ago: chance.below(60),
        }
    }

    /// The identifier under which the directory knows the n-th device, a GUID.
    pub fn registration(&self, number: u64) -> String {
        Chance::of(self.seed, 7, number).guid()
    }

    /// The n-th app, from 0.
    pub fn app(&self, number: u64) -> App {
        let mut chance = Chance::of(self.seed, 3, number);
        let count = u64::try_from(APPS.len()).unwrap_or(1);
        let at = usize::try_from(number % count).unwrap_or(0);
        let (name, publisher) = APPS.get(at).copied().unwrap_or_default();
        let name = match number / count {
            0 => name.to_owned(),
            more => format!("{name} {}", more + 1),
        };
        let version =
            format!("{}.{}.{}", 1 + chance.below(20), chance.below(10), chance.below(100));
        App { id: chance.guid(), name, publisher: publisher.to_owned(), version }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_larger_estate_begins_with_the_smaller() {
        let (small, large) = (Estate::new(7, 10), Estate::new(7, 1000));
        assert_eq!(small.person(3), large.person(3));
        assert_eq!(small.app(3), large.app(3));
        assert_ne!(small.person(3), Estate::new(8, 10).person(3));
    }

    #[test]
    fn identifiers_are_unlike_each_other() {
        let estate = Estate::new(7, 5_000);
        let logins: HashSet<_> = (0..5_000).map(|n| estate.person(n).login).collect();
        let serials: HashSet<_> = (0..5_000).map(|n| estate.device(n).serial).collect();
        let ids: HashSet<_> = (0..5_000).map(|n| estate.device(n).id).collect();
        assert_eq!((logins.len(), serials.len(), ids.len()), (5_000, 5_000, 5_000));
    }
}
