//! Paths of existing programs that send votes, from the campaign files: their names of the fields, in what they send and in
//! the errors that they get.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::address::ClientAddress;
use super::api::votes::{media_type, receive_vote};
use super::error::{AnsweredToProgram, Error};
use super::write_task::WriteTask;
use jornada_domain::Campaign;
use jornada_domain::campaign::Alias;
use jornada_http::vote_body::{VoteItem, VoteItemError, parse_form, parse_vote};
use jornada_service::votes::CastError;

/// Takes in a vote at the path of an alias; for any other path, there is no such page.
pub async fn cast_by_alias(
    State(app): State<AppState>,
    client: ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    let found = find_alias(&app, request.uri().path());
    let (campaign, index) = found.ok_or(Error::NoSuchPage)?;
    let received = if request.method() == Method::POST {
        let campaign = campaign.clone();
        receive_vote(&app, campaign, Some(index), client, task, request).await
    } else {
        Err(Error::MethodNotAllowed)
    };
    let mut response = received.unwrap_or_else(IntoResponse::into_response);
    Ok(match &campaign.aliases[index].reply {
        Some(reply) if response.status().is_success() => {
            ([(header::CONTENT_TYPE, "application/json")], reply.clone()).into_response()
        }
        _ => {
            response.extensions_mut().insert(AnsweredToProgram);
            response
        }
    })
}

/// Returns the campaign of an alias and the number of the alias in it.
fn find_alias<'a>(app: &'a AppState, path: &str) -> Option<(&'a Arc<Campaign>, usize)> {
    app.campaigns.iter().find_map(|campaign| {
        let mut aliases = campaign.aliases.iter();
        let index = aliases.position(|alias| alias.path == path)?;
        Some((campaign, index))
    })
}

/// Parses the vote of an existing program: JSON whatever type it names, as many clients send it, or a form. Its fields get the
/// names of the campaign.
pub(super) fn parse_aliased(
    alias: &Alias,
    headers: &HeaderMap,
    body: &[u8],
    members: usize,
) -> VoteItem {
    let is_form = media_type(headers) == "application/x-www-form-urlencoded";
    let mut item = if is_form && !body.trim_ascii_start().starts_with(b"{") {
        parse_form(body, members)
    } else {
        parse_vote(body, members)
    };
    let rename = |name: &mut String| {
        if let Some(field) = alias.fields.get(name) {
            field.clone_into(name);
        }
    };
    for (name, _) in &mut item.answers.parts {
        rename(name);
    }
    if let Some(VoteItemError::NotAText(name) | VoteItemError::TooManyMembers(name)) =
        &mut item.error
    {
        rename(name);
    }
    item
}

/// Names the fields in the errors of a vote as the program does.
pub(super) fn with_sent_names(alias: &Alias, mut error: CastError) -> CastError {
    if let CastError::Invalid(errors) = &mut error {
        for error in errors {
            error.field = alias.sent_name(&error.field).to_owned();
        }
    }
    error
}
