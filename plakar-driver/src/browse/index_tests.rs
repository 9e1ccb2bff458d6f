//! The index against a naive model.

use std::collections::{BTreeMap, VecDeque};

use chrono::DateTime;
use proptest::prelude::*;

use crate::browse::index::{Index, Order, OrderBy};
use crate::browse::index_builder::IndexBuilder;
use crate::browse::points::{Entry, EntryKind, Page};
use crate::error::Error;
use crate::names::SnapshotPath;

const NAMES: [&str; 12] =
    ["a", "A", "ab", "B.txt", "b.TXT", "é", "É\n", "%2f", "\u{202e}x", "\"q'", "*", "a?b"];

/// Folders by path, each with its entries in the order of their names.
type Model = BTreeMap<String, Vec<Entry>>;

fn entry(folder: &str, name: &str, kind: EntryKind, size: u64, seconds: i64) -> Entry {
    let link = kind == EntryKind::Link;
    Entry {
        name: name.into(),
        folder: folder.into(),
        kind,
        size,
        modified: DateTime::from_timestamp(seconds, 5).unwrap(),
        target: if link { format!("to {size}") } else { String::new() },
        content_type: if kind == EntryKind::File {
            format!("text/{}", size % 3)
        } else {
            String::new()
        },
        content: None,
    }
}

fn below(folder: &str, name: &str) -> String {
    format!("{}/{name}", folder.trim_end_matches('/'))
}

/// Any tree, of paths whose first parts are folders.
fn models() -> impl Strategy<Value = Model> {
    let path = prop::collection::vec(0..NAMES.len(), 1..5);
    prop::collection::vec((path, 0..4_u8, 0..5_u64, -3..3_i64), 0..60).prop_map(|paths| {
        let mut model = Model::from([("/".to_owned(), Vec::new())]);
        for (path, kind, size, seconds) in paths {
            let mut folder = "/".to_owned();
            for (depth, name) in path.iter().map(|name| NAMES[*name]).enumerate() {
                let last = depth + 1 == path.len();
                let kinds = [EntryKind::File, EntryKind::Link, EntryKind::Other, EntryKind::Folder];
                let kind = if last { kinds[usize::from(kind)] } else { EntryKind::Folder };
                let there =
                    model[&folder].iter().find(|entry| entry.name == name).map(|entry| entry.kind);
                if there.is_none() {
                    model.get_mut(&folder).unwrap().push(entry(&folder, name, kind, size, seconds));
                }
                if there.unwrap_or(kind) != EntryKind::Folder {
                    break;
                }
                folder = below(&folder, name);
                model.entry(folder.clone()).or_default();
            }
        }
        for entries in model.values_mut() {
            entries.sort_by(|a, b| a.name.cmp(&b.name));
        }
        model
    })
}

/// The index, from parts of the folders that come in any order.
fn index(model: &Model, parts: &[(usize, usize)]) -> Index {
    let mut builder = IndexBuilder::new(10_000);
    let mut pending: Vec<(usize, VecDeque<Entry>)> = Vec::new();
    let (mut known, mut parts) = (0, parts.iter().cycle());
    loop {
        while known < builder.folders() {
            let path = builder.path(known).unwrap();
            pending.push((known, model[path.as_str()].clone().into()));
            known += 1;
        }
        if pending.is_empty() {
            return builder.index();
        }
        let (which, count) = parts.next().unwrap();
        let which = which % pending.len();
        let (folder, rest) = &mut pending[which];
        let some: Vec<Entry> = rest.drain(..(*count).min(rest.len())).collect();
        assert!(builder.add(*folder, some.into_iter()).unwrap());
        if rest.is_empty() {
            builder.done(*folder);
            pending.remove(which);
        }
    }
}

fn walk<'a>(model: &'a Model, folder: &str, found: &mut Vec<&'a Entry>) {
    for entry in &model[folder] {
        found.push(entry);
        if entry.kind == EntryKind::Folder {
            walk(model, &below(folder, &entry.name), found);
        }
    }
}

fn matches(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], name) => name.is_empty(),
        (['*', rest @ ..], name) => (0..=name.len()).any(|skipped| matches(rest, &name[skipped..])),
        (['?', rest @ ..], [_, name @ ..]) => matches(rest, name),
        ([letter, rest @ ..], [first, name @ ..]) => letter == first && matches(rest, name),
        _ => false,
    }
}

