//! Parses arguments, runs, sets the exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use rundruf::cli::Arguments;

/// Composing is many small allocations on several threads, which this allocator is better at than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match rundruf::wiring::run(arguments) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "rundruf: {error:#}");
            ExitCode::FAILURE
        }
    }
}
