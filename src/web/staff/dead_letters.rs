//! Dead letters for administrators: the list, one of them with its bytes, its replay, and its deletion.

use askama::Template;
use axum::extract::{Form, Path};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tracing::info;

use super::context::{PageResult, StaffContext};
use crate::web::error::{Error, Malformed};
use crate::web::filled_form::FilledForm;
use jornada_domain::dead_letter::{DeadLetter, DeadLetterPosition, DeadLetterReason};
use jornada_domain::staff::Permission;
use jornada_domain::staff::audit::{AuditAction, AuditEvent, dead_letter_subject};
use jornada_domain::{DeadLetterId, Lang};
use jornada_http::page::render;
use jornada_runtime::messages;
use jornada_service::votes::dead_letter_text::{bytes, escape, place};
use jornada_service::votes::dead_letters::{Replayed, replay};
use jornada_service::votes::queued::{VoteJudge, named_campaign};

const PAGE: &str = "/staff/dead-letters";

/// Letters per page, of up to 64 KiB each.
const ROWS: u8 = 20;

/// Characters of a value in the list.
const MAX_PREVIEW: usize = 120;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct DropForm {
    sure: String,
}

pub(super) async fn list_letters(context: StaffContext) -> PageResult {
    let before = read_position(&context.query_value("before"))?;
    let event = AuditEvent::new(AuditAction::DeadLettersRead);
    context.record(event.with_detail("newest", ROWS)).await?;
    let store = &context.app.store;
    let mut letters = store.dead_letters(before, ROWS + 1).await?;
    let has_more = letters.len() > usize::from(ROWS);
    letters.truncate(ROWS.into());
    let page = ListPage {
        visit: &context,
        notice: context.notice("dead-letters"),
        older: letters.last().filter(|_| has_more).map(older_position),
        letters: letters
            .iter()
            .map(|letter| Row::new(&context, letter))
            .collect(),
    };
    Ok(render(StatusCode::OK, &page))
}

pub(super) async fn show_letter(context: StaffContext, Path(id): Path<String>) -> PageResult {
    let letter = load(&context, &id).await?;
    record(&context, AuditAction::DeadLettersRead, letter.id).await?;
    Ok(render_letter(&context, &letter, &FilledForm::new(())))
}

pub(super) async fn replay_letter(context: StaffContext, Path(id): Path<String>) -> PageResult {
    let letter = load(&context, &id).await?;
    record(&context, AuditAction::DeadLettersReplayed, letter.id).await?;
    let (app, id) = (&context.app, letter.id);
    let registrations = &app.registrations;
    let judge = VoteJudge::new(
        app.campaigns.clone(),
        registrations.closures.clone(),
        registrations.secret.clone(),
    );
    match replay(&app.store, &judge, letter).await? {
        Replayed::Stored(_) => {
            info!(
                staff = context.principal.log_name(),
                "replayed a dead letter"
            );
            Ok(context.redirect_with_notice(PAGE, "replayed"))
        }
        Replayed::Refused(_) => {
            let letter = load(&context, &id.to_string()).await?;
            let words = text!(context.lang, "staff-dead-letter-refused");
            let form = FilledForm::rejected((), words).with_status(StatusCode::CONFLICT);
            Ok(render_letter(&context, &letter, &form))
        }
    }
}

pub(super) async fn drop_letter(
    context: StaffContext,
    Path(id): Path<String>,
    Form(form): Form<DropForm>,
) -> PageResult {
    let letter = load(&context, &id).await?;
    if form.sure != "true" {
        let words = text!(context.lang, "staff-dead-letter-tick");
        let form = FilledForm::rejected((), words);
        return Ok(render_letter(&context, &letter, &form));
    }
    record(&context, AuditAction::DeadLettersDropped, letter.id).await?;
    context.app.store.delete_dead_letter(letter.id).await?;
    info!(
        staff = context.principal.log_name(),
        "dropped a dead letter"
    );
    Ok(context.redirect_with_notice(PAGE, "dropped"))
}

async fn load(context: &StaffContext, id: &str) -> Result<DeadLetter, Error> {
    let id = DeadLetterId::parse(id).ok_or(Error::NoSuchPage)?;
    let letter = context.app.store.dead_letter(id).await?;
    letter.ok_or(Error::NoSuchPage)
}

async fn record(
    context: &StaffContext,
    action: AuditAction,
    id: DeadLetterId,
) -> Result<(), Error> {
    let event = AuditEvent::new(action).with_subject(dead_letter_subject(id));
    context.record(event).await
}

