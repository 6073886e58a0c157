//! `tokens …`

use secrecy::ExposeSecret;

use crate::app::accounts::{self, TokenWish};
use crate::domain::account::{AccountName, comma_separated};
use crate::domain::clock::Timestamp;
use crate::store::Purpose;

use super::arguments::{CreateTokenArguments, ListFormat, TokensCommand};
use super::lookup::{open_existing, time_cell};
use super::output::write_text;
use super::session::{Exit, Session, out, say};
use super::table::{Cell, ListWriter};

const COLUMNS: &[&str] = &[
    "name",
    "rights",
    "groups",
    "account",
    "created_at",
    "created_by",
    "expires_at",
    "last_used_at",
    "revoked_at",
];

pub(super) async fn run(session: &Session, command: TokensCommand) -> anyhow::Result<Exit> {
    match command {
        TokensCommand::Create(arguments) => create(session, arguments).await?,
        TokensCommand::List { format } => list(session, format).await?,
        TokensCommand::Revoke { name } => revoke(session, &name).await?,
    }
    Ok(Exit::Done)
}

async fn create(session: &Session, arguments: CreateTokenArguments) -> anyhow::Result<()> {
    let CreateTokenArguments { name, rights, groups, expires } = arguments;
    let store = session.open_store(Purpose::Write).await?;
    let instance = session.open_instance(&store).await?;
    let wish = TokenWish {
        name: name.clone(),
        rights: rights.into_iter().collect(),
        groups: (!groups.is_empty()).then(|| groups.into_iter().collect()),
        expires_at: expires.map(|duration| session.clock.now().plus(duration)),
    };
    let made = accounts::create_token(&instance, &session.actor(), wish).await?;
    store.close().await;
    let ends = session.local(made.expires_at);
    say(format_args!("The token {name} is made; it ends on {ends}. It is shown this once:"));
    write_text(&mut out(), &format!("{}\n", made.token.expose_secret()))?;
    Ok(())
}

async fn list(session: &Session, format: ListFormat) -> anyhow::Result<()> {
    let format = format.format();
    let store = session.open_store(Purpose::Read).await?;
    let instance = session.open_instance(&store).await?;
    let mut out = out();
    let mut list = ListWriter::new(&mut out, format, COLUMNS);
    for token in accounts::tokens(&instance, &session.actor()).await? {
        let time = |at: Option<Timestamp>| at.map_or(Cell::Nothing, |at| time_cell(session, format, at));
        list.row(vec![
            ("name", token.name.into()),
            ("rights", comma_separated(&token.rights).into()),
            ("groups", token.groups.map_or(Cell::Nothing, |groups| comma_separated(&groups).into())),
            ("account", token.account.map_or(Cell::Nothing, Cell::from)),
            ("created_at", time(Some(token.created_at))),
            ("created_by", token.created_by.into()),
            ("expires_at", time(token.expires_at)),
            ("last_used_at", time(token.last_used_at)),
            ("revoked_at", time(token.revoked_at)),
        ])?;
    }
    list.finish()?;
    Ok(())
}

async fn revoke(session: &Session, name: &AccountName) -> anyhow::Result<()> {
    let store = open_existing(session).await?;
    let instance = session.open_instance(&store).await?;
    accounts::revoke_token(&instance, &session.actor(), name).await?;
    store.close().await;
    say(format_args!("The token {name} is worth nothing from now on."));
    Ok(())
}
