//! Names: what is restored comes back under the same names, and what a drive takes for one name, or
//! has twice, is an error that names both.

use std::collections::BTreeMap;

use plakar_opendrive::connector::source::{SourceItem, SourceRecord};
use plakar_opendrive::connector::{Destination, Role, Source};
use proptest::prelude::*;
use support::planted::{file_entry, listing, plant};
use support_plugin::place::Place;
use support_plugin::restoring::*;

type Files = BTreeMap<String, (Vec<u8>, u64)>;

/// Characters that rclone's encodings touch, and a few that they do not.
const TOUCHED: &[&str] = &[
    "a", "B", ".", " ", "\t", "\n", "\u{b}", "\r", "\u{1}", "\u{1b}", "\u{7f}", "\\", ":", "*",
    "?", "\"", "<", ">", "|", "%", "#", "+", "&", "~", "-", "‛", "‛‛", "␀", "␁", "␉", "␊", "␋",
    "␍", "␠", "␡", "．", "／", "：", "＊", "？", "＼", "＂", "｜", "é", "🦀",
];

/// A name at the end of a path, in a message.
fn shown(name: &str) -> String {
    let name = format!("{name:?}");
    format!("/{}", &name[1..])
}

/// Files of these names, each with its name for its content.
fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Files {
    names
        .into_iter()
        .map(|name| (name.to_owned(), (name.as_bytes().to_vec(), 1_700_000_000)))
        .collect()
}

/// A name as listings show it: look-alikes for control characters.
fn as_shown(name: &str) -> String {
    let shown = |c: char| match c {
        '\u{7f}' => '\u{2421}',
        c if c < ' ' => char::from_u32(0x2400 + c as u32).unwrap(),
        c => c,
    };
    name.chars().map(shown).collect()
}

fn all_as_shown(files: &Files) -> Files {
    files.iter().map(|(path, content)| (as_shown(path), content.clone())).collect()
}

#[tokio::test]
async fn each_touched_character_comes_back_wherever_it_stands() {
    for place in Place::all("touched") {
        let forms = TOUCHED.iter().flat_map(|c| {
            [
                c.to_string(),
                format!("{c}x"),
                format!("y{c}"),
                format!("x{c}y"),
                format!("z{c}{c}"),
                format!("{c} ."),
            ]
        });
        let names: Vec<String> =
            forms.filter(|name| name != "." && name != ".." && as_shown(name) == *name).collect();
        let mut files = named(names.iter().map(String::as_str));
        files.extend(names.iter().step_by(3).map(|name| {
            (format!("folder {name}/{name}"), (b"in a folder".to_vec(), 1_600_000_000))
        }));
        for _ in 0..2 {
            // Once more, where all is there.
            let restored = restore_files(&open(&place, "‛ to␊/here").await, &files).await;
            restored.all_good();
            assert_eq!(restored.summary.shown(), None);
            assert_same(
                &without_full_folders(read_back(&place, "‛ to␊/here").await),
                &files,
                place.name(),
            );
        }
    }
}

#[tokio::test]
async fn names_that_differ_in_the_quoting_sign_only_are_two_files() {
    for place in Place::all("quoting") {
        let files = named(["‛x", "‛‛x", "‛‛‛x", "x‛", "x‛‛", "␊", "‛␊", "．", "‛．", "‛／", "／"]);
        restore_files(&open(&place, "to").await, &files).await.all_good();
        assert_same(&read_back(&place, "to").await, &files, place.name());
    }
}

