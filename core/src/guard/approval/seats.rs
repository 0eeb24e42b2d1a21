//! Who fills which seat: every voice one at most, as many seats filled as can be.

use super::super::outcome::Ask;
use super::voices::Voice;

/// The asks that are not met yet, each with the number of people that it still lacks.
///
/// Seats are filled by augmenting paths (H. W. Kuhn, 1955), so one voice that could sit in either of
/// two seats never keeps another out of the only one that it could take.
pub(super) fn missing(asks: &[Ask], voices: &[Voice<'_>]) -> Vec<Ask> {
    let seats: Vec<&Ask> = asks.iter().flat_map(|ask| (0..ask.count).map(move |_| ask)).collect();
    let mut filled: Vec<Option<usize>> = vec![None; seats.len()];
    for voice in 0..voices.len() {
        let mut tried = vec![false; seats.len()];
        seat(voice, voices, &seats, &mut filled, &mut tried);
    }
    let open = |ask: &Ask| {
        let empty = seats.iter().zip(&filled).filter(|(of, by)| **of == ask && by.is_none());
        Ask { count: u32::try_from(empty.count()).unwrap_or(u32::MAX), ..ask.clone() }
    };
    asks.iter().map(open).filter(|ask| ask.count > 0).collect()
}

/// Finds a seat for a voice, moving others to other seats of theirs where need be.
fn seat(
    voice: usize,
    voices: &[Voice<'_>],
    seats: &[&Ask],
    filled: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for (place, ask) in seats.iter().enumerate() {
        let fits = voices.get(voice).is_some_and(|voice| voice.may_sit(ask));
        if !fits || tried.get(place).copied().unwrap_or(true) {
            continue;
        }
        if let Some(tried) = tried.get_mut(place) {
            *tried = true;
        }
        let sitting = filled.get(place).copied().flatten();
        if sitting.is_none_or(|other| seat(other, voices, seats, filled, tried)) {
            if let Some(filled) = filled.get_mut(place) {
                *filled = Some(voice);
            }
            return true;
        }
    }
    false
}
