//! A PDF in the browser's own viewer.

use std::time::{Duration, Instant};

use crate::World;
use crate::browser::PATIENCE;

/// A document of one red page.
pub const RED_PAGE: &[u8] = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R>>\nendobj\n4 0 obj\n<</Length 26>>\nstream\n1 0 0 rg 0 0 300 300 re f\n\nendstream\nendobj\ntrailer\n<</Root 1 0 R/Size 5>>\n%%EOF\n";

impl World {
    /// A PDF is shown by the browser's own viewer, which draws its red page.
    pub async fn sees_a_document(&self, point: &str) {
        let browser = &self.browser;
        browser.open(&format!("/apps/1/points/{point}")).await;
        browser.press("report.pdf").await;
        browser.find("//iframe[@class='document']").await;
        let begun = Instant::now();
        while !browser.has_red().await {
            assert!(begun.elapsed() < PATIENCE, "no red page: {}", browser.text().await);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        browser.shoot("13-document").await;
    }
}
