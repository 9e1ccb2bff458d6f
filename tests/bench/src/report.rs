//! The tables, on standard output and in docs/benchmarks.md, and the plots beside it.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::bench::{Bench, MEMORY};
use crate::figures::{Figures, Row, Who, names};
use crate::plots::{Chart, FLOOR, LOCAL, OURS, PEER, Series};
use crate::trend;

/// The latency of the cases with the limits of the real drive on.
const LIMITS_LATENCY: Duration = Duration::from_millis(20);

/// A line of what the project asks of itself.
struct Target {
    what: &'static str,
    limit: String,
    reached: Option<(String, bool)>,
}

/// The tables as Markdown, from the targets to the bridge.
pub fn tables(bench: &Bench) -> String {
    let figures = &bench.figures;
    let mut text =
        String::from("## What is asked for\n\n| | limit | reached | |\n|---|---|---|---|\n");
    for Target { what, limit, reached } in targets(figures) {
        let (value, met) = reached.unwrap_or_else(|| ("not measured".into(), false));
        let verdict = if value == "not measured" {
            ""
        } else if met {
            "met"
        } else {
            "not met"
        };
        let _ = writeln!(text, "| {what} | {limit} | {value} | {verdict} |");
    }
    for latency in latencies(figures) {
        let _ =
            writeln!(text, "\n## {} ms a call\n\n{}", latency.as_millis(), table(figures, latency));
    }
    text.push_str(&hops(figures));
    if !figures.facts.is_empty() {
        text.push_str("\n## The bridge between Rust and Go\n\n| | |\n|---|---|\n");
        for fact in &figures.facts {
            let _ = writeln!(text, "| {} | {} |", fact.name, fact.value);
        }
    }
    text
}

/// Writes docs/benchmarks.md, docs/benchmarks/*.svg and docs/trend.md; gives what is worse than in the
/// release before.
pub fn write(bench: &Bench, docs: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let folder = docs.join("benchmarks");
    std::fs::create_dir_all(&folder)?;
    let mut plots = String::new();
    for (name, chart) in charts(&bench.figures) {
        if chart.write(&folder.join(format!("{name}.svg")))? {
            let _ = writeln!(plots, "![{}](benchmarks/{name}.svg)\n", chart.title);
        }
    }
    let cores = std::thread::available_parallelism()?;
    let rounds = bench.tools.rounds;
    let text = format!(
        "# Benchmarks

Made by `make bench` on a machine of {cores} cores: the simulated OpenDrive, the real Plakar with its default settings, and the real rclone
ran on it together, so the drive takes its share of the processor. Each figure is the median of {rounds} runs (of one, where a run takes
minutes); those that are compared took turns. Times depend on the machine, ratios much less.

- **calls**, **down**, **up**: calls to the drive's API, and megabytes of content, as the simulator counted them.
- **peak**: resident memory of the plugin at its highest (VmHWM), the worst of all runs. More than {} MiB fails the run.
- **x floor**: times what the calls alone cost: 10 ms for each, because rclone lets one through every 10 ms, or a sixth of a round trip for each
  download where that is more, because the drive lets six go on at once; and a round trip for each level of the tree.
- **x ours**: times what this package took for the same.
- **cpu s**: what the processor did for the plugin, in seconds; other work on the machine changes it little.
- **a bare plugin**: the least that a plugin can be, tonic as it comes over Plakar's pipes (tests/bench/src/bin/bare-plugin). As a source it has
  files made up in memory, as a store files of a local folder, taken into memory once; both are sent as soon as Plakar asks.

How this has gone from release to release: [trend](trend.md).

{}
{}",
        MEMORY >> 20,
        plots.trim_end(),
        format_args!("\n{}", tables(bench)),
    );
    std::fs::write(docs.join("benchmarks.md"), text)?;
    Ok(trend::write(&bench.figures, docs)?)
}

fn latencies(figures: &Figures) -> Vec<Duration> {
    let mut latencies: Vec<Duration> = figures.rows.iter().map(|row| row.latency).collect();
    latencies.sort();
    latencies.dedup();
    latencies
}

