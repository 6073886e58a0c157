//! The one place that sees everything: from arguments and settings to running parts.

use std::io::IsTerminal;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::cli::arguments::Command;
use crate::cli::{self, Arguments, Exit, SAID, Session, operator, process_environment, say_as_log};
use crate::config;
use crate::domain::chance::Chance;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::ids::IdSource;
use crate::domain::settings::LogFormat;
use crate::http;

/// Runs what `arguments` ask for.
///
/// # Errors
/// What went wrong, where, and what to do about it.
pub fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let is_a_pipe = matches!(arguments.command, Command::Bounce(_));
    match run_command(arguments) {
        // Whatever is wrong here, the mail server must keep the message: any other failure would be final for it.
        Err(error) if is_a_pipe => {
            cli::say(format_args!("rundruf: {error:#}"));
            Ok(Exit::TryAgain)
        }
        other => other,
    }
}

fn run_command(arguments: Arguments) -> anyhow::Result<Exit> {
    // The demo has a configuration of its own: nothing that lies about here may disturb it.
    let settings = if let Command::Demo(_) = &arguments.command {
        config::defaults()?
    } else {
        let environment = process_environment().into_iter();
        config::load(arguments.config.as_deref(), std::path::Path::new(""), environment)?
    };
    log_to_standard_error(settings.log);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let chance = Arc::new(Chance::from_system());
    let session = Session {
        operator: operator(settings.approval.shell_name, std::env::var("USER").ok()),
        settings: Arc::new(settings),
        config: arguments.config,
        ids: Arc::new(IdSource::new(clock.clone(), chance.clone())),
        clock,
        chance,
        environment: process_environment,
        start_http: http::start,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let exit = runtime.block_on(cli::run(session, arguments.command));
    // The program ends now. Taking the runtime apart first would wait for a read of the terminal, or pull the ground
    // from under a dispatcher that an error left running.
    std::mem::forget(runtime);
    exit
}

/// Logs go to standard error, errors only unless `RUNDRUF_LOG` asks for more: commands speak for themselves. As JSON,
/// what is said to a person is a line of the log, too. Only our own: what libraries log is not ours to vouch for, and
/// could name recipients or secrets.
fn log_to_standard_error(format: LogFormat) {
    let ours = filter_fn(|metadata| metadata.target().split("::").next() == Some(env!("CARGO_PKG_NAME")));
    let wanted = EnvFilter::try_from_env("RUNDRUF_LOG");
    let subscriber = tracing_subscriber::registry();
    // A second subscriber is refused; the first serves.
    let _ = match format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            let writer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
            let wanted = wanted.unwrap_or_else(|_| EnvFilter::new("error"));
            subscriber.with(writer.with_filter(ours)).with(wanted).try_init()
        }
        LogFormat::Json => {
            let writer = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
            let mut wanted = wanted.unwrap_or_else(|_| EnvFilter::new("info"));
            if let Ok(said) = format!("{SAID}=info").parse() {
                wanted = wanted.add_directive(said);
            }
            say_as_log();
            subscriber.with(writer.with_filter(ours)).with(wanted).try_init()
        }
    };
}
