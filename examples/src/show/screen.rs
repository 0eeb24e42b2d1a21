//! Numbered and timed steps with what they found.

use std::io::Write;
use std::time::{Duration, Instant};

use trueup::Context;

use super::live::Live;
use super::text::{Paint, seconds};
use crate::Result;

const WIDTH: usize = 68;

/// Where the demo writes; colours are taken out by the writer where nobody wants them.
pub(crate) struct Screen<'a> {
    out: &'a mut dyn Write,
    live: Live,
    steps: usize,
    started: Instant,
}

/// A step under way.
pub(crate) struct Step {
    title: String,
    started: Instant,
}

impl<'a> Screen<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, live: Live::new(), steps: 0, started: Instant::now() }
    }

    /// Starts a step.
    pub(crate) fn begin(&mut self, title: impl Into<String>) -> Step {
        let title = title.into();
        self.live.show(&format!("   {title} …"));
        Step { title, started: Instant::now() }
    }

    /// What goes along with a step's calls: its progress is shown.
    pub(crate) fn context(&self, step: &Step) -> Context {
        self.live.context(&step.title)
    }

    /// Ends a step: its number, its title and how long it took.
    pub(crate) fn end(&mut self, step: &Step) -> Result<()> {
        let took = step.started.elapsed();
        self.live.clear();
        self.steps += 1;
        let number = Paint::Title.on(format!("{:>2}", self.steps));
        let title = Paint::Title.on(format!("{:<WIDTH$}", step.title));
        let took = Paint::Quiet.on(format!("{:>8}", seconds(took)));
        Ok(writeln!(self.out, "\n{number}  {title}{took}")?)
    }

    /// A line below a step.
    pub(crate) fn line(&mut self, text: impl AsRef<str>) -> Result<()> {
        let text = format!("    {}", text.as_ref());
        Ok(writeln!(self.out, "{}", text.trim_end())?)
    }

    /// A line as it is.
    pub(crate) fn plain(&mut self, text: impl AsRef<str>) -> Result<()> {
        Ok(writeln!(self.out, "{}", text.as_ref())?)
    }

    /// How long it has been going.
    pub(crate) fn took(&self) -> Duration {
        self.started.elapsed()
    }
}
