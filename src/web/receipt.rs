//! Receipt page: the receipt number, and a QR code with its URL. Contains no personal data.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;

use super::AppState;
use super::address::ClientAddress;
use super::error::Error;
use super::qr::Qr;
use jornada_domain::dispute::{DisputeReceipt, DisputeState};
use jornada_domain::{Campaign, CampaignId, ReceiptNumber};
use jornada_http::page::{PageContext, render};
use jornada_store::Receipt;

/// Route of the receipt.
pub fn router() -> Router<AppState> {
    Router::new().route("/r/{number}", get(show_receipt))
}

async fn show_receipt(
    State(app): State<AppState>,
    Path(number): Path<String>,
    visit: PageContext,
    ClientAddress(client): ClientAddress,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let number = ReceiptNumber::parse(&number).ok_or(Error::NoSuchRegistration)?;
    let admitted = app.admission.admit_lookup(client).await?;
    let found = find_receipt(&app, number).await;
    let disputed = match &found {
        Ok(None) => find_dispute(&app, number).await,
        _ => Ok(None),
    };
    admitted.settle(matches!((&found, &disputed), (Ok(None), Ok(None))));
    let address = format!("{}/r/{number}", app.base_url(&headers));
    let qr = Qr::encode(&address).map_err(|error| Error::Internal(error.into()))?;
    if let Some((campaign, receipt)) = disputed? {
        let campaign = app.campaign(campaign.as_str())?;
        let page = ReviewPage {
            visit: &visit,
            campaign,
            is_open: receipt.state == DisputeState::Open,
            value: app.live_totals.label(campaign, &receipt.tally_value),
            receipt,
            number,
            qr,
        };
        return Ok(render(StatusCode::OK, &page));
    }
    let receipt = found?.ok_or(Error::NoSuchRegistration)?;
    let campaign = app.campaign(receipt.campaign.as_str())?;
    let page = ReceiptPage {
        visit: &visit,
        campaign,
        receipt: &receipt,
        value: app.live_totals.label(campaign, &receipt.tally_value),
        number,
        qr,
    };
    Ok(render(StatusCode::OK, &page))
}

/// Finds the registration or the vote with this number.
async fn find_receipt(app: &AppState, number: ReceiptNumber) -> Result<Option<Receipt>, Error> {
    let registration = app.store.receipt(number).await;
    if let Ok(Some(_)) = registration {
        return Ok(registration?);
    }
    let vote = app.store.vote(number).await?;
    // While the primary does not answer, a vote may be found although the registrations could not be searched.
    if vote.is_none() {
        registration?;
    }
    // The id of a vote without a key is made of its time, so that its number could be guessed.
    let Some(mut vote) = vote.filter(|vote| !vote.id.is_of_time(vote.received_at)) else {
        return Ok(None);
    };
    let campaign = app.campaign(vote.campaign.as_str())?;
    let field = campaign.tally_field();
    let answer = vote.answers.remove(&field.name).unwrap_or_default();
    Ok(Some(Receipt {
        id: vote.id,
        campaign: vote.campaign,
        tally_value: field.tally_value(&answer),
        received_at: vote.received_at,
    }))
}

/// Finds the dispute with this number; none if it was erased.
async fn find_dispute(
    app: &AppState,
    number: ReceiptNumber,
) -> Result<Option<(CampaignId, DisputeReceipt)>, Error> {
    let found = app.store.dispute_receipt(number).await?;
    let known = found.filter(|(_, _, receipt)| receipt.state != DisputeState::Erased);
    Ok(known.map(|(campaign, _, receipt)| (campaign, receipt)))
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    receipt: DisputeReceipt,
    /// Whether staff have not decided yet.
    is_open: bool,
    /// The tallied value as it is shown.
    value: String,
    number: ReceiptNumber,
    qr: Qr,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct ReceiptPage<'a> {
    visit: &'a PageContext,
    campaign: &'a Campaign,
    receipt: &'a Receipt,
    /// The tallied value as it is shown.
    value: String,
    number: ReceiptNumber,
    qr: Qr,
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_domain::RegistrationId;
    use jornada_domain::registration::UniqueKey;
    use jornada_testkit::campaign::example;
    use jornada_testkit::page::visit;

    #[test]
    fn a_receipt_shows_number_time_value_and_code() {
        let campaign = example();
        let key = UniqueKey::Answer("1234567".into());
        let id = RegistrationId::derive(&[7; 32], &campaign.id, &key);
        let receipt = Receipt {
            id,
            campaign: campaign.id.clone(),
            tally_value: "Bogotá".into(),
            received_at: "2026-11-21T21:05:00Z".parse().unwrap(),
        };
        let page = ReceiptPage {
            visit: &visit("/r/x", "es"),
            campaign: &campaign,
            receipt: &receipt,
            value: receipt.tally_value.clone(),
            number: id.receipt(),
            qr: Qr::encode("https://example.org/r/x").unwrap(),
        };
        let html = page.render().unwrap();
        for shown in [
            &format!("<strong>{}</strong>", id.receipt()),
            "21 de noviembre de 2026, 4:05 p. m.",
            "<dd>Bogotá</dd>",
            "viewBox=\"0 0 33 33\"",
        ] {
            assert!(html.contains(shown), "{shown}");
        }
        assert!(!html.contains("1234567"));
    }
}
