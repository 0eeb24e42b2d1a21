//! Finds the narrowest type that holds all values of a column, and remembers why.

use arrow_schema::TimeUnit;
use trueup_connector::LogicalType;

use super::build::Texts;
use super::number;
use super::numbers::Numbers;
use super::time::{self, Moment};
use crate::inference::RuledOut;

/// A value, and the line its record starts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    value: String,
    line: u64,
}

impl Sample {
    pub(crate) fn new(text: &[u8], line: u64) -> Self {
        let text = String::from_utf8_lossy(text.get(..240).unwrap_or(text));
        Self { value: text.chars().take(60).collect(), line }
    }

    pub(crate) fn rules_out(&self, ty: &str) -> RuledOut {
        RuledOut { ty: ty.to_owned(), value: self.value.clone(), line: self.line }
    }
}

/// What kind of value all values so far are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lead {
    #[default]
    Nothing,
    Bool,
    Number,
    Date,
    Datetime,
    Instant,
    Text,
}

impl Lead {
    fn is_not(self) -> &'static str {
        match self {
            Self::Nothing | Self::Text => "a number, date or truth value",
            Self::Bool => "a bool",
            Self::Number => "a number in its plain form",
            Self::Date => "a date",
            Self::Datetime => "a datetime",
            Self::Instant => "an instant",
        }
    }
}

/// What is known of a column after some of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Guess {
    pub(crate) values: u64,
    pub(crate) nulls: u64,
    pub(super) lead: Lead,
    first: Option<Sample>,
    /// The value that made it text, and what it was before.
    odd: Option<(Sample, Lead)>,
    pub(super) numbers: Numbers,
    times: Times,
}

/// The type of a column: what its values mean, and in which unit Arrow counts time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) ty: LogicalType,
    pub(crate) unit: TimeUnit,
}

impl Plan {
    pub(crate) fn new(ty: LogicalType) -> Self {
        Self { ty, unit: TimeUnit::Nanosecond }
    }
}

impl Guess {
    /// Takes a value that is not null. `line` is asked for only where the value is evidence.
    #[inline]
    pub(crate) fn see(&mut self, text: &[u8], line: impl Fn() -> u64) {
        self.values += 1;
        match self.lead {
            Lead::Text => {}
            Lead::Number if number::is_short_int(text) => self.numbers.see_short(text),
            Lead::Date if time::date(text).is_some() => {}
            _ => self.see_slowly(text, line),
        }
    }

