//! Reports as gateways send them, and as forgers would.

use aws_lc_rs::hmac;
use data_encoding::{BASE64, HEXLOWER};
use md5::{Digest as _, Md5};
use secrecy::SecretString;

use super::*;
use crate::domain::ids::DeliveryId;
use crate::domain::outcome::Fault;
use crate::domain::settings::{SmsAnswerForm, SmsEscape, SmsRequest, SmsRequestMethod, SmsRequestTemplate};

fn delivery() -> DeliveryId {
    "018f3a7b-1c2d-7e3f-8a4b-5c6d7e8f9a0b".parse().unwrap()
}

fn seal() -> Seal {
    Seal::new(b"key")
}

fn name() -> String {
    seal().name(SealPurpose::SmsReport, delivery(), 2)
}

fn provider(kind: SmsGatewayKind) -> SmsProvider {
    let gateway = SmsGateway {
        kind,
        url: "https://sms.example/".parse().unwrap(),
        username: Some("AC1".to_owned()),
        password: Some(SecretString::from("token")),
        signing_secret: None,
        max_segments: 10,
    };
    SmsProvider {
        name: "gateway".to_owned(),
        transport: SmsTransport::Gateway(gateway),
        rate: None,
        counts_segments: true,
    }
}

fn described() -> SmsGatewayKind {
    SmsGatewayKind::Http(Box::new(SmsRequest {
        method: SmsRequestMethod::Get,
        url: SmsRequestTemplate::parse("https://sms.example/", SmsEscape::Percent).unwrap(),
        headers: Vec::new(),
        body: None,
        answer: SmsAnswerForm::default(),
    }))
}

