//! What a running process has taken: proc(5).

/// How many ticks `/proc` counts in a second, on every Linux since 2.4 (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Of the processor so far, in seconds: its own and the system's for it.
pub fn processor_time(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("a running process");
    // The name may have spaces in it; it stands in brackets.
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| -> f64 { fields[at].parse().expect("a number") };
    (ticks(11) + ticks(12)) / TICKS
}

/// The most memory at any time, in bytes (`VmHWM`).
pub fn most_memory(process: u32) -> u64 {
    of_status(process, "VmHWM:")
}

/// The same without the pages of the program file.
pub fn most_memory_of_its_own(process: u32) -> u64 {
    most_memory(process).saturating_sub(of_status(process, "RssFile:"))
}

fn of_status(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("kB");
    kibibytes * 1_024
}
