//! The page of one review: the disputed submission beside the registration that has its number, and the decision which
//! of them is kept.

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use tracing::info;

use super::closure::reason_problem;
use super::context::PageResult;
use super::photo::respond_with_photo;
use super::review_access::{Review, ReviewAccess};
use crate::web::error::Error;
use crate::web::filled_form::FilledForm;
use jornada_domain::dispute::{DisputeEnd, DisputeState};
use jornada_domain::moment::truncate_to_ms;
use jornada_domain::reason::MAX_REASON;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{Field, Registration, reason};
use jornada_service::registrations::number::Holder;
use jornada_service::registrations::review;
use jornada_service::registrations::review::{Decision, ReviewContext};

/// Value of the choice that keeps the disputed submission, and of the path of its photo.
const DISPUTED: &str = "disputed";
/// Value of the choice that keeps the registration, and of the path of its photo.
const REGISTERED: &str = "registered";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReviewForm {
    /// Version of the holder that was shown.
    seen: String,
    keep: String,
    reason: String,
}

pub(super) async fn show_review(access: ReviewAccess) -> PageResult {
    let review = access.load(AuditAction::ReviewLook).await?;
    Ok(render_page(&access, &review, &FilledForm::default()))
}

pub(super) async fn show_photo(
    access: ReviewAccess,
    Path((_, _, which)): Path<(String, String, String)>,
) -> PageResult {
    let review = access.find().await?;
    let registration = match which.as_str() {
        DISPUTED => Some(&review.dispute.registration),
        REGISTERED => registered(&review),
        _ => None,
    };
    let registration = registration.ok_or(Error::NoSuchRegistration)?;
    respond_with_photo(&access, registration).await
}

pub(super) async fn decide(access: ReviewAccess, Form(form): Form<ReviewForm>) -> PageResult {
    let review = access.load(AuditAction::ReviewLook).await?;
    let reason = match form.parse(&access, &review) {
        Ok(reason) => reason,
        Err(problem) => {
            let form = FilledForm::rejected(form, problem);
            return Ok(render_page(&access, &review, &form));
        }
    };
    let event = access.new_event(AuditAction::ReviewDecided, &review);
    let event = event.with_detail("keep", &form.keep);
    access
        .record(event.clone().with_detail("reason", &reason))
        .await?;
    let decision = Decision {
        seen: form.seen.clone(),
        by: access.principal.actor(),
        reason,
        at: truncate_to_ms(Timestamp::now()),
    };
    if apply(&access, &review, &form.keep, decision).await? {
        info!(staff = access.principal.log_name(), "decided a review");
        return Ok(access.redirect_with_notice(&access.path("reviews"), "decided"));
    }
    access.record(event.with_detail("outcome", "stale")).await?;
    let review = access.load(AuditAction::ReviewLook).await?;
    let words = text!(access.lang, "staff-review-meanwhile");
    let form = FilledForm::rejected(form, words).with_status(StatusCode::CONFLICT);
    Ok(render_page(&access, &review, &form))
}

/// Returns false if what was shown has changed meanwhile.
async fn apply(
    access: &ReviewAccess,
    review: &Review,
    keep: &str,
    decision: Decision,
) -> Result<bool, Error> {
    let registrations = &access.app.registrations;
    let (store, photos) = (&access.app.store, &registrations.photos);
    if keep == DISPUTED {
        let context = ReviewContext {
            store,
            photos,
            secret: &registrations.secret,
            campaign: &access.campaign,
        };
        return Ok(context.keep(&review.dispute, &decision).await?);
    }
    if review.state.holder.version() != decision.seen {
        return Ok(false);
    }
    let end = DisputeEnd {
        state: DisputeState::NotKept,
        at: decision.at,
        by: decision.by,
        reason: decision.reason,
    };
    let ended = review::end(store, photos, &access.campaign, &review.dispute, &end);
    Ok(ended.await?)
}

/// Returns the registration that has, or had, the number.
fn registered(review: &Review) -> Option<&Registration> {
    let history = review.state.holder.history();
    history.map(|history| &history.registration)
}

impl ReviewForm {
    /// Returns the reason if the decision is allowed. The error is the text for the user.
    fn parse(&self, access: &ReviewAccess, review: &Review) -> Result<String, String> {
        let is_deleted = matches!(review.state.holder, Holder::Deleted { .. });
        let problem = match self.keep.as_str() {
            DISPUTED if is_deleted && !access.principal.may(Permission::Delete) => {
                text!(access.lang, "staff-review-only-admins")
            }
            DISPUTED | REGISTERED => {
                let reason = reason::parse(&self.reason);
                return reason.map_err(|wrong| reason_problem(access, &wrong));
            }
            _ => text!(access.lang, "staff-review-choose"),
        };
        Err(problem.to_owned())
    }
}

fn render_page(access: &ReviewAccess, review: &Review, form: &FilledForm<ReviewForm>) -> Response {
    form.render(&ReviewPage {
        visit: access,
        review,
        form,
    })
}

#[derive(Template)]
#[template(path = "staff/review.html")]
struct ReviewPage<'a> {
    visit: &'a ReviewAccess,
    review: &'a Review,
    form: &'a FilledForm<ReviewForm>,
}

impl ReviewPage<'_> {
    /// Returns each field except photos, with the disputed answer and the registered one.
    fn answers(&self) -> Vec<(&Field, &str, &str)> {
        let disputed = &self.review.dispute.registration.answers;
        let registered = registered(self.review).map(|one| &one.answers);
        let fields = self.visit.campaign.fields.iter().enumerate();
        fields
            .filter(|(_, field)| !field.is_photo())
            .map(|(place, field)| {
                let registered = registered.and_then(|answers| answers.get(place));
                let disputed = disputed.get(place).unwrap_or_default();
                (field, disputed, registered.unwrap_or_default())
            })
            .collect()
    }

    fn registered(&self) -> Option<&Registration> {
        registered(self.review)
    }

    /// Returns what has the number, if that is no registration with it, and what a decision means then.
    fn notice(&self) -> &'static str {
        match &self.review.state.holder {
            Holder::Registration(_) => "",
            Holder::Nobody => text!(self.visit.lang, "staff-review-nobody"),
            Holder::Former { .. } => text!(self.visit.lang, "staff-review-former"),
            Holder::Deleted { .. } => text!(self.visit.lang, "staff-review-deleted"),
        }
    }

    fn seen(&self) -> String {
        self.review.state.holder.version()
    }

    fn is_kept(&self, choice: &str) -> bool {
        self.form.values.keep == choice
    }
}
