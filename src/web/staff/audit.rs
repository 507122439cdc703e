//! The audit log for admins, as pages or as a CSV file. Both write an audit entry before they answer.

pub(super) mod names;
mod query;

use askama::Template;
use axum::body::Body;
use axum::extract::Query;
use axum::http::header;
use axum::response::IntoResponse;
use futures_util::{Stream, StreamExt, stream};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use strum::VariantArray;

use super::context::{PageResult, StaffContext};
use crate::web::error::{Error, Malformed};
use crate::web::filled_form::FilledForm;
use jornada_domain::Lang;
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::staff::audit::ChainEntry;
use jornada_runtime::messages;
use jornada_service::csv_guard::Separator;
use jornada_service::staff::audit::export::{AuditExportFormat, format_detail};
use jornada_store::Store;
use jornada_store::audit::{AuditFilter, StoredEntry};
use names::ActorNames;
use query::AuditQuery;

const PAGE: &str = "/staff/audit";
const EXPORT: &str = "/staff/audit/export.csv";

/// Entries per page.
const ROWS: u16 = 50;
/// Entries of a file held in memory at once.
const BATCH: u16 = 500;

pub(super) async fn show_entries(
    context: StaffContext,
    Query(query): Query<AuditQuery>,
) -> PageResult {
    let app = &context.app;
    let zone = &app.campaigns.default().time_zone;
    let filter = query.to_filter(zone);
    let mut entries = Vec::new();
    if let Ok(filter) = &filter {
        context
            .record(query.to_event(AuditAction::AuditRead))
            .await?;
        let (before, rows) = (query.before(), ROWS + 1);
        entries = app.store.audit_before(filter, before, rows).await?;
    }
    let form = match filter {
        Ok(_) => FilledForm::new(query),
        Err(wrong) => FilledForm::rejected(query, wrong.message(context.lang)),
    };
    let has_more = entries.len() > usize::from(ROWS);
    entries.truncate(ROWS.into());
    let last = entries.last().map(StoredEntry::seq);
    let campaigns = app.campaigns.iter();
    let page = AuditPage {
        visit: &context,
        names: ActorNames::load(&app.store).await?,
        campaigns: campaigns.map(|campaign| campaign.id.as_str()).collect(),
        older: last.filter(|_| has_more),
        entries,
        form: &form,
        zone,
    };
    Ok(form.render(&page))
}

pub(super) async fn export_csv(
    context: StaffContext,
    Query(query): Query<AuditQuery>,
) -> PageResult {
    let (store, zone) = (
        &context.app.store,
        &context.app.campaigns.default().time_zone,
    );
    let filter = query.to_filter(zone);
    let filter = filter.map_err(|_| Error::Malformed(Malformed::AuditFilter))?;
    let event = query.to_event(AuditAction::AuditExport);
    let format = AuditExportFormat::Csv(Separator::for_lang(context.lang));
    let event = event.with_detail("format", format);
    context.record(event).await?;
    let (kind, name) = (
        "text/csv; charset=utf-8; header=present",
        "attachment; filename=\"audit.csv\"",
    );
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_DISPOSITION, name),
    ];
    let file = Body::from_stream(stream_entries(store.clone(), filter, format));
    Ok((headers, file).into_response())
}

/// Streams the matching entries. Reads one batch at a time, on demand. If the store fails, the transfer is
/// aborted, so that the client does not take the file for complete.
fn stream_entries(
    store: Store,
    filter: AuditFilter,
    format: AuditExportFormat,
) -> impl Stream<Item = Result<Vec<u8>, anyhow::Error>> {
    let header = stream::once(async move {
        let mut bytes = Vec::new();
        format.write_header(&mut bytes)?;
        Ok(bytes)
    });
    let entries = stream::try_unfold(None, move |before| {
        let (store, filter) = (store.clone(), filter.clone());
        async move {
            let mut bytes = Vec::new();
            let entries = store.audit_before(&filter, before, BATCH).await?;
            let Some(last) = entries.last().map(StoredEntry::seq) else {
                return Ok(None);
            };
            format.write_entries(&entries, &mut bytes)?;
            Ok(Some((bytes, Some(last))))
        }
    });
    header.chain(entries)
}

/// Returns the text of an action for the user.
fn action_text(action: AuditAction, lang: Lang) -> &'static str {
    messages::for_language(lang.tag()).get(&format!("staff-action-{action}"))
}

#[derive(Template)]
#[template(path = "staff/audit.html")]
struct AuditPage<'a> {
    visit: &'a StaffContext,
    names: ActorNames,
    campaigns: Vec<&'a str>,
    entries: Vec<StoredEntry>,
    /// Sequence number before which the next page starts.
    older: Option<u64>,
    form: &'a FilledForm<AuditQuery>,
    zone: &'a TimeZone,
}

impl AuditPage<'_> {
    /// Formats a time to the second, in ISO order.
    fn moment(&self, at: &Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn action_text(&self, action: AuditAction) -> &'static str {
        action_text(action, self.visit.lang)
    }

    fn display_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.names.display_name(name, self.visit.lang)
    }

    /// Returns the display name of a subject. Shortens ids of registrations, since an entry of a search has many.
    fn short_subject(&self, subject: &str) -> String {
        let id = subject.strip_prefix("registration:");
        match id.and_then(|id| id.get(..8)) {
            Some(first) => format!("registration:{first}…"),
            None => self.display_name(subject).to_owned(),
        }
    }

    fn detail_text(entry: &ChainEntry) -> String {
        format_detail(entry)
    }

    /// Returns the link to the current query, starting before another entry.
    fn page_link(&self, before: Option<&u64>) -> String {
        self.form.values.link_to(self.visit, PAGE, before.copied())
    }

    fn export_link(&self) -> String {
        self.form.values.link_to(self.visit, EXPORT, None)
    }

    /// Returns the link to all entries about one subject.
    fn subject_link(&self, subject: &str) -> String {
        AuditQuery::for_subject(subject).link_to(self.visit, PAGE, None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_words_of_its_own() {
        for lang in [Lang::Es, Lang::En] {
            let words: BTreeSet<_> = AuditAction::VARIANTS
                .iter()
                .map(|action| action_text(*action, lang))
                .collect();
            assert_eq!(words.len(), AuditAction::VARIANTS.len());
        }
    }
}
