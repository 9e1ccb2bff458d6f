use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Files = BTreeMap<String, (u64, i64, bool)>;

/// Files by path: size, time, and whether their type is known.
fn compared(before: &Files, now: &Files) -> Changes {
    let facts = |files: &Files| {
        let fact = |(path, (size, time, known)): (&String, &(u64, i64, bool))| FileFact {
            path: path.clone(),
            size: *size,
            modified: DateTime::from_timestamp(*time, 0).unwrap(),
            content_type: if *known { "text/plain; charset=utf-8" } else { UNKNOWN_TYPE },
        };
        let mut facts: Vec<_> = files.iter().map(fact).collect();
        facts.sort_by(|a, b| in_walk(&a.path, &b.path));
        facts
    };
    changes(facts(before).into_iter(), facts(now).into_iter())
}

fn files(count: u64) -> Files {
    let path = |number| format!("/folder{}/file{number}.txt", number % 3);
    (0..count).map(|number| (path(number), (100 + number, 7, true))).collect()
}

/// The files with the first ones made others.
fn with(
    files: &Files,
    count: usize,
    make: impl Fn(&str, (u64, i64, bool)) -> (String, (u64, i64, bool)),
) -> Files {
    let made = |(place, (path, fact)): (usize, (&String, &(u64, i64, bool)))| {
        if place < count { make(path, *fact) } else { (path.clone(), *fact) }
    };
    files.iter().enumerate().map(made).collect()
}

#[test]
fn what_is_alarming_and_what_is_not() {
    let before = files(40);
    let alarm = |now: &Files| compared(&before, now).figures.alarm(&Protection::default());
    assert_eq!(alarm(&before), None);
    // Written anew, in place, and no text any more.
    let encrypt =
        |path: &str, (size, ..): (u64, i64, bool)| (path.to_owned(), (size + 16, 9, false));
    assert!(alarm(&with(&before, 19, encrypt)).is_none(), "fewer than 20 files");
    let reason = alarm(&with(&before, 20, encrypt)).unwrap();
    assert_eq!(
        reason,
        "of 40 files 50 % are not what they were: 20 changed; 20 files turned into an unknown type"
    );
    // Under a new ending.
    let lock = |path: &str, (size, ..): (u64, i64, bool)| {
        (format!("{path}.locked"), (size + 16, 9, false))
    };
    let reason = alarm(&with(&before, 25, lock)).unwrap();
    assert_eq!(
        reason,
        "of 40 files 62 % are not what they were: 25 gone, 25 new; 25 files turned into an unknown type"
    );
    // The endings alone are others.
    let end = |path: &str, fact| (path.replace(".txt", ".xyz"), fact);
    let found = compared(&before, &with(&before, 30, end));
    assert_eq!((found.figures.renamed, found.figures.retyped, found.figures.gone), (30, 30, 0));
    assert!(found.examples[0].ends_with(".xyz now"), "{:?}", found.examples);
    // Many gone.
    let gone: Files = before.clone().into_iter().skip(30).collect();
    assert!(alarm(&gone).unwrap().contains("30 gone"));
    // Folders in another place, and many new files.
    let moved: Files =
        before.iter().map(|(path, fact)| (format!("/elsewhere{path}"), *fact)).collect();
    let found = compared(&before, &moved);
    assert_eq!((found.figures.moved, found.figures.affected()), (40, 0));
    let mut more = before.clone();
    more.extend(files(400));
    assert_eq!(alarm(&more), None);
    // Off, and sharper.
    let off = Protection { alarm_percent: 0, ..Protection::default() };
    assert_eq!(compared(&before, &gone).figures.alarm(&off), None);
    let sharp = Protection { alarm_percent: 10, alarm_files: 4, ..Protection::default() };
    assert!(compared(&before, &with(&before, 4, encrypt)).figures.alarm(&sharp).is_some());
}

#[test]
fn a_quarter_that_nobody_knows_is_enough() {
    let before = files(100);
    let encrypt = |path: &str, (size, ..): (u64, i64, bool)| (path.to_owned(), (size, 9, false));
    let change = |path: &str, (size, ..): (u64, i64, bool)| (path.to_owned(), (size + 1, 9, true));
    let alarm =
        |now: &Files| compared(&before, now).figures.alarm(&Protection::default()).is_some();
    assert!(alarm(&with(&before, 25, encrypt)) && !alarm(&with(&before, 24, encrypt)));
    assert!(!alarm(&with(&before, 49, change)) && alarm(&with(&before, 50, change)));
}

#[test]
fn what_only_has_another_time_counts_by_its_content() {
    let before = files(1000);
    let touch = |path: &str, (size, ..): (u64, i64, bool)| (path.to_owned(), (size, 9, true));
    let mut found = compared(&before, &with(&before, 1000, touch));
    assert_eq!((found.figures.changed, found.touched.total), (1000, 1000));
    let sampled = found.touched.pairs.len();
    assert!((MAX_SAMPLED_PAIRS / 2..=MAX_SAMPLED_PAIRS).contains(&sampled), "{sampled}");
    found.looked_at(sampled as u64, 0);
    assert_eq!((found.figures.changed, found.figures.same), (0, 1000));
}

fn any_files() -> impl Strategy<Value = Files> {
    let path = proptest::collection::vec("[ab.]{1,3}", 1..4)
        .prop_map(|names| format!("/{}", names.join("/")));
    proptest::collection::btree_map(path, (0u64..4, 0i64..3, any::<bool>()), 0..40)
}

proptest! {
    #[test]
    fn each_file_is_counted_once(before in any_files(), now in any_files(), seen in 0u64..64) {
        let mut found = compared(&before, &now);
        for _ in 0..2 {
            let figures = found.figures;
            prop_assert_eq!(figures.before, before.len() as u64);
            prop_assert_eq!(figures.now, now.len() as u64);
            let kept = figures.same + figures.moved + figures.renamed + figures.changed;
            prop_assert_eq!(kept + figures.gone, figures.before);
            prop_assert_eq!(kept + figures.added, figures.now);
            prop_assert!(figures.retyped <= figures.before);
            prop_assert!(!figures.words().contains("nothing") || figures.affected() == 0);
            found.looked_at(seen.min(found.touched.pairs.len() as u64), seen.min(found.renamed.pairs.len() as u64));
            found.touched = Sample::default();
            found.renamed = Sample::default();
        }
    }

    #[test]
    fn nothing_is_alarming_about_a_first_backup_or_the_same_again(files in any_files()) {
        let sharp = Protection { alarm_percent: 1, alarm_files: 1, ..Protection::default() };
        prop_assert_eq!(compared(&files, &files).figures.alarm(&sharp), None);
        prop_assert_eq!(compared(&Files::new(), &files).figures.alarm(&sharp), None);
    }

    #[test]
    fn more_gone_is_never_less_alarming(count in 1usize..200, left in 0usize..200) {
        let (before, left) = (files(count as u64), left.min(count));
        let of = |left| before.clone().into_iter().take(left).collect::<Files>();
        let alarm = |left| compared(&before, &of(left)).figures.alarm(&Protection::default()).is_some();
        prop_assert!(!alarm(left) || alarm(left.saturating_sub(1)));
        prop_assert_eq!(alarm(left), count - left >= 20 && (count - left) * 2 >= count);
    }
}
