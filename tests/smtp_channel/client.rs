//! Our side of the wire.

use std::time::Duration;

use rundruf::channels::email::{Connector, Limits, SessionEnd, session};
use rundruf::domain::settings::{SmtpRelay, SmtpTls};

use crate::list_feed::ListFeed;
use crate::smtp_server::{Options, SmtpServer};

/// Plain SMTP to a port of this machine.
pub fn plain(port: u16) -> SmtpRelay {
    SmtpRelay { host: "127.0.0.1".to_owned(), port, tls: SmtpTls::None, credentials: None }
}

/// Opens one connection to a server with `options` and sends what `feed` has.
pub async fn send(options: Options, limits: Limits, feed: &mut ListFeed) -> (SmtpServer, SessionEnd) {
    let server = SmtpServer::start(options).await;
    let end = send_again(&server, limits, feed).await;
    (server, end)
}

/// The same over a new connection.
pub async fn send_again(server: &SmtpServer, limits: Limits, feed: &mut ListFeed) -> SessionEnd {
    let connector = Connector::new(plain(server.address.port()), limits);
    let mut connection = connector.open().await.expect("the server is there");
    let end = session::run(&mut connection, feed).await;
    feed.assert_every_mail_was_reported_once();
    end
}

/// Short enough for tests that wait for a time limit to pass.
pub fn impatient() -> Limits {
    let moment = Duration::from_millis(500);
    Limits { envelope: moment, body: moment, greeting: moment, ..Limits::default() }
}
