//! What is known of a JSON value after some of its occurrences.

use std::collections::HashMap;

use trueup_connector::LogicalType;

use super::token::{self, Token};
use crate::inference::RuledOut;
use crate::layout::Seen;
use crate::scalar::guess::{Guess, Plan, Sample};

/// What is known of the values of one name, or of the items of one list.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    values: u64,
    nulls: u64,
    /// What the first value is that is not null.
    first: Option<(Token, Sample)>,
    /// The first value that is something else.
    odd: Option<(Token, Sample)>,
    numbers: Guess,
    texts: Guess,
    items: Option<Box<Shape>>,
    members: Members,
}

/// Shapes by name, in the order in which the names were first met.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    names: HashMap<String, usize>,
    shapes: Vec<(String, Shape)>,
}

/// Two values of one name that have no common type: `text in line 3`.
pub(super) type Clash = String;

impl Members {
    /// Takes one object, in which values may stand so deep.
    pub(super) fn see(&mut self, text: &str, line: u64, depth: usize) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or_else(token::too_deep)?;
        for (position, (name, value)) in token::members(text)?.0.into_iter().enumerate() {
            let at = self.find(&name, position);
            if let Some((_, shape)) = self.shapes.get_mut(at) {
                shape.see(value, line, depth)?;
            }
        }
        Ok(())
    }

    pub(super) fn merge(&mut self, later: Self) {
        for (position, (name, shape)) in later.shapes.into_iter().enumerate() {
            let at = self.find(&name, position);
            if let Some((_, known)) = self.shapes.get_mut(at) {
                known.merge(shape);
            }
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.shapes.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Shape> {
        self.names.get(name).and_then(|at| self.shapes.get(*at)).map(|(_, shape)| shape)
    }

    /// Where a name stands; it mostly stands where it stood in the object before.
    fn find(&mut self, name: &str, position: usize) -> usize {
        if self.shapes.get(position).is_some_and(|(known, _)| known == name) {
            return position;
        }
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        self.names.insert(name.to_owned(), self.shapes.len());
        self.shapes.push((name.to_owned(), Shape::default()));
        self.shapes.len() - 1
    }
}

impl Shape {
    fn see(&mut self, text: &str, line: u64, depth: usize) -> Result<(), String> {
        let token = Token::of(text);
        if token == Token::Null {
            self.nulls += 1;
            return Ok(());
        }
        self.values += 1;
        match &self.first {
            None => self.first = Some((token, Sample::new(text.as_bytes(), line))),
            Some((first, _)) if *first != token && self.odd.is_none() => {
                self.odd = Some((token, Sample::new(text.as_bytes(), line)));
            }
            Some(_) => {}
        }
        match token {
            Token::Number => self.numbers.see_number(text.as_bytes(), || line),
            Token::String => {
                let text = token::string(text).ok_or("a string is malformed")?;
                self.texts.see(text.as_bytes(), || line);
            }
            Token::Object => self.members.see(text, line, depth)?,
            Token::List => {
                let depth = depth.checked_sub(1).ok_or_else(token::too_deep)?;
                let items = self.items.get_or_insert_default();
                token::items(text)?
                    .into_iter()
                    .try_for_each(|item| items.see(item, line, depth))?;
            }
            Token::Null | Token::Bool => {}
        }
        Ok(())
    }

    fn merge(&mut self, later: Self) {
        self.values += later.values;
        self.nulls += later.nulls;
        if self.odd.is_none() {
            self.odd = match (&self.first, later.first.clone()) {
                (Some((mine, _)), Some((theirs, sample))) if *mine != theirs => {
                    Some((theirs, sample))
                }
                _ => later.odd,
            };
        }
        self.first = self.first.take().or(later.first);
        self.numbers.merge(later.numbers);
        self.texts.merge(later.texts);
        self.members.merge(later.members);
        match (&mut self.items, later.items) {
            (Some(mine), Some(theirs)) => mine.merge(*theirs),
            (mine, theirs) => *mine = mine.take().or(theirs),
        }
    }

    /// What was seen of a column; in `rows` records it was null or not there otherwise.
    pub(super) fn seen(&self, rows: u64) -> Result<Seen, Clash> {
        let (plan, ruled_out) = self.plan()?;
        let nulls = rows.saturating_sub(self.values);
        let unit = self.texts.unit();
        Ok(Seen { plan, unit, ruled_out, values: self.values, nulls })
    }

    fn plan(&self) -> Result<(Plan, Vec<RuledOut>), Clash> {
        if let (Some((first, _)), Some((odd, sample))) = (&self.first, &self.odd) {
            let clash = sample.rules_out("");
            return Err(format!(
                "`{}` in line {} is {}, but the values before it are {}; declare the type, or mend the file",
                clash.value,
                clash.line,
                odd.name(),
                first.name()
            ));
        }
        let bare = |ty| Ok((Plan::new(ty), Vec::new()));
        match self.first.as_ref().map(|(token, _)| token) {
            None | Some(Token::Null) => bare(LogicalType::Null),
            Some(Token::Bool) => bare(LogicalType::Bool),
            Some(Token::Number) => self.number(),
            Some(Token::String) => Ok(self.text()),
            Some(Token::List) => bare(LogicalType::List(Box::new(self.item()?))),
            Some(Token::Object) => bare(LogicalType::Struct(self.member_types()?)),
        }
    }

    fn number(&self) -> Result<(Plan, Vec<RuledOut>), Clash> {
        let (plan, ruled_out) = self.numbers.finish_numbers();
        match (&plan.ty, ruled_out.last()) {
            (LogicalType::Text, Some(last)) => Err(format!(
                "{last}: no type holds all digits of these numbers; declare one, as float"
            )),
            _ => Ok((plan, ruled_out)),
        }
    }

    /// A text is a date, datetime or instant where all are, and never a number.
    fn text(&self) -> (Plan, Vec<RuledOut>) {
        let (plan, ruled_out) = self.texts.finish();
        let is_time =
            matches!(plan.ty, LogicalType::Date | LogicalType::Datetime | LogicalType::Instant);
        match is_time {
            true => (plan, ruled_out),
            false => {
                let was_time =
                    |r: &RuledOut| ["a date", "a datetime", "an instant"].contains(&r.ty.as_str());
                let ruled_out = ruled_out.into_iter().filter(was_time).collect();
                (Plan::new(LogicalType::Text), ruled_out)
            }
        }
    }

    fn item(&self) -> Result<LogicalType, Clash> {
        self.items.as_ref().map_or(Ok(LogicalType::Null), |items| Ok(items.plan()?.0.ty))
    }

    fn member_types(&self) -> Result<Vec<(String, LogicalType)>, Clash> {
        let members = self.members.shapes.iter();
        members.map(|(name, shape)| Ok((name.clone(), shape.plan()?.0.ty))).collect()
    }
}
