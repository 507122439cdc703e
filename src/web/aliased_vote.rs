//! Votes of existing programs: they have their own names of the fields, in what they send and in the errors that they get.

use axum::http::HeaderMap;

use jornada_domain::campaign::Alias;
use jornada_http::media_type::{FORM, media_type};
use jornada_http::vote_body::{VoteItem, VoteItemError, parse_form, parse_vote};
use jornada_service::votes::CastError;

/// Parses the vote of an existing program: JSON whatever type it names, as many clients send it, or a form. Its fields get the
/// names of the campaign.
pub fn parse_aliased(alias: &Alias, headers: &HeaderMap, body: &[u8], members: usize) -> VoteItem {
    let is_form = media_type(headers) == FORM;
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
pub fn with_sent_names(alias: &Alias, mut error: CastError) -> CastError {
    if let CastError::Invalid(errors) = &mut error {
        for error in errors {
            error.field = alias.sent_name(&error.field).to_owned();
        }
    }
    error
}
