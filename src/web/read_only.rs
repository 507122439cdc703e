//! An instance that only shows (`jornada serve --read-only`): results, charts and the pages of staff. It takes in nothing, so
//! that it can be reached by more people than the doors.

use axum::extract::Request;

use super::AppState;
use super::error::Error;

/// Paths that take forms all the same: without a login staff see nothing.
const LOGIN_PATHS: [&str; 2] = ["/staff/login", "/staff/logout"];

/// Refuses a request that could change something.
pub fn check(app: &AppState, request: &Request) -> Result<(), Error> {
    let is_harmless = request.method().is_safe() || LOGIN_PATHS.contains(&request.uri().path());
    if app.is_read_only && !is_harmless {
        return Err(Error::ReadOnly);
    }
    Ok(())
}