fn table(figures: &Figures, latency: Duration) -> String {
    let mut text = String::from(
        "| what | who | s | cpu s | MB/s | calls | down MB | up MB | peak MiB | x floor | x ours |\n",
    );
    text.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    let mut cases: Vec<&str> = Vec::new();
    for row in figures.rows.iter().filter(|row| row.latency == latency) {
        if !cases.contains(&row.case.as_str()) {
            cases.push(&row.case);
        }
    }
    for case in cases {
        let mut rows: Vec<&Row> =
            figures.rows.iter().filter(|row| row.latency == latency && row.case == case).collect();
        rows.sort_by_key(|row| row.who);
        // Where Plakar has no part in it, the plugin itself is what others are compared with.
        let ours = rows
            .iter()
            .find(|row| matches!(row.who, Who::Ours | Who::Plugin))
            .and_then(|row| row.seconds());
        for row in rows {
            let number = |value: Option<f64>, digits: usize| {
                value.map_or(String::new(), |value| format!("{value:.digits$}"))
            };
            let megabytes = |value: Option<f64>| number(value.map(|bytes| bytes / 1e6), 1);
            let vain =
                row.in_vain().map_or(String::new(), |count| format!(", {count} read in vain"));
            let cells = [
                number(row.seconds(), 2),
                number(row.processor(), 2),
                megabytes(row.speed()).split('.').next().unwrap_or_default().to_owned(),
                number(row.calls(), 0),
                megabytes(row.down()),
                megabytes(row.up()),
                row.peak().map_or(String::new(), |peak| (peak >> 20).to_string()),
                number(row.above_floor(), 2),
                number(row.seconds().zip(ours).map(|(theirs, ours)| theirs / ours), 2),
            ];
            let what = if row.skipped.is_some() {
                format!("{case} (stopped: see below)")
            } else {
                format!("{case}{vain}")
            };
            let _ = writeln!(text, "| {what} | {} | {} |", row.who.name(), cells.join(" | "));
        }
    }
    for row in figures.rows.iter().filter(|row| row.latency == latency) {
        if let Some(reason) = &row.skipped {
            let _ = write!(text, "\n{}, {}: {reason}\n", row.case, row.who.name());
        }
    }
    text
}

