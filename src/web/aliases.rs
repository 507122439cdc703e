//! Paths of existing programs that send votes, from the campaign files.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::address::ClientAddress;
use super::api::votes::receive_vote;
use super::error::{AnsweredToProgram, Error};
use super::write_task::WriteTask;
use jornada_domain::Campaign;

/// Takes in a vote at the path of an alias; for any other path, there is no such page. A program that has mistyped its path
/// reads problem+json.
pub async fn cast_by_alias(
    State(app): State<AppState>,
    client: ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    let path = request.uri().path();
    let Some((campaign, index)) = find_alias(&app, path) else {
        let is_program = AnsweredToProgram::fits(request.method(), path);
        let mut response = Error::NoSuchPage.into_response();
        if is_program {
            response.extensions_mut().insert(AnsweredToProgram);
        }
        return Ok(response);
    };
    let mut response = if request.method() == Method::POST {
        let campaign = campaign.clone();
        let received = receive_vote(&app, campaign, Some(index), client, task, request).await;
        received.unwrap_or_else(IntoResponse::into_response)
    } else {
        let mut response = Error::MethodNotAllowed.into_response();
        let allowed = HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, allowed);
        response
    };
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
