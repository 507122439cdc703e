//! Paths of existing programs that send votes, from the campaign files.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};

use super::AppState;
use super::address::ClientAddress;
use super::api::votes::receive_vote;
use super::error::{AnsweredToProgram, Error};
use super::write_task::WriteTask;
use jornada_domain::Campaign;
use jornada_domain::campaign::Alias;

/// Takes in a vote at the path of an alias; for any other path, there is no such page.
pub async fn cast_by_alias(
    State(app): State<AppState>,
    client: ClientAddress,
    task: WriteTask,
    request: Request,
) -> Result<Response, Error> {
    let found = find_alias(&app, request.uri().path());
    let (campaign, alias) = found.ok_or(Error::NoSuchPage)?;
    let received = if request.method() == Method::POST {
        receive_vote(&app, campaign.clone(), Some(alias), client, task, request).await
    } else {
        Err(Error::MethodNotAllowed)
    };
    let mut response = received.unwrap_or_else(IntoResponse::into_response);
    Ok(match &alias.reply {
        Some(reply) if response.status().is_success() => {
            ([(header::CONTENT_TYPE, "application/json")], reply.clone()).into_response()
        }
        _ => {
            response.extensions_mut().insert(AnsweredToProgram);
            response
        }
    })
}

fn find_alias<'a>(app: &'a AppState, path: &str) -> Option<(&'a Arc<Campaign>, &'a Alias)> {
    app.campaigns.iter().find_map(|campaign| {
        let alias = campaign.aliases.iter().find(|alias| alias.path == path);
        Some((campaign, alias?))
    })
}