#[tokio::test]
async fn control_characters_are_shown_otherwise_and_that_is_said() {
    for place in Place::all("control") {
        let files = named([
            "tab\tx",
            "line\nx",
            "return\rx",
            "esc\u{1b}[31m",
            "\u{7f}",
            "fold\ner/plain",
            "quoted‛\nx",
        ]);
        let restored = restore_files(&open(&place, "to").await, &files).await;
        restored.all_good();
        let told = restored.summary.shown().unwrap();
        assert!(told.starts_with("7 names with control characters"), "{told}");
        // Those that came first are named, whichever they are.
        let one = restore_files(&open(&place, "one").await, &named(["fold\ner/plain"])).await;
        let told = one.summary.shown().unwrap();
        assert!(told.contains("\"/fold\\ner\" as \"fold␊er\""), "{told}");
        assert_same(
            &without_full_folders(read_back(&place, "to").await),
            &all_as_shown(&files),
            place.name(),
        );
        // Both in one folder are one name: neither replaces the other.
        let restored =
            restore_files(&open(&place, "both").await, &named(["a\nb", "a␊b", "c\td/x", "c␉d/y"]))
                .await;
        assert_eq!(
            restored.failed("because of a control character: only the first is restored"),
            ["/a␊b", "/c␉d", "/c␉d/y"]
        );
        assert!(
            restored.outcomes["/a␊b"]
                .as_ref()
                .unwrap_err()
                .starts_with("\"/a␊b\" and \"/a\\nb\" are"),
            "{:?}",
            restored.outcomes
        );
        assert_eq!(read_back(&place, "both").await["a␊b"].0, b"a\nb", "{}", place.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is restored to the drive is there under the name that is told, or it is an error:
    /// nothing is replaced.
    #[test]
    fn what_is_restored_is_there_or_an_error(names in proptest::collection::btree_set(
        proptest::collection::vec(proptest::sample::select(TOUCHED), 1..6)
            .prop_map(|parts| parts.concat())
            .prop_filter("a path that is not a name", |name| !matches!(name.as_str(), "." | "..")),
        1..30,
    )) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let place = Place::drive();
            let files = named(names.iter().map(String::as_str));
            let restored = restore_files(&open(&place, "to").await, &files).await;
            let mut expected = files.clone();
            for (path, outcome) in &restored.outcomes {
                if outcome.is_err() {
                    expected.remove(path.trim_start_matches('/'));
                }
            }
            // Only what differs in case or in a look-alike is refused.
            let distinct = files.keys().map(|name| as_shown(name).to_lowercase()).collect::<std::collections::BTreeSet<_>>().len();
            assert_eq!(expected.len(), distinct, "{:?}", restored.outcomes);
            let others = expected.keys().filter(|name| as_shown(name) != **name).count();
            let told = restored.summary.shown().map_or(0, |line| line.split(' ').next().unwrap().parse().unwrap());
            assert_eq!(told, others, "{:?}", restored.summary.shown());
            assert_same(&read_back(&place, "to").await, &all_as_shown(&expected), "opendrive");
        });
    }
}

#[tokio::test]
async fn two_forms_of_one_name_are_an_error_that_names_both() {
    let place = Place::drive();
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}");
    for (n, (first, second)) in
        [(decomposed, composed), ("CAFE\u{301}", composed)].into_iter().enumerate()
    {
        let base = format!("to{n}");
        let restored = restore_files(&open(&place, &base).await, &named([first, second])).await;
        assert_eq!(
            restored.failed("which is one name here: only the first is restored"),
            [format!("/{second}")]
        );
        let told = restored.summary.failure().unwrap();
        assert!(told.contains(&shown(first)) && told.contains(&shown(second)), "{told}");
        assert_eq!(read_back(&place, &base).await.into_keys().collect::<Vec<_>>(), [first]);
        // And where it is there already, as a file and as a folder.
        let restored = restore_files(&open(&place, &base).await, &named([second])).await;
        let told = restored.summary.failure().unwrap();
        assert!(
            told.contains("is there already: rename one of them") && told.contains(&shown(first)),
            "{told}"
        );
        let restored =
            restore_files(&open(&place, &base).await, &named([format!("{second}/x").as_str()]))
                .await;
        assert_eq!(restored.summary.failures, 2, "{:?}", restored.outcomes);
    }
    assert_eq!(place.simulator().drive().tree().len(), 4, "{:?}", place.simulator().drive().tree());
}

#[tokio::test]
async fn names_that_end_in_spaces_or_dots_are_their_own() {
    for place in Place::all("ends") {
        let files = named([
            "x",
            "x ",
            "x  ",
            " x",
            "x.",
            "x..",
            "x .",
            "x. ",
            ".x",
            "x\u{a0}",
            "\u{3000}x",
        ]);
        restore_files(&open(&place, "to").await, &files).await.all_good();
        assert_same(&read_back(&place, "to").await, &files, place.name());
    }
}

