//! Paths by their words alone: nothing is looked up on disk.

use std::path::{Component, Path, PathBuf};

/// The path without `.` and, as far as there is something to go back from, without `..`.
#[must_use]
pub fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(out.components().next_back(), Some(Component::Normal(_))) =>
            {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

/// An absolute path as seen from an absolute folder: `../iam/policy.json`. One that has nothing in common with
/// it stays as it is: to go up to the root and down again leads nobody there.
#[must_use]
pub fn seen_from(path: &Path, folder: &Path) -> PathBuf {
    let (path, folder) = (plain(path), plain(folder));
    let same = path.components().zip(folder.components()).take_while(|(own, other)| own == other);
    let (mut shared, mut names) = (0, 0);
    for (own, _) in same {
        shared += 1;
        names += usize::from(matches!(own, Component::Normal(_)));
    }
    let ups = folder.components().count() - shared;
    if names == 0 && ups > 0 {
        return path;
    }
    let ups = std::iter::repeat_n(Component::ParentDir, ups);
    ups.chain(path.components().skip(shared)).collect()
}

/// The path with `/` between its parts.
#[must_use]
pub fn slashed(path: &Path) -> String {
    let mut out = String::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::RootDir => out.push('/'),
            other => {
                if !out.is_empty() && !out.ends_with('/') {
                    out.push('/');
                }
                out.push_str(&other.as_os_str().to_string_lossy());
            }
        }
    }
    if out.is_empty() { ".".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_seen_from_a_folder() {
        let seen =
            |path: &str, folder: &str| slashed(&seen_from(Path::new(path), Path::new(folder)));
        assert_eq!(seen("/r/a/p.json", "/r/a"), "p.json");
        assert_eq!(seen("/r/a/../b/p.json", "/r/a/c"), "../../b/p.json");
        assert_eq!(seen("/r/a", "/r/a"), ".");
        assert_eq!(seen("/etc/p.json", "/r/a"), "/etc/p.json");
        assert_eq!(seen("/etc/p.json", "/"), "etc/p.json");
    }
}
