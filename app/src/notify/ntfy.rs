//! Push messages by ntfy: a text is posted to the address of a topic, its title in a header.

use super::event::Event;
use super::http::{Address, answered};
use crate::secret::SecretReference;

/// A topic.
#[derive(Clone, Debug)]
pub(super) struct NtfyReceiver {
    pub(super) address: Address,
    pub(super) token: Option<SecretReference>,
}

impl NtfyReceiver {
    pub(super) fn host(&self) -> String {
        self.address.host()
    }

    pub(super) async fn send(&self, event: &Event) -> Result<String, String> {
        let (priority, tag) = match event.is_trouble() {
            true => ("high", "warning"),
            false => ("default", "white_check_mark"),
        };
        let mut request = self
            .address
            .post()
            .header("title", header_text(&event.title()))
            .header("priority", priority)
            .header("tags", tag)
            .body(event.text());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.resolve().await?);
        }
        answered(request).await
    }
}

/// What every server reads the same in a header: ASCII that is printed.
fn header_text(text: &str) -> String {
    let plain = |letter: char| match letter {
        ' '..='~' => letter,
        _ => '?',
    };
    text.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_one_line() {
        assert_eq!(header_text("a\r\nX-Evil: 1\u{7f}ü"), "a??X-Evil: 1??");
    }
}
