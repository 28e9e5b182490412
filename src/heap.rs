//! How much memory the process has in use, and how much there is for it. What is counted is what is allocated and not
//! yet freed: unlike the resident size it falls at once when something is freed.

use std::fs;
use std::path::Path;

use cap::Cap;
use mimalloc::MiMalloc;

/// Counts every allocation; it refuses none, because a refused one ends the process.
#[global_allocator]
static HEAP: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// Bytes that are in use now.
pub fn in_use() -> usize {
    HEAP.allocated()
}

/// Bytes that the process may use: the machine's memory, or less where its control group says so.
pub fn available() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| machine_memory(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    group_limits(Path::new("/sys/fs/cgroup"), &groups).chain(machine).min()
}

fn machine_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The limits of the process's control groups and of those above them, in both versions of the hierarchy. A container
/// sees its own group as the root.
fn group_limits(root: &Path, groups: &str) -> impl Iterator<Item = u64> {
    let files = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let (folder, file) = match controllers {
            "" => (root.to_path_buf(), "memory.max"),
            named if named.split(',').any(|name| name == "memory") => (root.join("memory"), "memory.limit_in_bytes"),
            _ => return None,
        };
        let own = Path::new(path.trim_start_matches('/'));
        Some(own.ancestors().map(|group| folder.join(group).join(file)).collect::<Vec<_>>())
    });
    let limits: Vec<u64> = files
        .flatten()
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
        // Version 1 writes "without limit" as a number that no machine has.
        .filter(|limit| *limit < 1 << 60)
        .collect();
    limits.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_counted_and_what_is_freed_is_not() {
        // Other tests allocate too, but not as much as this.
        let size = 256 << 20;
        let before = in_use();
        let block = vec![1u8; size];
        let during = in_use();
        drop(block);
        assert!(during >= before.saturating_add(size / 2), "{before} {during}");
        assert!(in_use() <= during.saturating_sub(size / 2));
    }

    #[test]
    fn the_smallest_limit_of_the_groups_counts() {
        assert_eq!(machine_memory("MemFree: 1 kB\nMemTotal:       2048 kB\n"), Some(2 << 20));
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("a/memory.max", "4096\n");
        write("a/b/memory.max", "max\n");
        write("memory/c/memory.limit_in_bytes", "9223372036854771712\n");
        write("memory/memory.limit_in_bytes", "1000\n");
        let limits = |groups: &str| group_limits(root.path(), groups).collect::<Vec<_>>();
        assert_eq!(limits("0::/a/b\n"), [4096]);
        assert_eq!(limits("5:cpu:/x\n4:memory,other:/c\n"), [1000]);
        assert_eq!(limits("0::/nowhere\n"), [0u64; 0]);
        assert!(available().is_some_and(|bytes| bytes > 1 << 20));
    }
}
