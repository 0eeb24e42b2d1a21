//! Who fills which seat: every person one at most, as many seats filled as can be.

use super::super::outcome::Ask;
use super::answer::Approver;

/// The asks that are not met yet, each with the number of people that it still lacks.
///
/// Seats are filled by augmenting paths (H. W. Kuhn, 1955), so one person who could sit in either of
/// two seats never keeps another out of the only one that they could take.
pub(super) fn missing(asks: &[Ask], people: &[&Approver]) -> Vec<Ask> {
    let seats: Vec<&Ask> = asks.iter().flat_map(|ask| (0..ask.count).map(move |_| ask)).collect();
    let mut filled: Vec<Option<usize>> = vec![None; seats.len()];
    for person in 0..people.len() {
        let mut tried = vec![false; seats.len()];
        seat(person, people, &seats, &mut filled, &mut tried);
    }
    let open = |ask: &Ask| {
        let empty = seats.iter().zip(&filled).filter(|(of, by)| **of == ask && by.is_none());
        Ask { count: u32::try_from(empty.count()).unwrap_or(u32::MAX), ..ask.clone() }
    };
    asks.iter().map(open).filter(|ask| ask.count > 0).collect()
}

/// Whether one of a person's roles is asked for.
pub(super) fn may_sit(person: &Approver, ask: &Ask) -> bool {
    person.roles.iter().any(|role| ask.roles.contains(role))
}

/// Finds a seat for a person, moving others to other seats of theirs where need be.
fn seat(
    person: usize,
    people: &[&Approver],
    seats: &[&Ask],
    filled: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for (place, ask) in seats.iter().enumerate() {
        let fits = people.get(person).is_some_and(|person| may_sit(person, ask));
        if !fits || tried.get(place).copied().unwrap_or(true) {
            continue;
        }
        if let Some(tried) = tried.get_mut(place) {
            *tried = true;
        }
        let sitting = filled.get(place).copied().flatten();
        if sitting.is_none_or(|other| seat(other, people, seats, filled, tried)) {
            if let Some(filled) = filled.get_mut(place) {
                *filled = Some(person);
            }
            return true;
        }
    }
    false
}
