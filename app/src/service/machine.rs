//! What the system tells of the machine.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{DiagnosisGroup, DiagnosisItem, DiagnosisVerdict, local_zone};

/// How far the clock may be behind what it said before: it is set now and then.
const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(5);

const GROUP: DiagnosisGroup = DiagnosisGroup::Machine;

/// Facts of the machine: system, processors, memory, clock. The newest task was made then.
pub(super) fn machine(newest: Option<DateTime<Utc>>) -> Vec<DiagnosisItem> {
    let mut items = vec![system(), processors()];
    items.extend(memory());
    items.push(clock(Utc::now(), newest));
    items
}

fn system() -> DiagnosisItem {
    let platform = format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    #[cfg(unix)]
    let value = {
        let told = rustix::system::uname();
        format!(
            "{platform}, {} {}",
            told.sysname().to_string_lossy(),
            told.release().to_string_lossy()
        )
    };
    #[cfg(not(unix))]
    let value = platform;
    DiagnosisItem::fact(GROUP, "System", value)
}

fn processors() -> DiagnosisItem {
    let value = match std::thread::available_parallelism() {
        Ok(count) => count.to_string(),
        Err(_) => "not known".to_owned(),
    };
    DiagnosisItem::fact(GROUP, "Processors", value)
}

/// The memory of the machine, or what the group of this process may have of it.
fn memory() -> Option<DiagnosisItem> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let (available, total) = meminfo(&text)?;
    let Some((used, limit)) = group_memory().filter(|(_, limit)| *limit < total) else {
        return Some(DiagnosisItem::memory(available, total));
    };
    Some(DiagnosisItem::memory(available.min(limit.saturating_sub(used)), limit))
}

/// Of `/proc/meminfo`: what could be used without swapping, and all of it, in bytes.
fn meminfo(text: &str) -> Option<(u64, u64)> {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    Some((bytes("MemAvailable")?, bytes("MemTotal")?))
}

/// What the control group of this process takes of memory, and its limit, in bytes; none without a
/// limit.
fn group_memory() -> Option<(u64, u64)> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let folder = std::path::Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/'));
    let number = |file: &str| -> Option<u64> {
        std::fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
    };
    Some((number("memory.current")?, number("memory.max")?))
}

fn clock(now: DateTime<Utc>, newest: Option<DateTime<Utc>>) -> DiagnosisItem {
    let there = now.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M %:z");
    let fact = DiagnosisItem::fact(GROUP, "Clock", format!("{}, {there}", local_zone()));
    if newest.is_some_and(|newest| now + CLOCK_SLACK < newest) {
        let advice = "the clock is behind the newest task: set it, or schedules run at wrong times";
        return fact.judged(DiagnosisVerdict::Bad, advice);
    }
    fact.good()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_memory_is_read_in_bytes() {
        let text = "MemTotal:       16384000 kB\nMemFree:  1 kB\nMemAvailable:    8192000 kB\n";
        assert_eq!(meminfo(text), Some((8_192_000 * 1024, 16_384_000 * 1024)));
        for broken in ["", "MemTotal: 1 kB", "MemTotal: x kB\nMemAvailable: 1 kB"] {
            assert_eq!(meminfo(broken), None, "{broken}");
        }
    }

    #[test]
    fn this_machine_has_processors_and_a_clock() {
        let items = machine(None);
        let value = |name: &str| &items.iter().find(|item| item.name == name).unwrap().value;
        assert!(value("Processors").parse::<u32>().unwrap() > 0);
        assert!(value("Clock").contains(&local_zone()), "{}", value("Clock"));
        let now = Utc::now();
        let behind = clock(now, Some(now + TimeDelta::hours(1)));
        assert_eq!(behind.verdict, Some(DiagnosisVerdict::Bad));
        assert_eq!(clock(now, Some(now)).verdict, Some(DiagnosisVerdict::Good));
        #[cfg(target_os = "linux")]
        assert!(value("Memory").contains(" available of "), "{}", value("Memory"));
    }
}