/// What a plugin does for one file that it gives to Plakar, and for one MB of packfiles that Plakar asks
/// for, beside the least that a plugin can be.
fn hops(figures: &Figures) -> String {
    const CASES: [(&str, &str, f64); 3] = [
        (names::LOCAL_TINY, "file", 20_000.0),
        (names::STORE_CHECK, "MB of content", 59.84),
        (names::STORE_RESTORE, "MB of content", 59.84),
    ];
    let mut rows = String::new();
    for (case, unit, units) in CASES {
        for who in [Who::Ours, Who::Bare] {
            let Some(row) = figures.find(case, Duration::ZERO, who) else { continue };
            let each = |value: Option<f64>, digits: usize| {
                value.map_or(String::new(), |value| format!("{:.digits$}", value / units))
            };
            let microseconds = |seconds: Option<f64>| each(seconds.map(|seconds| seconds * 1e6), 0);
            let cells = [
                microseconds(row.seconds()),
                microseconds(row.processor()),
                each(row.hops(|hops| hops.wake_ups), 2),
                each(row.hops(|hops| hops.reads), 2),
                each(row.hops(|hops| hops.writes), 2),
                each(row.hops(|hops| hops.bytes).map(|bytes| bytes / 1e3), 1),
            ];
            let _ = writeln!(rows, "| {case} | {unit} | {} | {} |", who.name(), cells.join(" | "));
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "\n## From the plugin to Plakar\n\nThe same runs, for each file or MB: the time of the whole command, the plugin's processor, how often one of its threads \
         slept and was woken, calls that read and write pipes and files, and what they moved. A bare store reads each packfile once and keeps it; a bare source \
         reads nothing.\n\n| what | each | who | µs | cpu µs | wake-ups | reads | writes | kB read and written |\n|---|---|---|--:|--:|--:|--:|--:|--:|\n{rows}"
    )
}

fn targets(figures: &Figures) -> Vec<Target> {
    let slow = Duration::from_millis(100);
    let above_floor = |case| {
        let ratio = figures.find(case, slow, Who::Ours)?.above_floor()?;
        Some((format!("{ratio:.2} x"), ratio <= 1.4))
    };
    let against = |case, other, least: f64| {
        let row = |who| figures.find(case, Duration::ZERO, who)?.seconds();
        let ratio = row(other)? / row(Who::Ours)?;
        let bare = row(Who::Bare).zip(row(other)).map_or(String::new(), |(bare, other)| {
            format!("; a bare plugin {:.2} x", other / bare)
        });
        Some((format!("{ratio:.2} x{bare}"), ratio >= least))
    };
    let times_bare = |case, most: f64| {
        let row = |who| figures.find(case, Duration::ZERO, who)?.seconds();
        let (ours, bare) = (row(Who::Ours)?, row(Who::Bare)?);
        let local = row(Who::Plakar)
            .map_or(String::new(), |local| format!("; {:.2} x the local disk", ours / local));
        Some((format!("{:.2} x{local}", ours / bare), ours / bare <= most))
    };
    // What it took, as a part of what the release before took (or the peer) for the same.
    let part = |case, other, most: f64| {
        let row = |who| figures.find(case, LIMITS_LATENCY, who)?.seconds();
        let ratio = row(Who::Ours)? / row(other)?;
        Some((format!("{ratio:.2} x"), ratio <= most))
    };
    let calls_a_file = |case, most: f64| {
        let calls = figures.find(case, LIMITS_LATENCY, Who::Ours)?.calls()? / 200.0;
        Some((format!("{calls:.2}"), calls <= most))
    };
    let vain = figures
        .rows
        .iter()
        .filter(|row| row.who == Who::Ours)
        .filter_map(|row| Some((row.in_vain()?, row.wanted?)))
        .max();
    let peak = figures
        .rows
        .iter()
        .filter(|row| matches!(row.who, Who::Ours | Who::Plugin))
        .filter_map(Row::peak)
        .max();
    vec![
        Target {
            what: "backup of 200 x 100 kB at 100 ms",
            limit: "1.4 x the floor".into(),
            reached: above_floor(names::FEW),
        },
        Target {
            what: "backup of 5,000 x 20 kB at 100 ms",
            limit: "1.4 x the floor".into(),
            reached: above_floor(names::MANY),
        },
        Target {
            what: "1 % of 5,000 files changed: reads in vain, in the worst run",
            limit: "a tenth of the reads".into(),
            reached: vain.map(|(vain, wanted)| {
                (format!("{vain} of {}", vain + wanted), vain * 10 <= vain + wanted)
            }),
        },
        Target {
            what: "one file of 2 GB, throughput",
            limit: "0.9 x `rclone cat`".into(),
            reached: against(names::LARGE, Who::Rclone, 0.9),
        },
        Target {
            what: names::LINE,
            limit: "0.9 x `rclone cat`".into(),
            reached: against(names::LINE, Who::Rclone, 0.9),
        },
        Target {
            what: names::LOCAL,
            limit: "0.8 x Plakar's own connector".into(),
            reached: against(names::LOCAL, Who::Plakar, 0.8),
        },
        Target {
            what: names::LOCAL_TINY,
            limit: "0.8 x Plakar's own connector".into(),
            reached: against(names::LOCAL_TINY, Who::Plakar, 0.8),
        },
        Target {
            what: names::STORE_CHECK,
            limit: "1.15 x a bare plugin".into(),
            reached: times_bare(names::STORE_CHECK, 1.15),
        },
        Target {
            what: names::STORE_RESTORE,
            limit: "1.15 x a bare plugin".into(),
            reached: times_bare(names::STORE_RESTORE, 1.15),
        },
        Target {
            what: names::LOCAL_TINY,
            limit: "1.15 x a bare plugin".into(),
            reached: times_bare(names::LOCAL_TINY, 1.15),
        },
        Target {
            what: names::LARGE,
            limit: "1.15 x a bare plugin".into(),
            reached: times_bare(names::LARGE, 1.15),
        },
        Target {
            what: names::SLOW_FILE,
            limit: "0.25 x the release before".into(),
            reached: part(names::SLOW_FILE, Who::Before, 0.25),
        },
        Target {
            what: names::SLOW_FILE,
            limit: "0.25 x the peer".into(),
            reached: part(names::SLOW_FILE, Who::Peer, 0.25),
        },
        Target {
            what: names::SLOW_CHECK,
            limit: "0.25 x the release before".into(),
            reached: part(names::SLOW_CHECK, Who::Before, 0.25),
        },
        Target {
            what: names::RESTORE_NEW,
            limit: "4.2 calls a file".into(),
            reached: calls_a_file(names::RESTORE_NEW, 4.2),
        },
        Target {
            what: names::RESTORE_NEW,
            limit: "0.62 x the release before".into(),
            reached: part(names::RESTORE_NEW, Who::Before, 0.62),
        },
        Target {
            what: names::RESTORE_KNOWN,
            limit: "2.2 calls a file".into(),
            reached: calls_a_file(names::RESTORE_KNOWN, 2.2),
        },
        Target {
            what: "peak memory in every case",
            limit: format!("{} MiB", MEMORY >> 20),
            reached: peak.map(|peak| (format!("{} MiB", peak >> 20), peak <= MEMORY)),
        },
    ]
}

fn charts(figures: &Figures) -> Vec<(String, Chart<'static>)> {
    const DRIVE: [Series; 3] = [FLOOR, OURS, PEER];
    const STORE: [Series; 3] = [LOCAL, OURS, PEER];
    const DRIVE_CASES: [&str; 4] = [names::FEW, names::UNCHANGED, names::CHANGED, names::RESTORE];
    const TITLES: [(u64, &str, &str); 3] = [
        (0, "Backup and restore of a drive, no latency", "A store on the drive, no latency"),
        (20, "Backup and restore of a drive, 20 ms a call", "A store on the drive, 20 ms a call"),
        (
            100,
            "Backup and restore of a drive, 100 ms a call",
            "A store on the drive, 100 ms a call",
        ),
    ];
    let mut charts = Vec::new();
    for (milliseconds, drive, store) in TITLES {
        let latency = Duration::from_millis(milliseconds);
        let seconds = |case: &str, who| figures.find(case, latency, who)?.seconds();
        let mut groups = Vec::new();
        for case in DRIVE_CASES {
            let floor = figures.find(case, latency, Who::Ours).and_then(Row::floor);
            if floor.is_some() {
                groups.push((
                    case.to_owned(),
                    vec![floor, seconds(case, Who::Ours), seconds(case, Who::Peer)],
                ));
            }
        }
        charts.push((
            format!("drive-{milliseconds}ms"),
            Chart { title: drive, unit: "seconds", series: &DRIVE, groups, limit: None },
        ));
        let mut groups = Vec::new();
        for row in figures.rows.iter().filter(|row| {
            row.latency == latency && row.who == Who::Ours && row.case.starts_with("store of")
        }) {
            let values = [Who::Plakar, Who::Ours, Who::Peer].map(|who| seconds(&row.case, who));
            groups.push((row.case.clone(), values.into()));
        }
        charts.push((
            format!("store-{milliseconds}ms"),
            Chart { title: store, unit: "seconds", series: &STORE, groups, limit: None },
        ));
    }
    let large = names::LARGE;
    let speeds = [Who::Rclone, Who::Plugin, Who::Ours, Who::Peer, Who::Plakar]
        .into_iter()
        .filter_map(|who| {
            let speed = figures.find(large, Duration::ZERO, who)?.speed()?;
            Some((who.name().to_owned(), vec![Some(speed / 1e6)]))
        });
    const SPEED: [Series; 1] =
        [Series { name: "one file of 2 GB from the drive (local disk: from there)", ..OURS }];
    let chart = Chart {
        title: "Throughput",
        unit: "MB/s",
        series: &SPEED,
        groups: speeds.collect(),
        limit: None,
    };
    charts.push(("throughput".into(), chart));

    let mut groups: Vec<(String, Vec<Option<f64>>)> = Vec::new();
    for row in figures.rows.iter().filter(|row| matches!(row.who, Who::Ours | Who::Plugin)) {
        let Some(peak) = row.peak().map(|peak| peak as f64 / f64::from(1 << 20)) else { continue };
        match groups.iter_mut().find(|(case, _)| *case == row.case) {
            Some((_, values)) => values[0] = values[0].map(|value| value.max(peak)),
            None => groups.push((row.case.clone(), vec![Some(peak)])),
        }
    }
    const PEAK: [Series; 1] =
        [Series { name: "this package, at any latency; the line is the limit", ..OURS }];
    let limit = Some((MEMORY >> 20) as f64);
    charts.push((
        "memory".into(),
        Chart { title: "Peak memory of the plugin", unit: "MiB", series: &PEAK, groups, limit },
    ));
    charts
}
