//! What every answer tells the browser to forbid: nothing is loaded from, framed by or sent to another host.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::AppState;

/// No inline script or style: what somebody typed can never run (Content Security Policy, level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// All that a browser could be asked for and that it knows by these names.
const NOTHING: &str = "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), \
    encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), \
    microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), \
    serial=(), usb=(), xr-spatial-tracking=()";

/// A year, as nginx says it too.
const STAY_ON_TLS: &str = "max-age=31536000";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Addresses carry receipt numbers: no other host gets to see one. Our own may, and `no-referrer` would take the
    // origin off every form that is sent.
    (header::REFERRER_POLICY, "same-origin"),
    (PERMISSIONS, NOTHING),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Middleware: adds them to every answer that has not its own.
pub async fn forbid(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add_to(response.headers_mut());
    response
}

/// Middleware: the same, and on TLS tells browsers to stay there (RFC 6797).
pub async fn guard(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let secure = app.is_secure(request.headers());
    let mut response = next.run(request).await;
    add_to(response.headers_mut());
    if secure {
        let (name, value) = (header::STRICT_TRANSPORT_SECURITY, STAY_ON_TLS);
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

fn add_to(headers: &mut HeaderMap) {
    // At once, since a map that grows step by step is filled anew each time.
    headers.reserve(HEADERS.len() + 2);
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
}

/// The same for a page that may open the camera, and nothing else.
#[must_use]
pub fn with_camera(mut response: Response) -> Response {
    let policy = NOTHING.replace("camera=()", "camera=(self)");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(PERMISSIONS, policy);
    }
    response
}
