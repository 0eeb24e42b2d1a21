//! The line that moves while a step is under way.

use std::io::{IsTerminal, Write, stderr};

use trueup::Context;

use super::text::grouped;

const WIDTH: usize = 78;

/// A line on the standard error; nothing where that is no terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Live {
    on: bool,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { on: stderr().is_terminal() }
    }

    /// Shows a text in place of the last.
    pub(crate) fn show(self, text: &str) {
        if self.on {
            // A terminal that has gone away is no reason to stop.
            drop(write!(stderr(), "\r{text:<WIDTH$.WIDTH$}"));
        }
    }

    /// Makes room for what stays.
    pub(crate) fn clear(self) {
        if self.on {
            drop(write!(stderr(), "\r{:WIDTH$}\r", ""));
        }
    }

    /// A context whose progress is shown behind a title.
    pub(crate) fn context(self, title: &str) -> Context {
        // The numbers must have room on the line.
        let title = title.split([':', ',']).next().unwrap_or(title).to_owned();
        Context::new().with_progress(move |progress| {
            let total = progress.total.map(|n| format!(" of {}", grouped(n))).unwrap_or_default();
            let done = grouped(progress.done);
            self.show(&format!("   {title} … {} {done}{total} records", progress.stage));
        })
    }
}