    /// Takes the values from this row on; `line` tells the line of a row.
    pub(crate) fn see_from<'a>(
        &mut self,
        first: usize,
        texts: &impl Texts<'a>,
        line: &impl Fn(usize) -> u64,
    ) {
        for row in first..texts.len() {
            match texts.value(row) {
                None => self.nulls += 1,
                Some(raw) => self.see(raw.text, || line(row)),
            }
        }
    }

    /// Takes a JSON number, which need not be in its one plain form to be one.
    pub(crate) fn see_number(&mut self, text: &[u8], line: impl Fn() -> u64) {
        let unsigned = text.strip_prefix(b"-").filter(|_| number::shape(text).is_none());
        // JSON's only other form of a number is a minus before a zero, whose value is zero.
        let plain = unsigned.unwrap_or(text);
        if let Some(shape) = number::shape(plain) {
            self.lead = Lead::Number;
            self.values += 1;
            self.numbers.see(plain, &shape, &line);
        } else {
            self.see(text, line);
        }
    }

    /// The type of JSON numbers, of which only the values count.
    pub(crate) fn finish_numbers(&self) -> (Plan, Vec<RuledOut>) {
        match self.lead {
            Lead::Number => self.numbers.finish_values(),
            _ => self.finish(),
        }
    }

    #[inline]
    pub(crate) fn see_null(&mut self) {
        self.nulls += 1;
    }

    /// Takes what was seen of the rows after these; the same as if one had seen all of them.
    pub(crate) fn merge(&mut self, later: Self) {
        let odd = match (self.lead, later.lead) {
            (Lead::Text, _) | (_, Lead::Nothing) => None,
            (Lead::Nothing, _) => later.odd,
            (mine, theirs) if mine == theirs => None,
            (mine, Lead::Text) => match later.odd {
                Some((sample, before)) if before == mine => Some((sample, mine)),
                _ => later.first.clone().map(|first| (first, mine)),
            },
            (mine, _) => later.first.clone().map(|first| (first, mine)),
        };
        self.values += later.values;
        self.nulls += later.nulls;
        self.lead = match (self.lead, later.lead) {
            (lead, Lead::Nothing) | (Lead::Nothing, lead) => lead,
            (mine, theirs) if mine == theirs => mine,
            _ => Lead::Text,
        };
        self.odd = self.odd.take().or(odd);
        self.first = self.first.take().or(later.first);
        self.numbers.merge(later.numbers);
        self.times.merge(later.times);
    }

    /// The type, and what it is not.
    pub(crate) fn finish(&self) -> (Plan, Vec<RuledOut>) {
        match self.lead {
            Lead::Nothing => (Plan::new(LogicalType::Null), Vec::new()),
            Lead::Bool => (Plan::new(LogicalType::Bool), Vec::new()),
            Lead::Date => (Plan::new(LogicalType::Date), Vec::new()),
            Lead::Number => self.numbers.finish(),
            Lead::Datetime => self.finish_times(LogicalType::Datetime),
            Lead::Instant => self.finish_times(LogicalType::Instant),
            Lead::Text => {
                let odd = self.odd.iter().map(|(sample, before)| sample.rules_out(before.is_not()));
                (Plan::new(LogicalType::Text), odd.collect())
            }
        }
    }

    /// The unit in which times of a declared type can be counted.
    pub(crate) fn unit(&self) -> TimeUnit {
        self.times.unit().unwrap_or(TimeUnit::Nanosecond)
    }

    fn finish_times(&self, ty: LogicalType) -> (Plan, Vec<RuledOut>) {
        match self.times.unit() {
            Some(unit) => (Plan { ty, unit }, Vec::new()),
            None => {
                let why = "in one unit with the others: nanoseconds and years outside 1677 to 2262";
                let first = self.first.iter().map(|sample| sample.rules_out(why));
                (Plan::new(LogicalType::Text), first.collect())
            }
        }
    }

    #[inline(never)]
    fn see_slowly(&mut self, text: &[u8], line: impl Fn() -> u64) {
        if self.first.is_none() {
            self.first = Some(Sample::new(text, line()));
        }
        let lead = self.take(text, &line);
        if self.lead == Lead::Nothing && lead != Lead::Text {
            self.lead = lead;
        } else if self.lead != lead {
            self.odd = Some((Sample::new(text, line()), self.lead));
            self.lead = Lead::Text;
        }
    }

    /// What this value is; numbers and times are noted where the column is made of them so far.
    fn take(&mut self, text: &[u8], line: &impl Fn() -> u64) -> Lead {
        let is = |lead| self.lead == Lead::Nothing || self.lead == lead;
        if is(Lead::Number)
            && let Some(shape) = number::shape(text)
        {
            self.numbers.see(text, &shape, line);
            return Lead::Number;
        }
        if is(Lead::Bool) && matches!(text, b"true" | b"false") {
            return Lead::Bool;
        }
        if is(Lead::Date) && time::date(text).is_some() {
            return Lead::Date;
        }
        if is(Lead::Datetime)
            && let Some(moment) = time::datetime(text)
        {
            self.times.see(moment);
            return Lead::Datetime;
        }
        if is(Lead::Instant)
            && let Some(moment) = time::instant(text)
        {
            self.times.see(moment);
            return Lead::Instant;
        }
        Lead::Text
    }
}

/// Which units hold all times so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    beyond_nanos: bool,
    below_micros: bool,
}

impl Times {
    fn see(&mut self, moment: Moment) {
        self.beyond_nanos |= moment.to_nanos().is_none();
        self.below_micros |= !moment.nanos.is_multiple_of(1000);
    }

    fn merge(&mut self, later: Self) {
        self.beyond_nanos |= later.beyond_nanos;
        self.below_micros |= later.below_micros;
    }

    fn unit(self) -> Option<TimeUnit> {
        match (self.beyond_nanos, self.below_micros) {
            (false, _) => Some(TimeUnit::Nanosecond),
            (true, false) => Some(TimeUnit::Microsecond),
            (true, true) => None,
        }
    }
}

#[cfg(test)]
#[path = "guess_tests.rs"]
mod tests;