/// Parses a position of [`older_position`]; an empty text is the beginning of the list.
fn read_position(text: &str) -> Result<Option<DeadLetterPosition>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let position = text.rsplit_once('-').and_then(|(millisecond, id)| {
        Some(DeadLetterPosition {
            read_at: Timestamp::from_millisecond(millisecond.parse().ok()?).ok()?,
            id: DeadLetterId::parse(id)?,
        })
    });
    position
        .map(Some)
        .ok_or(Error::Malformed(Malformed::Request))
}

/// Returns the position of the last letter of a page.
fn older_position(last: &DeadLetter) -> String {
    format!("{}-{}", last.read_at.as_millisecond(), last.id)
}

fn reason_text(reason: DeadLetterReason, lang: Lang) -> &'static str {
    let name = reason.to_string().replace('_', "-");
    messages::for_language(lang.tag()).get(&format!("staff-dead-letter-reason-{name}"))
}

fn render_letter(context: &StaffContext, letter: &DeadLetter, form: &FilledForm<()>) -> Response {
    form.render(&LetterPage {
        visit: &context.with_path(&format!("{PAGE}/{}", letter.id)),
        row: Row::new(context, letter),
        letter,
        form,
    })
}

/// A letter as the pages show it. All its texts are escaped.
struct Row {
    id: String,
    link: String,
    read_at: Timestamp,
    time: String,
    reason: &'static str,
    place: String,
    campaign: String,
    bytes: u64,
    preview: String,
}

impl Row {
    fn new(context: &StaffContext, letter: &DeadLetter) -> Self {
        let record = &letter.record;
        let zone: &TimeZone = &context.app.campaigns.default().time_zone;
        let local = letter.read_at.to_zoned(zone.clone());
        let named = named_campaign(record);
        Self {
            id: letter.id.to_string(),
            link: context.link(&format!("{PAGE}/{}", letter.id)),
            read_at: letter.read_at,
            time: local.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            reason: reason_text(letter.reason, context.lang),
            place: place(record),
            campaign: named.map_or_else(String::new, |id| escape(&id)),
            bytes: record.value_bytes,
            preview: bytes(&record.value).chars().take(MAX_PREVIEW).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "staff/dead_letters.html")]
struct ListPage<'a> {
    visit: &'a StaffContext,
    letters: Vec<Row>,
    older: Option<String>,
    notice: &'static str,
}

impl ListPage<'_> {
    fn older_link(&self, position: &str) -> String {
        self.visit.link_with_params(PAGE, [("before", position)])
    }
}

#[derive(Template)]
#[template(path = "staff/dead_letter.html")]
struct LetterPage<'a> {
    visit: &'a StaffContext,
    letter: &'a DeadLetter,
    row: Row,
    form: &'a FilledForm<()>,
}

impl LetterPage<'_> {
    /// Returns the URL of an action on the letter.
    fn action(&self, name: &str) -> String {
        let id = self.letter.id;
        self.visit.link(&format!("{PAGE}/{id}/{name}"))
    }

    /// Returns the parts of the record that are there, by their names in the queue.
    fn parts(&self) -> Vec<(&'static str, String)> {
        let record = &self.letter.record;
        let headers = [
            ("campaign", &record.campaign),
            ("door", &record.door),
            ("received_at", &record.received_at),
            ("key", &record.key),
        ];
        let parts = headers.into_iter();
        parts
            .filter_map(|(name, part)| Some((name, bytes(part.as_deref()?))))
            .collect()
    }

    fn value(&self) -> String {
        bytes(&self.letter.record.value)
    }

    fn detail(&self) -> String {
        escape(&self.letter.detail)
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn every_reason_has_words_in_both_languages() {
        for reason in DeadLetterReason::VARIANTS {
            let texts = [Lang::Es, Lang::En].map(|lang| reason_text(*reason, lang));
            assert!(texts[0] != texts[1] && texts.iter().all(|text| !text.is_empty()));
        }
    }

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let id = DeadLetterId::from_bytes([7; 16]);
        let read = read_position(&format!("12-{id}")).unwrap().unwrap();
        assert_eq!((read.id, read.read_at.as_millisecond()), (id, 12));
        assert!(read_position("").unwrap().is_none());
        assert!(read_position("x").is_err() && read_position(&format!("x-{id}")).is_err());
    }
}
