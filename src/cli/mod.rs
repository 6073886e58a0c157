//! One file per command.

mod alarms;
mod approval_groups;
pub mod arguments;
mod audit;
mod backup;
mod bounce;
mod caretaker;
mod completions;
mod contacts;
mod deliveries;
mod demo;
mod dispatching;
mod doctor;
mod domains;
mod groups;
mod incidents;
mod lookup;
mod new_file;
mod notices;
mod operator;
mod output;
mod partners;
mod password;
mod progress;
mod report;
mod retention;
mod send;
mod serve;
mod services;
mod session;
mod sessions;
mod supervision;
mod suppressions;
pub mod table;
mod templates;
mod times;
mod tokens;
mod users;
mod values;
mod worker;
mod workers;

pub use arguments::Arguments;
pub use operator::operator;
pub use session::{Environment, Exit, SAID, Session, process_environment, say, say_as_log};

use arguments::Command;

/// Runs one command.
///
/// # Errors
/// What went wrong, where, and what to do about it.
pub async fn run(session: Session, command: Command) -> anyhow::Result<Exit> {
    let may_end_notices = matches!(
        command,
        Command::Send(_)
            | Command::Notices(_)
            | Command::Deliveries(_)
            | Command::Worker(_)
            | Command::Serve(_)
    );
    let exit = run_command(&session, command).await;
    if may_end_notices {
        audit::keep_heads(&session).await;
    }
    exit
}

async fn run_command(session: &Session, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Send(arguments) => send::run(session, *arguments).await,
        Command::Contacts(command) => contacts::run(session, command).await,
        Command::Groups(command) => groups::run(session, command).await,
        Command::Templates(command) => templates::run(session, command).await,
        Command::Notices(command) => notices::run(session, command).await,
        Command::Alarms(command) => alarms::run(session, command).await,
        Command::Deliveries(command) => deliveries::run(session, command).await,
        Command::Suppressions(command) => suppressions::run(session, command).await,
        Command::Retention(command) => retention::run(session, command).await,
        Command::Domains(command) => domains::run(session, command).await,
        Command::Audit(command) => audit::run(session, command).await,
        Command::Users(command) => users::run(session, command).await,
        Command::Tokens(command) => tokens::run(session, command).await,
        Command::Serve(arguments) => serve::run(session, arguments).await,
        Command::Bounce(arguments) => bounce::run(session, arguments).await,
        Command::Worker(arguments) => worker::run(session, arguments).await,
        Command::Demo(arguments) => demo::run(session, arguments).await,
        Command::Doctor(arguments) => doctor::run(session, arguments).await,
        Command::Incidents(command) => incidents::run(session, command).await,
        Command::Partners(command) => partners::run(session, command).await,
        Command::Services(command) => services::run(session, command).await,
        Command::Backup(arguments) => backup::make(session, arguments).await,
        Command::Restore(arguments) => backup::restore(session, arguments).await,
        Command::Workers { format } => workers::run(session, format).await,
        Command::Completions { shell } => completions::run(shell),
    }
}
