//! Submits a registration or the vote of a form: the one path from form and API into the services.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use axum::http::uri::Authority;
use jiff::Timestamp;
use url::Url;

use super::connection::ClientReset;
use super::error::Error;
use super::host::host;
use crate::app::App;
use jornada_domain::{Campaign, Door, FieldError, IdempotencyKey, RejectionReason};
use jornada_http::budget::UploadBudget;
use jornada_http::upload::Upload;
use jornada_service::admission::{Admitted, Evidence, HiddenFields, fingerprint};
use jornada_service::registrations::{Submission, SubmitOutcome};
use jornada_service::votes::{CastVote, SentVote};

/// A submission as received by the form or the API.
#[derive(Debug)]
pub struct ReceivedSubmission<'a> {
    /// Target of the submission.
    pub campaign: &'a Arc<Campaign>,
    /// Address of the client.
    pub client: IpAddr,
    /// The body, without the hidden fields.
    pub upload: Upload,
    /// The idempotency key, or its error, which is reported only if the body is complete.
    pub key: Result<IdempotencyKey, Error>,
    /// The hidden fields of the form.
    pub hidden: HiddenFields,
    /// Whether the HTML form sent it, which requires a timestamp.
    pub is_form: bool,
    /// The solved challenge.
    pub proof: Option<&'a str>,
}

impl<'a> ReceivedSubmission<'a> {
    /// Creates a submission of the API. The script of the HTML form sends the hidden fields; other programs need not.
    pub fn from_api(
        campaign: &'a Arc<Campaign>,
        client: IpAddr,
        mut upload: Upload,
        key: IdempotencyKey,
        proof: Option<&'a str>,
    ) -> Self {
        Self {
            campaign,
            client,
            hidden: HiddenFields::take_from(&mut upload.form),
            upload,
            key: Ok(key),
            is_form: false,
            proof,
        }
    }
}

/// Reads a submission. Counts one that cannot be read, unless the client hung up. Refuses one that a page of another site
/// sent through its visitor: with a body of this kind browsers do so without asking this site.
pub async fn read_upload(
    app: &App,
    uploads: &UploadBudget,
    campaign: &Campaign,
    request: Request,
) -> Result<Upload, Error> {
    if is_cross_site(request.headers()) {
        return Err(Error::CrossSite);
    }
    let reset = request.extensions().get::<ClientReset>().cloned();
    let read = Upload::read(uploads, campaign, request).await;
    read.map_err(|error| {
        let error = Error::from(error);
        if !reset.is_some_and(|reset| reset.is_set()) {
            count_unread(app, campaign, &error);
        }
        error
    })
}

/// Returns whether a browser says that a page of another site sent the request (Fetch Metadata, `Sec-Fetch-Site`; `Origin`, RFC
/// 6454, for older ones). Other programs send neither.
fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "cross-site";
    }
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| Url::parse(origin).ok());
    let from = origin.as_ref().and_then(Url::host_str);
    let host = host(headers);
    let host = host.as_ref().map(Authority::host);
    from.is_none()
        || !from
            .zip(host)
            .is_some_and(|(from, host)| from.eq_ignore_ascii_case(host))
}

fn count_unread(app: &App, campaign: &Campaign, error: &Error) {
    let reasons = match error {
        Error::Invalid(fields) => fields.iter().map(|field| field.error.reason()).collect(),
        Error::Photo { .. } => vec![RejectionReason::Photo],
        Error::InvalidBoth { errors, .. } => {
            let fields = errors.iter().map(|field| field.error.reason());
            fields.chain([RejectionReason::Photo]).collect()
        }
        Error::TextTooLarge => vec![RejectionReason::TooLong],
        Error::Busy => Vec::new(),
        _ => vec![RejectionReason::Unreadable],
    };
    let registrations = &app.registrations;
    registrations.count_unread(campaign, &reasons, Timestamp::now());
}

/// A submission that was admitted.
struct AdmittedSubmission {
    admitted: Admitted,
    upload: Upload,
    key: IdempotencyKey,
}