fn call(
    provider: &SmsProvider,
    query: &[(&str, &str)],
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Receipt, CallbackVerdict> {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let (query, headers) = (owned(query), owned(headers));
    let callback = Callback { query: &query, headers: &headers, url: URL, body: body.as_bytes() };
    match read(provider, &seal(), &callback)? {
        Report::Sealed(receipt) => Ok(receipt),
        Report::Named(named) => panic!("{named:?}"),
    }
}

const URL: &str = "https://kdm.example/hooks/sms/gateway?delivery=x";

fn kannel(status: &str, answer: &str) -> Result<Receipt, CallbackVerdict> {
    let query = [("delivery", &*name()), ("status", status), ("answer", answer)];
    call(&provider(SmsGatewayKind::Kannel), &query, &[], "")
}

#[test]
fn kannels_bits_say_what_became_of_it() {
    let receipt = kannel("1", "id:1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:").unwrap();
    assert_eq!((receipt.delivery, receipt.round, receipt.source.as_str()), (delivery(), 2, "gateway"));
    assert_eq!((receipt.kind, receipt.reason.code.as_str()), (ReceiptKind::Delivered, "DELIVRD"));
    let failed = |status: &str, answer: &str, fault: Fault, code: &str| {
        let receipt = kannel(status, answer).unwrap();
        assert_eq!(receipt.kind, ReceiptKind::Failed(fault), "{status} {answer}");
        assert_eq!(receipt.reason.code, code);
    };
    failed("2", "id:1 stat:UNDELIV err:011 text:", Fault::Recipient, "UNDELIV 011");
    failed("34", "stat:EXPIRED", Fault::Recipient, "EXPIRED");
    failed("66", "", Fault::Recipient, "66");
    failed("16", "NACK/0x0000000b/Invalid Destination Address", Fault::Address, "16");
    failed("16", "NACK/0x00000058/Throttling error", Fault::Recipient, "16");
    for underway in ["4", "8", "12"] {
        assert_eq!(kannel(underway, "").unwrap().kind, ReceiptKind::Underway);
    }
    for unreadable in ["", "0", "-1", "delivered", "99999999999"] {
        assert_eq!(kannel(unreadable, ""), Err(CallbackVerdict::Unreadable), "{unreadable}");
    }
}

#[test]
fn without_our_own_name_nothing_is_believed() {
    let forged = Err(CallbackVerdict::Forged);
    let kannel = provider(SmsGatewayKind::Kannel);
    assert_eq!(call(&kannel, &[("status", "1")], &[], ""), forged);
    let other = Seal::new(b"other").name(SealPurpose::SmsReport, delivery(), 2);
    assert_eq!(call(&kannel, &[("delivery", &other), ("status", "1")], &[], ""), forged);
    let purpose = seal().name(SealPurpose::ReturnPath, delivery(), 2);
    assert_eq!(call(&kannel, &[("delivery", &purpose), ("status", "1")], &[], ""), forged);
    assert_eq!(
        call(&kannel, &[("status", "1")], &[], &format!("delivery={}", name())),
        forged,
        "Kannel calls the address that it was given"
    );
    let outbox = SmsProvider { transport: SmsTransport::Outbox("x".into()), ..kannel };
    assert_eq!(call(&outbox, &[("delivery", &name()), ("status", "1")], &[], ""), forged);
}

fn twilio_signature(body: &str, token: &str) -> String {
    let mut form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    form.sort();
    let fields: String = form.into_iter().flat_map(|(name, value)| [name, value]).collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    BASE64.encode(hmac::sign(&key, format!("{URL}{fields}").as_bytes()).as_ref())
}

#[test]
fn twilio_must_have_signed_and_hold_our_name() {
    let twilio = provider(SmsGatewayKind::Twilio);
    let name = name();
    let say = |body: &str, token: &str, query: &[(&str, &str)]| {
        call(&twilio, query, &[("x-twilio-signature", &twilio_signature(body, token))], body)
    };
    let ours: &[(&str, &str)] = &[("delivery", &name)];
    let receipt = say("MessageSid=SM1&MessageStatus=delivered", "token", ours).unwrap();
    assert_eq!(receipt.kind, ReceiptKind::Delivered);
    let failed =
        |code: &str| say(&format!("MessageStatus=undelivered&ErrorCode={code}"), "token", ours).unwrap();
    assert_eq!(failed("30005").kind, ReceiptKind::Failed(Fault::Address));
    assert_eq!(failed("30007").kind, ReceiptKind::Failed(Fault::Policy));
    assert_eq!(failed("30006").kind, ReceiptKind::Failed(Fault::Recipient));
    assert_eq!(failed("30006").reason.code, "30006");
    assert_eq!(say("MessageStatus=sent", "token", ours).unwrap().kind, ReceiptKind::Underway);
    assert_eq!(say("MessageStatus=delivered", "wrong", ours), Err(CallbackVerdict::Forged));
    assert_eq!(call(&twilio, ours, &[], "MessageStatus=delivered"), Err(CallbackVerdict::Forged));
    assert_eq!(say("MessageStatus=delivered", "token", &[]), Err(CallbackVerdict::NoReceipt));
    assert_eq!(say("MessageStatus=dancing", "token", ours), Err(CallbackVerdict::Unreadable));
}

#[test]
fn seven_names_the_delivery_in_the_report() {
    let seven = provider(SmsGatewayKind::Seven);
    let report = |status: &str| {
        format!(
            r#"{{"webhook_event":"dlr","data":{{"msg_id":"7","status":"{status}","foreign_id":"{}"}}}}"#,
            name()
        )
    };
    let kind = |status: &str| call(&seven, &[], &[], &report(status)).map(|receipt| receipt.kind);
    assert_eq!(kind("DELIVERED"), Ok(ReceiptKind::Delivered));
    for failed in ["NOTDELIVERED", "EXPIRED", "REJECTED", "FAILED"] {
        assert_eq!(kind(failed), Ok(ReceiptKind::Failed(Fault::Recipient)), "{failed}");
    }
    for underway in ["BUFFERED", "TRANSMITTED", "ACCEPTED", "UNKNOWN"] {
        assert_eq!(kind(underway), Ok(ReceiptKind::Underway), "{underway}");
    }
    let form = format!("webhook_event=dlr&data%5Bstatus%5D=DELIVERED&data%5Bforeign_id%5D={}", name());
    assert_eq!(call(&seven, &[], &[], &form).unwrap().kind, ReceiptKind::Delivered);
    let other = r#"{"webhook_event":"dlr","data":{"msg_id":"7","status":"DELIVERED"}}"#;
    assert_eq!(call(&seven, &[], &[], other), Err(CallbackVerdict::Forged));
}

#[test]
fn seven_must_have_signed_where_a_secret_is_set() {
    let mut seven = provider(SmsGatewayKind::Seven);
    if let SmsTransport::Gateway(gateway) = &mut seven.transport {
        gateway.signing_secret = Some(SecretString::from("secret"));
    }
    let sign = |body: &str, secret: &str| {
        let digest = HEXLOWER.encode(&Md5::digest(body.as_bytes()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let text = format!("1700000000\nabc\nPOST\n{URL}\n{digest}");
        HEXLOWER.encode(hmac::sign(&key, text.as_bytes()).as_ref())
    };
    let read_signed = |body: &str, secret: &str| {
        let headers =
            [("x-timestamp", "1700000000"), ("x-nonce", "abc"), ("x-signature", &*sign(body, secret))]
                .map(|(name, value)| (name.to_owned(), value.to_owned()));
        read(&seven, &seal(), &Callback { query: &[], headers: &headers, url: URL, body: body.as_bytes() })
    };
    let say = |body: &str, secret: &str| match read_signed(body, secret)? {
        Report::Sealed(receipt) => Ok(receipt),
        Report::Named(named) => panic!("{named:?}"),
    };
    let ours = format!(r#"{{"data":{{"status":"DELIVERED","foreign_id":"{}"}}}}"#, name());
    assert_eq!(say(&ours, "secret").unwrap().kind, ReceiptKind::Delivered);
    assert_eq!(say(&ours, "other"), Err(CallbackVerdict::Forged));
    assert_eq!(call(&seven, &[], &[], &ours), Err(CallbackVerdict::Forged));
    let somebody_elses = r#"{"webhook_event":"dlr","data":{"status":"DELIVERED","foreign_id":null}}"#;
    assert_eq!(say(somebody_elses, "secret"), Err(CallbackVerdict::NoReceipt));
    for foreign in ["", r#","foreign_id":"another-program-7""#] {
        let by_number = format!(r#"{{"data":{{"msg_id":"77149792674","status":"DELIVERED"{foreign}}}}}"#);
        let Ok(Report::Named(named)) = read_signed(&by_number, "secret") else { panic!("{foreign}") };
        assert_eq!((named.reference.as_str(), named.kind), ("77149792674", ReceiptKind::Delivered));
        assert_eq!(read_signed(&by_number, "other"), Err(CallbackVerdict::Forged));
        let unsigned = call(&provider(SmsGatewayKind::Seven), &[], &[], &by_number);
        assert_eq!(unsigned, Err(CallbackVerdict::Forged), "anybody could count numbers up");
    }
}

#[test]
fn any_other_gateway_reports_in_query_form_or_json() {
    let gateway = provider(described());
    let name = name();
    let kind =
        |query: &[(&str, &str)], body: &str| call(&gateway, query, &[], body).map(|receipt| receipt.kind);
    assert_eq!(kind(&[("delivery", &name), ("status", "DELIVRD")], ""), Ok(ReceiptKind::Delivered));
    assert_eq!(kind(&[("delivery", &name)], "state=Undeliv"), Ok(ReceiptKind::Failed(Fault::Recipient)));
    assert_eq!(
        kind(&[], &format!(r#"{{"results":[{{"reference":"{name}","status":"not_delivered"}}]}}"#)),
        Ok(ReceiptKind::Failed(Fault::Recipient))
    );
    assert_eq!(
        kind(&[("delivery", &name)], r#"{"status":"failed","error":"Unknown subscriber"}"#),
        Ok(ReceiptKind::Failed(Fault::Address))
    );
    assert_eq!(
        kind(&[("delivery", &name)], r#"{"status":"blocked"}"#),
        Ok(ReceiptKind::Failed(Fault::Policy))
    );
    assert_eq!(
        kind(&[], &format!(r#"{{"reference":"GW-1","client_ref":"{name}","status":"delivered"}}"#)),
        Ok(ReceiptKind::Delivered),
        "the gateway's own reference may stand beside our name"
    );
    assert_eq!(kind(&[("delivery", &name), ("status", "17")], ""), Err(CallbackVerdict::Unreadable));
    assert_eq!(kind(&[("delivery", &name)], "\u{0}\u{ff}{{{"), Err(CallbackVerdict::Unreadable));
    let deep = "[".repeat(100_000);
    assert_eq!(kind(&[("delivery", &name)], &deep), Err(CallbackVerdict::Unreadable));
}
