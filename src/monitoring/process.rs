//! What the system says about this process, from `/proc`; nothing where there is none.

use std::fs;

/// The process in numbers. What the system does not tell is left out.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Process {
    /// Memory that is in use, in bytes.
    pub resident_bytes: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// Open files and sockets.
    pub open_fds: Option<u64>,
    /// How many there may be.
    pub max_fds: Option<u64>,
}

impl Process {
    /// The figures of this moment.
    pub(super) fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self {
            resident_bytes: number(&status, "VmRSS:").map(|kib| kib.saturating_mul(1024)),
            threads: number(&status, "Threads:"),
            // The folder itself is open while it is read.
            open_fds: fs::read_dir("/proc/self/fd").ok().map(|fds| (fds.count() as u64).saturating_sub(1)),
            max_fds: number(&limits, "Max open files"),
        }
    }
}

/// The number after a name at the beginning of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_proc_are_read() {
        let status = "Name:\tgrantd\nVmRSS:\t  123 kB\nThreads:\t7\n";
        assert_eq!((number(status, "VmRSS:"), number(status, "Threads:")), (Some(123), Some(7)));
        assert_eq!(
            number("Max open files            1024                 4096                 files", "Max open files"),
            Some(1024)
        );
        assert_eq!(number("Max open files            unlimited  unlimited files", "Max open files"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_all_of_it() {
        let now = Process::now();
        assert!(now.resident_bytes.is_some_and(|bytes| bytes > 1 << 20), "{now:?}");
        assert!(now.threads.is_some_and(|threads| threads >= 1) && now.open_fds.is_some_and(|fds| fds >= 3));
    }
}
