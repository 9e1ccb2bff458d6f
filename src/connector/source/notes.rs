//! What a walk has to say at its end although it is no failure.

use crate::rclone::Unlisted;
use terminal::text;

/// What was found and is not saved.
#[derive(Debug, Default)]
pub(super) struct WalkNotes {
    unlisted: Unlisted,
    /// How many files uploads of ours have left behind, and the first of them.
    partial: u64,
    partial_example: String,
    found: u64,
    dropped: u64,
}

impl WalkNotes {
    /// Takes note of what rclone does not list in a folder.
    pub(super) fn add_unlisted(&mut self, folder: &str, unlisted: &Unlisted) {
        let Unlisted { links, pipes, sockets, devices, example } = &mut self.unlisted;
        if example.is_empty() {
            *example = format!("{}/{}", folder.trim_end_matches('/'), unlisted.example);
        }
        *links += unlisted.links;
        *pipes += unlisted.pipes;
        *sockets += unlisted.sockets;
        *devices += unlisted.devices;
    }

    /// Takes note of a file that an upload of ours has left behind, or makes right now.
    pub(super) fn add_partial(&mut self, path: &str) {
        if self.partial == 0 {
            path.clone_into(&mut self.partial_example);
        }
        self.partial += 1;
    }

    /// Takes note of a record below the base, and whether Plakar drops it.
    pub(super) fn found(&mut self, dropped: bool) {
        self.found += 1;
        self.dropped += u64::from(dropped);
    }

    /// Whether nothing is left of what was found.
    pub(super) fn all_dropped(&self) -> bool {
        self.found > 0 && self.found == self.dropped
    }

    pub(super) fn lines(self) -> impl Iterator<Item = String> {
        let dropped = self.all_dropped().then(|| {
            format!("nothing is saved but the folder itself: -ignore leaves out all that is in it, {} of {}", self.dropped, self.found)
        });
        dropped.into_iter().chain(self.left_out()).chain(self.left_behind())
    }

    /// One line that counts what uploads have left behind; `None` if there is nothing.
    fn left_behind(&self) -> Option<String> {
        let files = match self.partial {
            0 => return None,
            1 => "1 file".to_owned(),
            count => format!("{count} files, the first of them"),
        };
        Some(text::line(&format!(
            "not saved, because it is what plakar-opendrive has left of uploads that were broken off, or uploads right now: {files} {}",
            text::quoted(&self.partial_example)
        )))
    }

    /// One line that counts what rclone's local backend does not list; `None` if there was none.
    fn left_out(&self) -> Option<String> {
        let Unlisted { links, pipes, sockets, devices, example } = &self.unlisted;
        let kinds = [
            (*links, "symbolic link"),
            (*pipes, "named pipe"),
            (*sockets, "socket"),
            (*devices, "device"),
        ];
        let kinds: Vec<String> = kinds
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, kind)| format!("{count} {kind}{}", if *count == 1 { "" } else { "s" }))
            .collect();
        if kinds.is_empty() {
            return None;
        }
        let advice = if *links > 0 {
            "; rclone_copy_links=true saves what links lead to, rclone_links=true the links"
        } else {
            ""
        };
        Some(text::line(&format!(
            "not saved, because they are not regular files: {}, the first of them {}{advice}",
            kinds.join(", "),
            text::quoted(example)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_in_one_line() {
        let mut notes = WalkNotes::default();
        assert_eq!(notes.left_out(), None);
        notes.add_unlisted(
            "/",
            &Unlisted { pipes: 1, example: "a\nb".into(), ..Unlisted::default() },
        );
        assert_eq!(
            notes.left_out().unwrap(),
            "not saved, because they are not regular files: 1 named pipe, the first of them \"/a\\nb\""
        );
        notes.add_unlisted(
            "/x",
            &Unlisted {
                links: 2,
                sockets: 1,
                devices: 3,
                example: "l".into(),
                ..Unlisted::default()
            },
        );
        let line = "not saved, because they are not regular files: 2 symbolic links, 1 named pipe, 1 socket, 3 devices, the first of them \"/a\\nb\"; \
            rclone_copy_links=true saves what links lead to, rclone_links=true the links";
        assert_eq!(notes.lines().collect::<Vec<_>>(), [line]);
    }

    #[test]
    fn what_uploads_have_left_is_counted_in_one_line() {
        let mut notes = WalkNotes::default();
        assert_eq!(notes.left_behind(), None);
        let words = "not saved, because it is what plakar-opendrive has left of uploads that were broken off, or uploads right now:";
        notes.add_partial("/x/a\nb");
        assert_eq!(notes.left_behind().unwrap(), format!("{words} 1 file \"/x/a\\nb\""));
        notes.add_partial("/x/c");
        assert_eq!(
            notes.lines().collect::<Vec<_>>(),
            [format!("{words} 2 files, the first of them \"/x/a\\nb\"")]
        );
    }

    #[test]
    fn nothing_left_is_said() {
        let mut notes = WalkNotes::default();
        assert!(!notes.all_dropped());
        notes.found(true);
        notes.found(true);
        assert!(notes.all_dropped());
        notes.found(false);
        assert!(!notes.all_dropped() && notes.lines().next().is_none());
    }
}
