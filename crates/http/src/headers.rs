//! Security headers of every response: nothing is loaded from, framed by or sent to another host.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// No inline scripts or styles, so that submitted text can never run (Content Security Policy Level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// Disables all browser features with a permission name.
const NO_FEATURES: &str = "accelerometer=(), autoplay=(), camera=(), clipboard-read=(), display-capture=(), \
    encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), \
    microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), \
    serial=(), usb=(), xr-spatial-tracking=()";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // URLs contain receipt numbers, so other hosts must not see them. `no-referrer` would also remove the origin from
    // every submitted form.
    (header::REFERRER_POLICY, "same-origin"),
    (PERMISSIONS, NO_FEATURES),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Middleware: adds the security headers to every response that does not set them.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    add_security_headers(response.headers_mut());
    response
}

/// Adds the headers that a response does not have yet.
pub fn add_security_headers(headers: &mut HeaderMap) {
    // Reserve once, because a growing map is rehashed.
    headers.reserve(HEADERS.len() + 2);
    for (name, value) in HEADERS {
        let value = HeaderValue::from_static(value);
        headers.entry(name).or_insert(value);
    }
}

/// Allows the camera on a page, and nothing else.
pub fn with_camera(mut response: Response) -> Response {
    let policy = NO_FEATURES.replace("camera=()", "camera=(self)");
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(PERMISSIONS, policy);
    }
    response
}
