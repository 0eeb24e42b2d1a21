//! What goes wrong, as data.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::http::Call;

/// What goes wrong, as data; the first fault that strikes a call is the one it has.
///
/// ```
/// let plan = trueup_sandbox::Plan::from_toml(
///     r#"
///     seed = 7
///     [[fault]]
///     kind = "throttle"
///     share = 0.25
///     retry_after = "1"
///     [[fault]]
///     kind = "cut"
///     share = 0.05
///     path = "/Users"
///     "#)?;
/// assert_eq!(plan.fault.len(), 2);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Plan {
    /// What decides which calls are struck.
    pub seed: u64,
    /// The faults.
    pub fault: Vec<Fault>,
}

/// One kind of thing that goes wrong, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: Misfortune,
    /// The share of calls that it strikes, 0 to 1.
    #[serde(default = "always")]
    pub share: f64,
    /// Only calls whose path contains this.
    #[serde(default)]
    pub path: Option<String>,
    /// Only calls of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only from this call on, counted from 0 over the server's life.
    #[serde(default)]
    pub from: u64,
    /// Only up to this call, which is left alone.
    #[serde(default)]
    pub until: Option<u64>,
}

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Misfortune {
    /// 429, with this `Retry-After` or without.
    Throttle {
        /// Seconds or a date.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// An error of this status; nothing is done.
    Error {
        /// The HTTP status.
        #[serde(default = "broken")]
        status: u16,
    },
    /// The connection is cut before anything is done.
    Cut,
    /// The connection is cut in the middle of the answer; what was asked is done.
    CutBody,
    /// The connection is cut in place of the answer; what was asked is done.
    LostAnswer,
    /// The answer comes late.
    Slow {
        /// Milliseconds.
        delay_ms: u64,
    },
    /// A page begins with the last record of the page before.
    DuplicatePage,
    /// A page without records comes before the one asked for.
    EmptyPage,
    /// 401: the token has ended.
    ExpiredToken,
    /// The body ends in the middle, and says it is whole.
    Malformed,
    /// The body is this much larger than it should be.
    Oversized {
        /// Bytes.
        bytes: usize,
    },
    /// A page for people, with status 200, as a proxy on the way gives it.
    WrongType,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// Where it is no TOML, or a name or value in it is not known, in words.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        let plan: Self = toml::from_str(text).map_err(|cause| cause.to_string())?;
        match plan.fault.iter().find(|fault| !(0.0..=1.0).contains(&fault.share)) {
            Some(fault) => Err(format!("the share {} is not between 0 and 1", fault.share)),
            None => Ok(plan),
        }
    }

    /// The same with one more fault, which strikes every call.
    #[must_use]
    pub fn with(mut self, kind: Misfortune) -> Self {
        let (path, method, until) = (None, None, None);
        self.fault.push(Fault { kind, share: 1.0, path, method, from: 0, until });
        self
    }

    /// The same with the last fault striking only this share of calls.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.fault.iter_mut().next_back().into_iter().for_each(|fault| fault.share = share);
        self
    }

    /// The same with the last fault striking only calls whose path contains this.
    #[must_use]
    pub fn on(mut self, path: &str) -> Self {
        let last = self.fault.iter_mut().next_back();
        last.into_iter().for_each(|fault| fault.path = Some(path.to_owned()));
        self
    }

    /// The same with the last fault striking only these calls.
    #[must_use]
    pub fn during(mut self, calls: std::ops::Range<u64>) -> Self {
        if let Some(fault) = self.fault.iter_mut().next_back() {
            fault.from = calls.start;
            fault.until = Some(calls.end);
        }
        self
    }
}

/// A plan at work.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: Plan,
    calls: AtomicU64,
}

impl Faults {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, calls: AtomicU64::new(0) }
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// What goes wrong with this call.
    pub(crate) fn strike(&self, call: &Call) -> Option<&Misfortune> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let faults = (0..).zip(&self.plan.fault);
        let mut struck = faults.filter(|(place, fault)| {
            fault.is_for(call, number)
                && Chance::of(self.plan.seed, *place, number).happens(fault.share)
        });
        struck.next().map(|(_, fault)| &fault.kind)
    }
}

impl Fault {
    fn is_for(&self, call: &Call, number: u64) -> bool {
        let path = self.path.as_ref().is_none_or(|path| call.path.contains(path));
        let method = self.method.as_ref().is_none_or(|method| call.method == *method);
        path && method && number >= self.from && self.until.is_none_or(|until| number < until)
    }
}

fn always() -> f64 {
    1.0
}

fn broken() -> u16 {
    503
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_data() {
        let text = "[[fault]]\nkind = \"slow\"\ndelay_ms = 20\nmethod = \"GET\"\nuntil = 3";
        let plan = Plan::from_toml(text).unwrap();
        assert_eq!(plan.fault[0].kind, Misfortune::Slow { delay_ms: 20 });
        for wrong in
            ["sed = 1", "[[fault]]\nkind = \"slw\"", "[[fault]]\nkind = \"cut\"\nshare = 2"]
        {
            assert!(Plan::from_toml(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_same_calls_are_struck_every_time() {
        let struck = |seed| -> Vec<bool> {
            let plan = Plan { seed, ..Plan::default() }.with(Misfortune::Cut).share(0.3).on("/a");
            let faults = Faults::new(plan);
            let call = Call::default().at("/a/b");
            (0..50).map(|_| faults.strike(&call).is_some()).collect()
        };
        assert_eq!(struck(1), struck(1));
        assert_ne!(struck(1), struck(2));
        let faults = Faults::new(Plan::default().with(Misfortune::Cut).during(1..2));
        let call = Call::default();
        let seen: Vec<bool> = (0..3).map(|_| faults.strike(&call).is_some()).collect();
        assert_eq!(seen, [false, true, false]);
    }
}
