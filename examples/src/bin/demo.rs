//! `make demo`: two real systems compared, and made to agree.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use trueup_examples::Result;
use trueup_examples::demo::{Settings, Task, USAGE, carry_out, run};

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&*error);
            ExitCode::FAILURE
        }
    }
}

fn demo() -> Result<()> {
    let mut out = anstream::stdout().lock();
    match Settings::parse(std::env::args_os().skip(1))? {
        Task::Run(settings) => drop(run(&settings, &mut out)?),
        Task::CarryOut => carry_out()?,
        _ => write!(out, "{USAGE}")?,
    }
    Ok(())
}

fn complain(error: &(dyn Error + 'static)) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    anstream::eprintln!("\n{style}error:{style:#} {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        anstream::eprintln!("  because {error}");
        cause = error.source();
    }
}