/// Admits and registers a submission. Call it in a [`WriteTask`](super::write_task::WriteTask), with the body read to its
/// end: a client that is still sending would not read the response.
///
/// # Errors
/// The first of: rate limit, incomplete body, invalid key, bot signals, proof of work, rejection of the answers or of the photo.
/// Nothing is registered in any of these cases.
pub async fn submit(app: &App, received: ReceivedSubmission<'_>) -> Result<SubmitOutcome, Error> {
    let campaign = received.campaign;
    let wants_review = received.hidden.wants_review;
    let AdmittedSubmission {
        admitted,
        upload,
        key,
    } = admit(app, received).await?;
    let submission = Submission {
        form: upload.form,
        photo: upload.photo,
        key,
        wants_review,
    };
    let taken = app
        .registrations
        .submit(&admitted, campaign, submission, Timestamp::now());
    let taken = taken.await;
    drop(upload.reservation);
    let revealed = match &taken {
        Ok(SubmitOutcome::InReview(_)) => true,
        Ok(_) => false,
        Err(error) => error.reveals_identity(),
    };
    admitted.settle(revealed);
    taken.map_err(|error| Error::from_submit_error(error, campaign))
}

/// Admits and casts a vote of the form, with or without its script. Like [`submit`] otherwise.
pub async fn submit_vote(app: &App, received: ReceivedSubmission<'_>) -> Result<CastVote, Error> {
    let campaign = received.campaign;
    let AdmittedSubmission {
        admitted,
        upload,
        key,
    } = admit(app, received).await?;
    let vote = Ok(SentVote {
        answers: upload.form,
        key: Some(key.into()),
    });
    let cast = app
        .votes
        .cast(campaign, Door::Form, vote, Timestamp::now())
        .await;
    admitted.settle(false);
    cast.map_err(|error| Error::from_cast_error(error, campaign))
}

/// Returns the submission, or every mistake that is known of it: a photo that is too large hides no wrong answer.
fn check_upload(campaign: &Campaign, mut upload: Upload) -> Result<Upload, Error> {
    let Some(first) = upload.take_error().map(Error::from) else {
        return Ok(upload);
    };
    let mistakes = || campaign.validate(&upload.form).err().unwrap_or_default();
    Err(match first {
        Error::Photo { field, error } => {
            let errors = mistakes();
            if errors.is_empty() {
                Error::Photo { field, error }
            } else {
                Error::InvalidBoth {
                    errors,
                    field,
                    photo: error,
                }
            }
        }
        Error::Invalid(mut errors) => {
            let is_new = |one: &FieldError| errors.iter().all(|known| known.field != one.field);
            let more: Vec<_> = mistakes().into_iter().filter(is_new).collect();
            errors.extend(more);
            Error::Invalid(errors)
        }
        other => other,
    })
}

async fn admit(app: &App, received: ReceivedSubmission<'_>) -> Result<AdmittedSubmission, Error> {
    let ReceivedSubmission {
        campaign, client, ..
    } = received;
    let complete = check_upload(campaign, received.upload);
    let complete = complete.and_then(|upload| Ok((upload, received.key?)));
    let evidence = complete.as_ref().ok().map(|(upload, key)| Evidence {
        honeypot_filled: received.hidden.is_filled,
        form_timestamp: received.hidden.timestamp,
        timestamp_required: received.is_form,
        proof: received.proof.map(str::to_owned),
        fingerprint: fingerprint(key.as_str(), &upload.form),
        wants_review: received.hidden.wants_review,
    });
    let admission = &app.admission;
    let admitted = admission.admit(campaign, client, evidence.as_ref(), Timestamp::now());
    let admitted = admitted.await?;
    let (upload, key) = complete.inspect_err(|error| count_unread(app, campaign, error))?;
    Ok(AdmittedSubmission {
        admitted,
        upload,
        key,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_tells_who_sent_a_form() {
        for (site, origin, expected) in [
            (None, None, false),
            (
                Some("same-origin"),
                Some("https://jornada.example.org"),
                false,
            ),
            (Some("same-site"), Some("https://example.org"), false),
            (Some("none"), None, false),
            (
                Some("cross-site"),
                Some("https://jornada.example.org"),
                true,
            ),
            (None, Some("https://jornada.example.org"), false),
            (None, Some("http://JORNADA.example.org:81"), false),
            (None, Some("https://jornada.example.org.evil.example"), true),
            (None, Some("https://evil.example"), true),
            (None, Some("null"), true),
            (None, Some("jornada.example.org"), true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("host", "jornada.example.org:8443".parse().unwrap());
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(is_cross_site(&headers), expected, "{site:?} {origin:?}");
        }
    }
}
