//! A PDF in the browser's own viewer.

use crate::browsing::{Looked, encoded};

/// A picture of one pixel.
pub const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

/// A document of one empty page.
pub const DOCUMENT: &[u8] = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n";

/// A document may be in a frame of ours, and nothing else may.
pub async fn is_shown_in_a_sandbox(looked: &Looked, newest: &str) {
    let view = looked.view(newest, "document.pdf").await;
    let raw = view.attribute("[data-document]", "data-document");
    assert_eq!(view.attribute("[data-document] a", "href"), raw, "also without a script");
    let document = looked.console.get(&raw).await;
    assert_eq!(
        (document.header("content-type"), document.header("content-disposition")),
        ("application/pdf", "")
    );
    assert!(document.bytes == DOCUMENT && document.header("x-content-type-options") == "nosniff");
    assert_eq!(document.header("x-frame-options"), "SAMEORIGIN");
    let policies: Vec<&str> = document
        .headers
        .get_all("content-security-policy")
        .iter()
        .map(|policy| policy.to_str().unwrap())
        .collect();
    assert_eq!(
        policies,
        ["default-src 'none'; sandbox", "default-src 'none'; frame-ancestors 'self'"]
    );
    for file in ["drawing.svg", "page.html", "binary.bin", "picture.png"] {
        let raw =
            looked.console.get(&format!("{newest}/raw?path={}", encoded(&looked.path(file)))).await;
        assert_eq!(raw.header("x-frame-options"), "DENY", "{file}");
    }
}
