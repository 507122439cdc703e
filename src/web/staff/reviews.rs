//! The queue of reviews: submissions whose number somebody else sent first. Staff of the place of either see them.

use askama::Template;
use axum::http::StatusCode;

use super::context::PageResult;
use super::registration_access::CampaignAccess;
use jornada_domain::dispute::Dispute;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit;
use jornada_domain::staff::audit::AuditAction;
use jornada_http::page::render;

/// Rows of the page. The oldest come first: the rest follows once they are decided.
const ROWS: u16 = 100;

pub(super) async fn show_queue(access: CampaignAccess) -> PageResult {
    let values = access.principal.visible_values(&access.campaign);
    let disputes = access
        .app
        .store
        .open_disputes(&access.campaign, &values, ROWS);
    let disputes = disputes.await?;
    let mut event = access.new_event(AuditAction::ReviewList);
    for dispute in &disputes {
        event = event.with_subject(audit::registration_subject(dispute.registration.id));
    }
    access
        .record(event.with_detail("rows", disputes.len()))
        .await?;
    let page = QueuePage {
        notice: access.notice("reviews"),
        visit: &access,
        disputes,
    };
    Ok(render(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "staff/reviews.html")]
struct QueuePage<'a> {
    visit: &'a CampaignAccess,
    disputes: Vec<Dispute>,
    notice: &'static str,
}

impl QueuePage<'_> {
    fn review_link(&self, dispute: &Dispute) -> String {
        let path = format!("reviews/{}", dispute.registration.id);
        self.visit.link_to(&path)
    }

    fn label(&self, value: &str) -> String {
        let (campaign, totals) = (&self.visit.campaign, &self.visit.app.live_totals);
        totals.label(campaign, value)
    }
}
