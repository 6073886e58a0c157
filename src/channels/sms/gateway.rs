//! One gateway: reach it, ask it, hand it a message.

use std::fmt;
use std::time::Duration;

use reqwest::RequestBuilder;
use secrecy::ExposeSecret;
use url::Url;

use crate::domain::outcome::{Outcome, Reason};
use crate::domain::settings::{SmsGateway, SmsGatewayKind, SmsRequestValues, SmsSender};

use super::exchange::{Answer, Exchange, Failure};
use super::{OutgoingSms, described, kannel, seven, twilio, wording};

/// A shorter password cannot be told from other words, in bytes.
const SHORTEST_SECRET: usize = 6;

/// An SMS gateway that is spoken to over HTTP. It keeps its connections for the next message.
#[derive(Clone)]
pub struct Gateway {
    settings: SmsGateway,
    sender: Option<String>,
    /// The address that it reports to, up to the delivery's name.
    reports_to: String,
    exchange: Exchange,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("place", &self.exchange.place()).finish_non_exhaustive()
    }
}

impl Gateway {
    /// The gateway called `provider`; it reports to `public_url`, below `/hooks/sms/PROVIDER`.
    pub fn new(provider: &str, gateway: &SmsGateway, sender: Option<&SmsSender>, public_url: &Url) -> Self {
        let base = public_url.as_str().trim_end_matches('/');
        Self {
            settings: gateway.clone(),
            sender: sender.map(|sender| sender.as_str().to_owned()),
            reports_to: format!("{base}/hooks/sms/{provider}?delivery="),
            exchange: Exchange::new(&gateway.url),
        }
    }

    /// With another limit for one message than 20 seconds.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.exchange = self.exchange.with_limit(limit);
        self
    }

    /// Whether it can be reached at all: connects, with TLS where the address says so, and hangs up.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub async fn open(&self) -> Result<(), Reason> {
        self.exchange.reach().await
    }

    /// Asks whether the login is right, without sending anything, and gives a line for people. A gateway of kind
    /// `http` is only reached: what it could be asked is not known.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub async fn ask(&self) -> Result<String, Reason> {
        let client = self.exchange.client()?;
        let place = self.exchange.place();
        match &self.settings.kind {
            SmsGatewayKind::Kannel => {
                kannel::read_question(place, &self.put(self.kannel().question(client)).await?)
            }
            SmsGatewayKind::Seven => {
                let question = seven::question(client, &self.settings.url, self.password());
                seven::read_question(place, &self.put(question).await?)
            }
            SmsGatewayKind::Twilio => {
                twilio::read_question(place, &self.put(self.twilio().question(client)).await?)
            }
            SmsGatewayKind::Http(_) => {
                self.exchange.reach().await?;
                Ok(format!("{place} can be reached; whether the login is right, only a message shows"))
            }
        }
    }

    async fn put(&self, question: RequestBuilder) -> Result<Answer, Reason> {
        self.ask_for(question).await.map_err(|failure| match failure {
            Failure::NotSent(reason) => reason,
            Failure::NoAnswer(reason) => Reason::new(
                reason.code,
                format!("gateway {}: no complete answer; see the gateway's log", self.exchange.place()),
            ),
        })
    }

    /// Sends `request`; what comes back does not hold our password, whatever it repeats.
    async fn ask_for(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let mut answer = self.exchange.send(request).await?;
        let password = self.password();
        if password.len() >= SHORTEST_SECRET {
            answer.text = answer.text.replace(password, "***");
        }
        Ok(answer)
    }

    /// Hands over one message. Each way in which that can end is in the table of `answer`.
    pub async fn send(&self, message: &OutgoingSms) -> Outcome {
        let refused = wording::refuse(&message.content.text, &self.settings.kind, self.settings.max_segments);
        if let Some(refused) = refused {
            return refused;
        }
        let request = match self.request(message) {
            Ok(request) => request,
            Err(reason) => return Outcome::Ours { reason },
        };
        match self.ask_for(request).await {
            Ok(answer) => self.classify(&answer),
            Err(Failure::NotSent(reason)) => Outcome::Ours { reason },
            Err(Failure::NoAnswer(reason)) => Outcome::Unclear { reason },
        }
    }

    fn request(&self, message: &OutgoingSms) -> Result<RequestBuilder, Reason> {
        let client = self.exchange.client()?;
        let sender = self.sender.as_deref();
        let callback = format!("{}{}", self.reports_to, message.name);
        match &self.settings.kind {
            SmsGatewayKind::Kannel => Ok(self.kannel().request(client, sender, message, &callback)),
            SmsGatewayKind::Seven => {
                Ok(seven::request(client, &self.settings.url, self.password(), sender, message))
            }
            SmsGatewayKind::Twilio => Ok(self.twilio().request(client, sender, message, &callback)),
            SmsGatewayKind::Http(request) => {
                let values = SmsRequestValues {
                    to: message.to.as_str(),
                    from: sender.unwrap_or_default(),
                    text: &message.content.text,
                    name: &message.name,
                    callback_url: &callback,
                    valid_minutes: message.valid_minutes(),
                    username: self.username(),
                    password: self.password(),
                };
                described::request(client, request, &values).map_err(|why| {
                    let place = self.exchange.place();
                    Reason::new(
                        "request",
                        format!("gateway {place}: {why}; correct the provider's templates"),
                    )
                })
            }
        }
    }

    fn classify(&self, answer: &Answer) -> Outcome {
        let place = self.exchange.place();
        match &self.settings.kind {
            SmsGatewayKind::Kannel => kannel::classify(place, answer),
            SmsGatewayKind::Seven => seven::classify(place, answer),
            SmsGatewayKind::Twilio => twilio::classify(place, answer),
            SmsGatewayKind::Http(request) => described::classify(place, &request.answer, answer),
        }
    }

    fn kannel(&self) -> kannel::Account<'_> {
        kannel::Account { url: &self.settings.url, username: self.username(), password: self.password() }
    }

    fn twilio(&self) -> twilio::Account<'_> {
        twilio::Account { url: &self.settings.url, sid: self.username(), token: self.password() }
    }

    fn username(&self) -> &str {
        self.settings.username.as_deref().unwrap_or_default()
    }

    fn password(&self) -> &str {
        self.settings.password.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default()
    }
}
