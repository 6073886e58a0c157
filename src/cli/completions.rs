//! `completions SHELL`

use clap::CommandFactory;

use super::arguments::Arguments;
use super::output::write_text;
use super::session::{Exit, out};

pub(super) fn run(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    // Into memory first: the generator panics when its writer fails, and a reader may have gone.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "rundruf", &mut script);
    write_text(&mut out(), &String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