fn is_found(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    if !text.contains(['*', '?']) {
        return name.contains(&text);
    }
    matches(&text.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

/// All pages of a list put together; each must be as long as it says.
fn all(limit: u64, page: impl Fn(u64) -> Page<Entry>) -> Vec<Entry> {
    let (mut items, mut offset) = (Vec::new(), 0);
    loop {
        let page = page(offset);
        offset += page.items.len() as u64;
        assert!(!page.more || page.items.len() as u64 == limit);
        items.extend(page.items);
        assert_eq!(page.more, page.total.unwrap() > items.len() as u64);
        if !page.more {
            return items;
        }
    }
}

fn naive_order(entries: &mut [Entry], order: Order) {
    entries.sort_by(|a, b| {
        let key = match order.by {
            OrderBy::Size => a.size.cmp(&b.size),
            OrderBy::Modified => a.modified.cmp(&b.modified),
            _ => std::cmp::Ordering::Equal,
        };
        let key = key.then_with(|| a.name.cmp(&b.name));
        let key = if order.descending { key.reverse() } else { key };
        let file = |entry: &Entry| order.by != OrderBy::Stored && entry.kind != EntryKind::Folder;
        file(a).cmp(&file(b)).then(key)
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn folders_are_those_of_the_model_in_every_order(
        model in models(),
        parts in prop::collection::vec((0..50_usize, 1..4_usize), 1..20),
        limit in 1..7_u64,
    ) {
        let index = index(&model, &parts);
        prop_assert_eq!(index.entries(), model.values().map(|entries| entries.len() as u64).sum::<u64>());
        prop_assert!(index.is_whole());
        for (folder, entries) in &model {
            let folder = SnapshotPath::new(folder).unwrap();
            for by in [OrderBy::Stored, OrderBy::Name, OrderBy::Size, OrderBy::Modified] {
                for descending in [false, true] {
                    let order = Order { by, descending };
                    let mut expected = entries.clone();
                    naive_order(&mut expected, order);
                    let listed = all(limit, |offset| index.children(&folder, offset, limit, order).unwrap());
                    prop_assert_eq!(&listed, &expected, "{:?}", order);
                    let mut sorted = all(limit, |offset| index.children(&folder, offset, limit, Order::default()).unwrap());
                    order.sort(&mut sorted);
                    prop_assert_eq!(sorted, expected, "without the index: {:?}", order);
                }
            }
            for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Folder) {
                prop_assert!(index.children(&folder.join(&entry.name).unwrap(), 0, 1, Order::default()).is_none());
            }
        }
    }

    #[test]
    fn searches_find_what_a_walk_finds(
        model in models(),
        parts in prop::collection::vec((0..50_usize, 1..4_usize), 1..20),
        limit in 1..7_u64,
        text in "[aAbBéÉ.xq\n%*?\u{202e}]{0,3}",
    ) {
        let index = index(&model, &parts);
        for folder in model.keys() {
            let mut expected = Vec::new();
            walk(&model, folder, &mut expected);
            expected.retain(|entry| is_found(&text, &entry.name));
            let folder = SnapshotPath::new(folder).unwrap();
            let found = all(limit, |offset| index.search(&folder, &text, offset, limit).unwrap().unwrap());
            prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{:?} in {}", text, folder);
        }
    }
}

#[test]
fn folders_that_look_the_same_are_not_mixed_up() {
    let mut builder = IndexBuilder::new(10);
    let folder = |name| entry("/", name, EntryKind::Folder, 0, 0);
    assert!(
        builder
            .add(0, [folder("f\u{fffd}"), folder("f\u{fffd}"), folder("g")].into_iter())
            .unwrap()
    );
    builder.done(0);
    assert_eq!(
        (1..4).map(|number| builder.path(number).is_some()).collect::<Vec<_>>(),
        [true, false, true]
    );
    for number in [1, 3] {
        assert!(builder.add(number, [entry("/", "x", EntryKind::File, 1, 0)].into_iter()).unwrap());
        builder.done(number);
    }
    let index = builder.index();
    let path = SnapshotPath::new("/f\u{fffd}").unwrap();
    assert_eq!(index.children(&path, 0, 9, Order::default()).unwrap().items.len(), 1);
    assert_eq!(
        index.children(&SnapshotPath::root(), 0, 9, Order::default()).unwrap().items.len(),
        3
    );
    assert!(!index.is_whole());
}

#[test]
fn what_does_not_fit_or_is_no_name_is_told() {
    let file = |name| entry("/", name, EntryKind::File, 0, 0);
    let mut builder = IndexBuilder::new(2);
    assert!(builder.add(0, [file("a"), file("b")].into_iter()).unwrap());
    assert!(!builder.add(0, [file("c")].into_iter()).unwrap());
    for name in ["", "a/b"] {
        assert!(
            matches!(IndexBuilder::new(2).add(0, [file(name)].into_iter()), Err(Error::Answer(_))),
            "{name:?}"
        );
    }
}

#[test]
fn no_text_is_a_way_through_the_ends_of_names() {
    let mut builder = IndexBuilder::new(10);
    assert!(
        builder
            .add(
                0,
                ["a", "b", "c.d"].map(|name| entry("/", name, EntryKind::File, 0, 0)).into_iter()
            )
            .unwrap()
    );
    builder.done(0);
    let index = builder.index();
    let count = |text: &str| {
        index.search(&SnapshotPath::root(), text, 0, 9).unwrap().unwrap().total.unwrap()
    };
    assert_eq!(
        ["/", "a/b", "a*/b", "?/?", "*", "?", "**", "", "c.d", "c?d", ".", "^", "$"].map(count),
        [0, 0, 0, 0, 3, 2, 3, 3, 1, 1, 1, 0, 0]
    );
    assert!(matches!(
        index.search(&SnapshotPath::root(), &"x".repeat(256), 0, 9),
        Err(Error::Input(_))
    ));
    assert_eq!(count(&"*?".repeat(127)), 0);
    let far = index.search(&SnapshotPath::root(), "", u64::MAX, u64::MAX).unwrap().unwrap();
    assert!(far.items.is_empty() && !far.more);
}