#[tokio::test]
async fn a_base_that_is_there_twice_is_no_base() {
    let place = Place::drive();
    let simulator = place.simulator();
    simulator.drive().put_file("Work/Documents/one", b"1".to_vec(), 1);
    simulator.drive().put_in_twin("Work", "two", b"2".to_vec(), 1);
    for base in ["Work", "work"] {
        for role in [Role::Source, Role::Destination] {
            let settings = place.settings(role, base);
            let told = match role {
                Role::Source => Source::open(settings).await.unwrap_err().to_string(),
                _ => Destination::open(settings).await.unwrap_err().to_string(),
            };
            assert!(
                told.contains("the drive has two folders of one name side by side, \"Work\" (id "),
                "{told}"
            );
            assert!(
                told.matches("(id ").count() == 2
                    && told.contains("rename or remove one of them")
                    && told.contains(base),
                "{told}"
            );
        }
    }
    // New folders below one that is there twice.
    let settings = place.settings(Role::Destination, "Work/new");
    assert!(Destination::open(settings).await.unwrap_err().to_string().contains("side by side"));
    let before = simulator.drive().tree();
    // What is beside them is a base as before.
    simulator.drive().put_file("Other/x", b"x".to_vec(), 1);
    assert_eq!(read_back(&place, "Other").await.len(), 1);
    assert_eq!(simulator.drive().tree().len(), before.len() + 2);
}

#[tokio::test]
async fn a_folder_that_is_there_twice_is_neither_merged_nor_chosen() {
    let place = Place::drive();
    let simulator = place.simulator();
    simulator.drive().put_file("base/Pictures/a", b"a".to_vec(), 1);
    simulator.drive().put_in_twin("base/Pictures", "b", b"b".to_vec(), 1);
    let restored = restore_files(&open(&place, "base").await, &named(["Pictures/c", "fine"])).await;
    assert_eq!(
        restored.failed("the folder \"/Pictures\" and the folder \"/Pictures\""),
        ["/Pictures", "/Pictures/c"]
    );
    assert!(!simulator.drive().tree().keys().any(|path| path.ends_with("/c")));

    let source = Source::open(place.settings(Role::Source, "base")).await.unwrap();
    let records = walked(&source).await;
    // What is told to be saved is what is saved.
    let first = place.simulator().drive().make_folder("base/Pictures");
    assert!(records.iter().any(|record| record.path == "/base/Pictures/a"), "{records:?}");
    assert!(!records.iter().any(|record| record.path.ends_with("/b")), "{records:?}");
    let told: Vec<String> = records.iter().filter_map(failure).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let expected =
        format!("beside a folder (id {first}): only the first is saved, rename one of them");
    assert!(told[0].starts_with("/base/Pictures: ") && told[0].contains(&expected), "{told:?}");
}

/// The path of what could not be told, and why.
fn failure(record: &SourceRecord) -> Option<String> {
    match &record.item {
        SourceItem::Failed(told) => Some(format!("{}: {told}", record.path)),
        _ => None,
    }
}

#[tokio::test]
async fn two_files_of_one_name_are_left_alone() {
    let place = Place::drive();
    let simulator = place.simulator();
    let drive = simulator.drive();
    let files = [
        drive.put_file("base/one", b"1".to_vec(), 1),
        drive.put_file("base/two", b"2".to_vec(), 1),
    ];
    // Under one name, and under two that stand for the same.
    for names in [["same", "same"], ["‛x", "‛‛x"]] {
        let entries = [(0, b"1"), (1, b"2")]
            .map(|(n, bytes): (usize, &[u8; 1])| file_entry(&files[n], names[n], bytes));
        plant(simulator, "base", listing(vec![], entries.to_vec()));
        let wanted = names[0];
        let restored = restore_files(&open(&place, "base").await, &named([wanted, "other"])).await;
        let told = format!(
            "the file \"/{wanted}\" and the file \"/{wanted}\" are there already, side by side under one name"
        );
        assert_eq!(restored.failed(&told), [format!("/{wanted}")]);

        let source = Source::open(place.settings(Role::Source, "base")).await.unwrap();
        let told: Vec<String> = walked(&source).await.iter().filter_map(failure).collect();
        assert!(
            told.len() == 1 && told[0].contains("a file of 1 bytes beside a file of 1 bytes"),
            "{told:?}"
        );
        simulator.set_faults(vec![]);
    }
    assert_eq!(
        (drive.read_file("base/one").unwrap(), drive.read_file("base/two").unwrap()),
        (b"1".to_vec(), b"2".to_vec())
    );
}
