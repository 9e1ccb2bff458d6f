//! What every answer says to the browser about itself.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// Nothing but our own files, no frame around us, and no form that leads elsewhere. Of ours only a
/// document can be in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The same of a document that a page of ours has in a frame: nothing of it may be loaded.
const DOCUMENT_POLICY: &str = "default-src 'none'; frame-ancestors 'self'";

/// What a browser shows by a viewer of its own, which no page can look into.
const DOCUMENT_TYPE: &str = "application/pdf";

const FIXED: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-dns-prefetch-control"), "off"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=()",
    ),
];

/// Sets them, whatever the route said. A policy of the route's own holds besides ours: it can only
/// forbid more.
pub(super) fn secure(headers: &mut HeaderMap, status: StatusCode, path: &str, hsts: bool) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let is_document = status.is_success() && is_document(headers, path);
    if is_document {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    }
    let policy = if is_document { DOCUMENT_POLICY } else { POLICY };
    headers.append(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    let keep = status.is_success() && is_hashed_asset(path);
    let cache = if keep { "public, max-age=31536000, immutable" } else { "no-store" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if hsts {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
}

/// Whether it is a document of a restore point that is to be shown, as `pages/points/content.rs` gives
/// it: with a policy of its own that has it in a sandbox.
fn is_document(headers: &HeaderMap, path: &str) -> bool {
    let is = |name: HeaderName, value: &str| headers.get(name).is_some_and(|found| found == value);
    let mut parts = path.split('/');
    let (begin, end) = (parts.nth(1), parts.next_back());
    is(header::CONTENT_TYPE, DOCUMENT_TYPE)
        && is(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        && (begin, end) == (Some("apps"), Some("raw"))
}

/// Whether it is a static file whose name changes with its content: `/static/console.0123abcd.css`.
fn is_hashed_asset(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/static/").and_then(|path| path.rsplit('/').next()) else {
        return false;
    };
    let is_hash = |part: &str| part.len() >= 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = name.split('.').rev();
    // Between the name and what kind of file it is.
    let (_, hash) = (parts.next(), parts.next());
    hash.is_some_and(is_hash) && parts.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_assets_are_kept() {
        for path in ["/static/console.0123abcd.css", "/static/icons/a.b.0123456789abcdef.svg"] {
            assert!(is_hashed_asset(path), "{path}");
        }
        for path in [
            "/static/console.css",
            "/console.0123abcd.css",
            "/static/0123abcd.css",
            "/static/console.0123abcd",
            "/static/console.0123abc.css",
            "/",
        ] {
            assert!(!is_hashed_asset(path), "{path}");
        }
    }

    #[test]
    fn only_a_document_in_a_sandbox_may_be_in_a_frame_of_ours() {
        let of = |kind: &'static str, policy: &'static str, status, path| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            secure(&mut headers, status, path, false);
            let mut policies = headers.get_all(header::CONTENT_SECURITY_POLICY).iter();
            (headers["x-frame-options"].clone(), policies.next_back().unwrap().clone())
        };
        let (sandbox, raw) = ("default-src 'none'; sandbox", "/apps/1/points/0123/raw");
        let shown = of("application/pdf", sandbox, StatusCode::OK, raw);
        assert_eq!(
            (shown.0, shown.1),
            ("SAMEORIGIN".parse().unwrap(), DOCUMENT_POLICY.parse().unwrap())
        );
        for (kind, policy, status, path) in [
            ("text/html", sandbox, StatusCode::OK, raw),
            ("application/pdf; x", sandbox, StatusCode::OK, raw),
            ("application/pdf", "default-src 'none'", StatusCode::OK, raw),
            ("application/pdf", sandbox, StatusCode::NOT_FOUND, raw),
            ("application/pdf", sandbox, StatusCode::OK, "/apps/1/points/0123/download"),
            ("application/pdf", sandbox, StatusCode::OK, "/api/apps/1/raw"),
        ] {
            let found = of(kind, policy, status, path);
            assert_eq!(found, ("DENY".parse().unwrap(), POLICY.parse().unwrap()), "{kind} {path}");
        }
    }

    #[test]
    fn a_route_can_only_forbid_more() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("ALLOWALL"));
        secure(&mut headers, StatusCode::OK, "/x", false);
        let policies: Vec<_> = headers.get_all(header::CONTENT_SECURITY_POLICY).iter().collect();
        assert_eq!(policies, ["sandbox", POLICY]);
        assert_eq!(
            (&headers["cache-control"], &headers["x-frame-options"]),
            (&HeaderValue::from_static("no-store"), &HeaderValue::from_static("DENY"))
        );
        assert!(!headers.contains_key("strict-transport-security"));
        secure(&mut headers, StatusCode::NOT_FOUND, "/static/a.0123abcd.css", true);
        assert_eq!(headers["cache-control"], "no-store", "an error is not kept");
        assert!(headers.contains_key("strict-transport-security"));
    }
}
