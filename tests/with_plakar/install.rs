//! `make install` and the script in the archives, which is the same: everything is put in its
//! place, told, and taken out again.

use super::person::{Person, VERSION, package_name};
use support::platform;

/// What lies in a folder that is none of Plakar's.
fn inside(person: &Person, folder: &str) -> Vec<String> {
    let found = person.types(&format!(
        "cd {folder}; find . ! -path './share/plakar' ! -path './share/plakar/*' | sort"
    ));
    found.lines().map(str::to_owned).collect()
}

fn installed() -> Vec<String> {
    let mut all: Vec<String> = [
        ".",
        "./bin",
        "./bin/plakar-opendrive",
        "./bin/plakar-opendrive-app",
        "./share",
        "./share/bash-completion",
        "./share/bash-completion/completions",
        "./share/bash-completion/completions/plakar-opendrive",
        "./share/doc",
        "./share/doc/plakar-opendrive",
        "./share/doc/plakar-opendrive/LICENSE",
        "./share/fish",
        "./share/fish/vendor_completions.d",
        "./share/fish/vendor_completions.d/plakar-opendrive.fish",
        "./share/man",
        "./share/man/man1",
        "./share/man/man1/plakar-opendrive-app.1",
        "./share/man/man1/plakar-opendrive.1",
        "./share/plakar-opendrive",
        "./share/plakar-opendrive/add-to-plakar",
        "./share/plakar-opendrive/create-package",
        "./share/plakar-opendrive/installed",
        "./share/plakar-opendrive/package",
        "./share/plakar-opendrive/package/LICENSE",
        "./share/plakar-opendrive/package/about",
        "./share/plakar-opendrive/package/assets",
        "./share/plakar-opendrive/package/assets/icon.svg",
        "./share/plakar-opendrive/package/manifest.yaml",
        "./share/plakar-opendrive/package/schema",
        "./share/plakar-opendrive/package/schema/destination.json",
        "./share/plakar-opendrive/package/schema/source.json",
        "./share/plakar-opendrive/package/schema/store.json",
        "./share/systemd",
        "./share/systemd/user",
        "./share/systemd/user/plakar-opendrive-console.service",
        "./share/systemd/user/plakar-opendrive-due.service",
        "./share/systemd/user/plakar-opendrive-due.timer",
        "./share/zsh",
        "./share/zsh/site-functions",
        "./share/zsh/site-functions/_plakar-opendrive",
    ]
    .map(str::to_owned)
    .into();
    all.sort_unstable();
    all
}

/// What is installed where there is a Plakar, which makes its package of it.
fn installed_with_package() -> Vec<String> {
    let mut all = installed();
    all.push(format!("./share/plakar-opendrive/{}", package_name()));
    all.sort_unstable();
    all
}

/// Without the licences and the list of parts, which only `make` collects, beside the release
/// build.
fn without_collected(found: Vec<String>) -> Vec<String> {
    found
        .into_iter()
        .filter(|path| {
            !path.ends_with("/THIRD-PARTY-LICENSES") && !path.ends_with("/sbom.cdx.json")
        })
        .collect()
}

#[test]
fn make_install_puts_all_in_its_place_and_uninstall_takes_it_out() {
    let person = Person::new();
    person.clones();
    // Something of the user's own is there already.
    person.types("mkdir -p .local/bin .local/share/man; echo mine > .local/bin/mine");
    let before = inside(&person, ".local");

    let said = person.types("make -C clone install");
    let home = person.shell.home().display();
    for line in [
        format!("installed in {home}/.local:"),
        format!("Plakar: added rclone@{VERSION}; configurations stay"),
        format!(
            "{home}/.local/bin is not on your PATH. Put it there, in ~/.profile for good: export PATH=\"{home}/.local/bin:$PATH\""
        ),
    ] {
        assert!(said.lines().any(|said| said == line), "{line}: {said}");
    }
    let mut expected = installed_with_package();
    expected.push("./bin/mine".to_owned());
    expected.sort_unstable();
    assert_eq!(without_collected(inside(&person, ".local")), expected);
    assert!(
        person
            .types("PATH=\"$HOME/.local/bin:$PATH\" plakar-opendrive --version")
            .contains(&VERSION[1..])
    );
    let unit =
        person.types("grep ^ExecStart= .local/share/systemd/user/plakar-opendrive-due.service");
    assert_eq!(
        unit.trim(),
        format!("ExecStart=\"{home}/.local/bin/plakar-opendrive-app\" app run --due")
    );
    // Which hands over to the other one beside it.
    person.types("PATH=\"$HOME/.local/bin:$PATH\" plakar-opendrive app --help");
    assert_eq!(person.types("plakar pkg list").trim(), format!("rclone@{VERSION}"));

    // Again, as after a change: all is replaced. And what an earlier version had and this one has
    // not is gone.
    person.types("echo old > .local/share/doc/plakar-opendrive/OLD; echo 'file share/doc/plakar-opendrive/OLD' >> .local/share/plakar-opendrive/installed");
    let said = person.types("PATH=\"$HOME/.local/bin:$PATH\" make -C clone install");
    assert!(
        said.contains(&format!(
            "\nPlakar: took rclone@{VERSION} out and added rclone@{VERSION}; configurations stay\n"
        )),
        "{said}"
    );
    assert!(!said.contains("not on your PATH"), "{said}");
    assert_eq!(without_collected(inside(&person, ".local")), expected);

    let said = person.types("make -C clone uninstall");
    assert!(
        said.contains(&format!("Plakar: took rclone@{VERSION} out; configurations stay\n")),
        "{said}"
    );
    assert_eq!(inside(&person, ".local"), before);
    assert_eq!(person.types("plakar pkg list").trim(), "");
    assert!(
        person.fails("make -C clone uninstall").contains("nothing is recorded as installed in")
    );
}

