//! Programs that tests write.

use std::path::Path;
use std::process::Command;

use support::plakar::plakar;

/// Writes a script that can be started. A shell writes it: a file that this process has open for
/// writing, another thread's child may have open too for a moment, and who starts it then is told
/// that the text file is busy.
pub fn write_script(path: &Path, text: &str) {
    let write = "printf %s \"$1\" > \"$0\" && chmod +x \"$0\"";
    let written = Command::new("sh").args(["-c", write]).arg(path).arg(text).status().unwrap();
    assert!(written.success(), "{}", path.display());
}

/// Writes the plakar of somebody who types commands: the real one. Plakar 1.1.4 may crash as it ends
/// ("send on closed channel") when it has added or removed a package: the list tells whether it has.
pub fn write_plakar(path: &Path) {
    let plakar = plakar();
    let text = format!(
        "#!/bin/sh\n\
         case \"$1 $2\" in\n\
         'pkg add') wanted=0 ;;\n\
         'pkg rm') wanted=1 ;;\n\
         *) exec {plakar} \"$@\" ;;\n\
         esac\n\
         said=$({plakar} \"$@\" 2>&1)\n\
         status=$?\n\
         case $said in *'panic: send on closed channel'*)\n\
         {plakar} pkg list | grep '^rclone@' >/dev/null\n\
         test $? = $wanted && exit ;;\n\
         esac\n\
         printf '%s\\n' \"$said\"\n\
         exit $status\n",
        plakar = plakar.display()
    );
    write_script(path, &text);
}
