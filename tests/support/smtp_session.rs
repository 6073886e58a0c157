//! One conversation of the SMTP server: command by command, as the script says.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Action, Command, Moment, Options, Received, Record};

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) struct Session {
    connection: usize,
    options: Options,
    record: Arc<Mutex<Record>>,
    buffer: Vec<u8>,
    sender: String,
    recipient: String,
    accepted: usize,
    logged_in: bool,
    encrypted: bool,
}

/// The connection is over.
struct Over;

impl Drop for Session {
    fn drop(&mut self) {
        self.end_transaction();
        self.record.lock().expect("no test panicked in here").open -= 1;
    }
}

impl Session {
    pub(super) fn new(connection: usize, options: Options, record: Arc<Mutex<Record>>) -> Self {
        Self {
            connection,
            options,
            record,
            buffer: Vec::new(),
            sender: String::new(),
            recipient: String::new(),
            accepted: 0,
            logged_in: false,
            encrypted: false,
        }
    }

    pub(super) async fn serve(mut self, tcp: TcpStream) {
        let stream: Box<dyn Stream> = match self.options.implicit_tls.clone() {
            Some(acceptor) => match acceptor.accept(tcp).await {
                Ok(tls) => {
                    self.encrypted = true;
                    Box::new(tls)
                }
                Err(_) => return,
            },
            None => Box::new(tcp),
        };
        // Over is how every conversation ends.
        let _ = self.converse(stream).await;
    }

    async fn converse(&mut self, mut stream: Box<dyn Stream>) -> Result<(), Over> {
        self.act(&mut stream, Command::Connect, "220 sink.example ESMTP").await?;
        loop {
            let line = self.line(&mut stream).await?;
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            self.log(&line, &verb);
            match verb.as_str() {
                "EHLO" => {
                    let capabilities = self.capabilities();
                    self.act(&mut stream, Command::Ehlo, &capabilities).await?;
                }
                "STARTTLS" => stream = self.start_tls(stream).await?,
                "AUTH" => self.log_in(&mut stream, &line).await?,
                "MAIL" => self.mail(&mut stream, &line).await?,
                "RCPT" => self.rcpt(&mut stream, &line).await?,
                "DATA" => self.data(&mut stream).await?,
                "RSET" => {
                    self.end_transaction();
                    self.act(&mut stream, Command::Rset, "250 2.0.0 ok").await?;
                }
                "QUIT" => {
                    self.act(&mut stream, Command::Quit, "221 2.0.0 bye").await?;
                    return Ok(());
                }
                _ => {
                    self.act(&mut stream, Command::Other, "500 5.5.2 unknown command").await?;
                }
            }
        }
    }

    fn log(&self, line: &str, verb: &str) {
        let shown = if verb == "AUTH" { "AUTH …" } else { line };
        let entry = (self.connection, shown.to_owned());
        let mut record = self.record.lock().expect("no test panicked in here");
        record.commands.push(entry);
        record.commands_sent_ahead += usize::from(!self.buffer.is_empty());
    }

