//! The two cookies of the staff area: the session token, and a token that binds forms before a login to the browser.
//!
//! Over TLS both are `Secure` and have the prefix `__Host-` (RFC 6265bis): no other host and no plain connection can
//! set them.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use jornada_service::staff::token::Token;

/// Maximum length of a cookie value in bytes. Longer values were not set here.
const MAX_VALUE_BYTES: usize = 128;

/// One of the two cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Session,
    Csrf,
}

impl Cookie {
    fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-jornada-session",
            (Self::Session, false) => "jornada-session",
            (Self::Csrf, true) => "__Host-jornada-form",
            (Self::Csrf, false) => "jornada-form",
        }
    }

    /// Reads the token from the request. Over TLS only the `__Host-` cookie counts.
    pub(super) fn read(self, headers: &HeaderMap, secure: bool) -> Option<Token> {
        let name = self.name(secure);
        let all = headers.get_all(header::COOKIE).into_iter();
        let pairs = all
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'));
        let mut values = pairs.filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = values.find(|(known, _)| *known == name)?;
        (!value.is_empty() && value.len() <= MAX_VALUE_BYTES).then(|| Token::from_text(value))
    }

    /// Returns the `Set-Cookie` value that sets the cookie until the browser closes.
    pub(super) fn set(self, token: &Token, secure: bool) -> Option<HeaderValue> {
        self.header(token.expose(), secure, "")
    }

    /// Returns the `Set-Cookie` value that deletes the cookie.
    pub(super) fn clear(self, secure: bool) -> Option<HeaderValue> {
        self.header("", secure, "; Max-Age=0")
    }

    fn header(self, value: &str, secure: bool, end: &str) -> Option<HeaderValue> {
        let tls = if secure { "; Secure" } else { "" };
        let name = self.name(secure);
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{tls}{end}");
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// Redirects to a page of the staff area and sets or deletes cookies.
pub(super) fn redirect_with_cookies(
    to: &str,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Response {
    let cookies = cookies
        .into_iter()
        .map(|cookie| (header::SET_COOKIE, cookie));
    (AppendHeaders(cookies), Redirect::to(to)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &'static str, secure: bool) -> Option<String> {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(line))]);
        let token = Cookie::Session.read(&headers, secure)?;
        Some(token.expose().to_owned())
    }

    #[test]
    fn over_tls_only_the_host_cookie_is_read() {
        let both = "jornada-session=planted; __Host-jornada-session=own; x";
        assert_eq!(read(both, true).as_deref(), Some("own"));
        assert_eq!(read("jornada-session=planted", true), None);
        assert_eq!(
            read("a=b; jornada-session=own", false).as_deref(),
            Some("own")
        );
        assert_eq!(read("jornada-session=", false), None);
    }

    #[test]
    fn cookies_are_http_only_same_site_and_secure_over_tls() {
        let token = Token::from_text("secret");
        let set = Cookie::Session.set(&token, true).unwrap();
        assert_eq!(
            set.to_str().unwrap(),
            "__Host-jornada-session=secret; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(!format!("{set:?}").contains("secret"));
        let clear = Cookie::Csrf.clear(false).unwrap();
        assert_eq!(
            clear.to_str().unwrap(),
            "jornada-form=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
        );
    }
}
