//! `deliveries show`

use std::fmt::Write as _;

use anyhow::bail;

use crate::app::audit::reading::{Looked, Manner};
use crate::app::deliveries::code_and_words;
use crate::cli::audit::noted;
use crate::cli::lookup::time_cell;
use crate::cli::output::{program, write_text};
use crate::cli::report::delivery_meaning;
use crate::cli::session::{Session, out};
use crate::cli::table::{Format, json_object};
use crate::domain::clock::Timestamp;
use crate::domain::delivery::DeliveryState;
use crate::domain::ids::DeliveryId;
use crate::store::{AttemptRow, DeliveryDetail, Purpose, ReceiptRow};

use super::{reason, row};

/// Shows one delivery with all its tries.
pub(super) async fn run(session: &Session, id: DeliveryId, json: bool) -> anyhow::Result<()> {
    let store = session.open_store(Purpose::Read).await?;
    let Some(detail) = store.delivery(id).await? else {
        bail!("there is no delivery {id}: \"{} deliveries list\" shows all with their ids", program(session));
    };
    let receipts = store.receipts(id).await?;
    let looked = Looked::Deliveries { notice: Some(&detail.delivery.notice) };
    noted(session, &store, looked, Manner::Read, 1).await;
    let text = if json { line(session, &detail, &receipts) } else { words(session, &detail, &receipts)? };
    write_text(&mut out(), &text)?;
    Ok(())
}

fn line(session: &Session, detail: &DeliveryDetail, receipts: &[ReceiptRow]) -> String {
    let delivery = &detail.delivery;
    let mut cells = row(session, Format::Json, delivery);
    cells.push(("round", delivery.round.into()));
    if delivery.state == DeliveryState::Queued.as_str() {
        cells.push(("due_at", Timestamp(delivery.due_at).to_string().into()));
    }
    let tries: Vec<String> = detail.attempts.iter().map(|attempt| attempt_line(session, attempt)).collect();
    let line = json_object(&cells);
    let open = line.strip_suffix('}').unwrap_or(&line);
    let receipts: Vec<String> = receipts.iter().map(|receipt| receipt_line(session, receipt)).collect();
    format!("{open},\"tries\":[{}],\"receipts\":[{}]}}\n", tries.join(","), receipts.join(","))
}

fn receipt_line(session: &Session, receipt: &ReceiptRow) -> String {
    json_object(&[
        ("round", receipt.round.into()),
        ("source", receipt.source.as_str().into()),
        ("received_at", time_cell(session, Format::Json, Timestamp(receipt.received_at))),
        ("kind", receipt.kind.as_str().into()),
        ("code", receipt.code.as_str().into()),
        ("text", receipt.text.as_str().into()),
    ])
}

fn attempt_line(session: &Session, attempt: &AttemptRow) -> String {
    json_object(&[
        ("round", attempt.round.into()),
        ("number", attempt.number.into()),
        ("provider", attempt.provider.as_str().into()),
        ("ended_at", time_cell(session, Format::Json, Timestamp(attempt.ended_at))),
        ("outcome", attempt.outcome.as_str().into()),
        ("code", attempt.code.as_str().into()),
        ("text", attempt.text.as_str().into()),
    ])
}

fn words(session: &Session, detail: &DeliveryDetail, receipts: &[ReceiptRow]) -> anyhow::Result<String> {
    let delivery = &detail.delivery;
    let state: DeliveryState = delivery.state.parse().map_err(anyhow::Error::msg)?;
    let mut text = String::new();
    writeln!(text, "Delivery {}", delivery.id)?;
    writeln!(text, "  notice    {}", delivery.notice)?;
    writeln!(text, "  contact   {}", delivery.contact)?;
    writeln!(text, "  address   {} ({})", delivery.address, delivery.channel)?;
    writeln!(text, "  state     {state}: {}", delivery_meaning(state))?;
    if let Some(reason) = reason(session, delivery) {
        writeln!(text, "  reason    {reason}")?;
    }
    if let Some(reference) = &delivery.provider_ref {
        writeln!(
            text,
            "  provider  {} calls it {reference}",
            delivery.provider.as_deref().unwrap_or_default()
        )?;
    }
    if state == DeliveryState::Queued {
        writeln!(text, "  due       {}", session.local(Timestamp(delivery.due_at)))?;
    }
    writeln!(text, "  changed   {}", session.local(Timestamp(delivery.updated_at)))?;
    if detail.attempts.is_empty() {
        writeln!(text, "No try yet.")?;
    } else {
        writeln!(text, "Tries:")?;
    }
    for attempt in &detail.attempts {
        let round = if delivery.round > 1 { format!("round {}, ", attempt.round) } else { String::new() };
        writeln!(
            text,
            "  {round}{}. {}  {} by {}: {}",
            attempt.number,
            session.local(Timestamp(attempt.ended_at)),
            attempt.outcome,
            attempt.provider,
            code_and_words(&attempt.code, &attempt.text).unwrap_or_default()
        )?;
    }
    if !receipts.is_empty() {
        writeln!(text, "Receipts:")?;
    }
    for receipt in receipts {
        let round = if delivery.round > 1 { format!("round {}, ", receipt.round) } else { String::new() };
        writeln!(
            text,
            "  {round}{}  {} by {}: {}",
            session.local(Timestamp(receipt.received_at)),
            receipt.kind,
            receipt.source,
            code_and_words(&receipt.code, &receipt.text).unwrap_or_default()
        )?;
    }
    if state == DeliveryState::Unclear {
        let program = program(session);
        writeln!(text, "Next: {program} deliveries resolve {} --as sent|failed|resend", delivery.id)?;
    }
    Ok(text)
}