    fn capabilities(&self) -> String {
        let mut lines = vec!["sink.example".to_owned(), "8BITMIME".to_owned()];
        if self.options.pipelining {
            lines.push("PIPELINING".to_owned());
        }
        if self.options.starttls.is_some() && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        }
        if self.options.login.is_some() {
            lines.push(format!("AUTH {}", self.options.mechanisms));
        }
        lines.push("ENHANCEDSTATUSCODES".to_owned());
        let last = lines.len() - 1;
        let numbered = lines.iter().enumerate();
        numbered
            .map(|(at, line)| format!("250{}{line}", if at == last { " " } else { "-" }))
            .collect::<Vec<_>>()
            .join("\r\n")
    }

    async fn start_tls(&mut self, mut stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Over> {
        let Some(acceptor) = self.options.starttls.clone() else {
            write(&mut stream, "502 5.5.1 not here\r\n").await?;
            return Ok(stream);
        };
        let reply = format!("220 2.0.0 go ahead{}", self.options.injected);
        if !self.act(&mut stream, Command::StartTls, &reply).await? {
            return Ok(stream);
        }
        let tls = acceptor.accept(stream).await.map_err(|_| Over)?;
        self.encrypted = true;
        self.buffer.clear();
        Ok(Box::new(tls))
    }

    async fn log_in(&mut self, stream: &mut Box<dyn Stream>, line: &str) -> Result<(), Over> {
        let Some((user, password)) = self.options.login.clone() else {
            return write(stream, "503 5.5.1 no login here\r\n").await;
        };
        let right = if let Some(secret) = line.strip_prefix("AUTH PLAIN ") {
            decode(secret) == format!("\0{user}\0{password}")
        } else {
            write(stream, "334 VXNlcm5hbWU6\r\n").await?;
            let given_user = decode(&self.line(stream).await?);
            write(stream, "334 UGFzc3dvcmQ6\r\n").await?;
            let given_password = decode(&self.line(stream).await?);
            (given_user, given_password) == (user, password)
        };
        if !right {
            return write(stream, "535 5.7.8 Error: authentication failed\r\n").await;
        }
        self.logged_in = self.act(stream, Command::Auth, "235 2.7.0 welcome").await?;
        Ok(())
    }

    async fn mail(&mut self, stream: &mut Box<dyn Stream>, line: &str) -> Result<(), Over> {
        if self.options.login.is_some() && !self.logged_in {
            return write(stream, "530 5.7.0 Authentication required\r\n").await;
        }
        if !self.sender.is_empty() {
            return write(stream, "503 5.5.1 Error: nested MAIL command\r\n").await;
        }
        let sender = path(line);
        if self.act(stream, Command::Mail, "250 2.1.0 Ok").await? {
            self.sender = sender;
        }
        Ok(())
    }

    async fn rcpt(&mut self, stream: &mut Box<dyn Stream>, line: &str) -> Result<(), Over> {
        if self.sender.is_empty() {
            return write(stream, "503 5.5.1 Error: need MAIL command\r\n").await;
        }
        self.recipient = path(line);
        self.count_in_flight(1);
        if !self.act(stream, Command::Rcpt, "250 2.1.5 Ok").await? {
            self.count_in_flight(-1);
            self.recipient.clear();
        }
        Ok(())
    }

    async fn data(&mut self, stream: &mut Box<dyn Stream>) -> Result<(), Over> {
        if self.recipient.is_empty() && !self.options.asks_for_body_after_refusal {
            return write(stream, "554 5.5.1 Error: no valid recipients\r\n").await;
        }
        if !self.act(stream, Command::Data, "354 go on").await? {
            return Ok(());
        }
        let mut data = String::new();
        loop {
            let line = self.line(stream).await?;
            if line == "." {
                break;
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        if self.recipient.is_empty() {
            self.end_transaction();
            return write(stream, "554 5.5.1 Error: no valid recipients\r\n").await;
        }
        let action = self.decide(Command::Body);
        // Before the answer: whoever has read it may look into the record at once.
        self.keep(data, &action);
        self.perform(stream, action, "250 2.0.0 Ok: queued as 4F3B21").await?;
        Ok(())
    }

    fn keep(&mut self, data: String, action: &Action) {
        let refused = action.refuses();
        let received = Received {
            connection: self.connection,
            sender: self.sender.clone(),
            recipient: self.recipient.clone(),
            data,
            answered: action.answers(),
            at: tokio::time::Instant::now(),
        };
        self.end_transaction();
        if !refused {
            self.accepted += 1;
            self.record.lock().expect("no test panicked in here").received.push(received);
        }
    }

    fn end_transaction(&mut self) {
        if !self.recipient.is_empty() {
            self.count_in_flight(-1);
        }
        self.sender.clear();
        self.recipient.clear();
    }

    fn count_in_flight(&self, change: isize) {
        let domain = self.recipient.rsplit('@').next().unwrap_or_default().to_owned();
        let mut record = self.record.lock().expect("no test panicked in here");
        let now = record.in_flight.entry(domain.clone()).or_default();
        *now = now.saturating_add_signed(change);
        let now = *now;
        let most = record.most_in_flight.entry(domain).or_default();
        *most = now.max(*most);
    }

    fn decide(&self, command: Command) -> Action {
        (self.options.script)(&Moment {
            connection: self.connection,
            command,
            recipient: &self.recipient,
            accepted: self.accepted,
        })
    }

    /// Answers with `usual` unless the script wants otherwise. Whether the command took effect.
    async fn act(
        &mut self,
        stream: &mut Box<dyn Stream>,
        command: Command,
        usual: &str,
    ) -> Result<bool, Over> {
        let action = self.decide(command);
        self.perform(stream, action, usual).await
    }

    async fn perform(
        &mut self,
        stream: &mut Box<dyn Stream>,
        mut action: Action,
        usual: &str,
    ) -> Result<bool, Over> {
        loop {
            match action {
                Action::Accept => {
                    write(stream, &format!("{usual}\r\n")).await?;
                    return Ok(true);
                }
                Action::Reply(text) => {
                    write(stream, &format!("{text}\r\n")).await?;
                    return Ok(!text.starts_with(['4', '5']));
                }
                Action::ReplyAndClose(text) => {
                    write(stream, &format!("{text}\r\n")).await?;
                    return Err(Over);
                }
                Action::Close => return Err(Over),
                Action::Silence => loop {
                    self.more(stream).await?;
                },
                Action::Endless => loop {
                    write(stream, "250-and so on").await?;
                },
                Action::WhenMoreCame(then) => {
                    if self.buffer.is_empty() {
                        self.more(stream).await?;
                    }
                    action = *then;
                }
                Action::Once(mut told, then) => {
                    let _ = told.wait_for(|told| *told).await;
                    action = *then;
                }
            }
        }
    }

    async fn more(&mut self, stream: &mut Box<dyn Stream>) -> Result<(), Over> {
        let mut piece = vec![0; 64 * 1024];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => Err(Over),
            Ok(length) => {
                self.buffer.extend_from_slice(&piece[..length]);
                Ok(())
            }
        }
    }

    async fn line(&mut self, stream: &mut Box<dyn Stream>) -> Result<String, Over> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 2);
                return Ok(line);
            }
            self.more(stream).await?;
        }
    }
}

async fn write(stream: &mut Box<dyn Stream>, text: &str) -> Result<(), Over> {
    stream.write_all(text.as_bytes()).await.map_err(|_| Over)?;
    stream.flush().await.map_err(|_| Over)
}

/// What stands between the angle brackets.
fn path(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(path, _)| path.to_owned())
}

fn decode(base64: &str) -> String {
    let bytes = data_encoding::BASE64.decode(base64.trim().as_bytes()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