#[test]
fn an_archive_installs_itself_anywhere_with_or_without_plakar() {
    let person = Person::new();
    person.clones();
    let name = format!("plakar-opendrive_{VERSION}_{}", platform());
    person.types("make -C clone stage");
    // As packaging/dist packs it.
    person.types(&format!(
        "tar -C clone/target/stage -cf archive.tar {name}; tar xf archive.tar; rm -rf clone"
    ));

    // Nobody has Plakar here yet.
    let said = person.types(&format!("PATH=/usr/bin:/bin {name}/install $HOME/else"));
    let home = person.shell.home().display();
    let add = format!("{home}/else/share/plakar-opendrive/add-to-plakar");
    assert!(said.contains(&format!("When it is, add the package with: {add}\n")), "{said}");
    assert_eq!(without_collected(inside(&person, "else")), installed());
    assert!(
        person.fails(&format!("PATH=/usr/bin:/bin {add}")).contains("Plakar is not on your PATH")
    );
    assert!(person.fails(&format!("{add} --force")).contains("unknown option --force"));
    person.types(&add);
    assert_eq!(person.types("plakar pkg list").trim(), format!("rclone@{VERSION}"));
    person.types(&format!("{name}/install --remove $HOME/else"));
    person.types("test ! -e else");
    assert_eq!(person.types("plakar pkg list").trim(), "");

    // For a package of a distribution: into a folder that is not where it will be.
    let said = person.types(&format!("DESTDIR=$HOME/root {name}/install /usr"));
    assert!(
        said.contains(
            "each user adds the package with: /usr/share/plakar-opendrive/add-to-plakar\n"
        ),
        "{said}"
    );
    assert_eq!(without_collected(inside(&person, "root/usr")), installed());
    assert_eq!(person.types("plakar pkg list").trim(), "");
    assert!(
        person.fails(&format!("{name}/install --prefix /usr")).contains("unknown option --prefix")
    );
}

/// A Plakar that does not take the package, as 1.0 does not: what was there before is there again.
#[test]
fn a_plakar_that_refuses_the_package_keeps_the_one_it_had() {
    let person = Person::new();
    person.clones();
    person.types("make -C clone install");
    // The next version, and a Plakar that adds none but the one that it had.
    person.types(&format!(
        "cd clone/target/stage; mv *{VERSION}* next; sed -i s/^version=.*/version=v9.9.9/ next/share/plakar-opendrive/package/about"
    ));
    person.types(
        "cat > bin/older <<'END'\n#!/bin/sh\ncase \"$*\" in 'pkg add '*v9.9.9*) echo 'unknown API version'; exit 1 ;; esac\nexec plakar \"$@\"\nEND\nchmod +x bin/older",
    );
    let said = person.fails("PLAKAR=older clone/target/stage/next/install");
    assert!(
        said.contains("unknown API version")
            && said.contains(&format!("rclone@{VERSION} is back in its place")),
        "{said}"
    );
    assert_eq!(person.types("plakar pkg list").trim(), format!("rclone@{VERSION}"));

    // One that crashes as it ends, as 1.1.4 sometimes does, has it.
    person.types(
        "cat > bin/crashing <<'END'\n#!/bin/sh\nplakar \"$@\" || exit\ncase \"$*\" in 'pkg add '*) echo 'panic: send on closed channel' >&2; exit 2 ;; esac\nEND\nchmod +x bin/crashing",
    );
    let said = person.types("PLAKAR=crashing clone/target/stage/next/install");
    assert!(said.contains("added rclone@v9.9.9"), "{said}");
}
