//! `file:` addresses to paths and back (RFC 8089).

use std::path::{Path, PathBuf};

use crate::syntax::percent;

/// The path of a `file:` address; `None` for what is no file.
pub(super) fn path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let (decoded, _) = percent::decode(rest, 0);
    let path = decoded.strip_prefix("localhost").unwrap_or(&decoded);
    // `/c:/x` of Windows.
    let drive = path.as_bytes().get(2) == Some(&b':') && cfg!(windows);
    let path = if drive { path.trim_start_matches('/') } else { path };
    let path = PathBuf::from(path);
    path.is_absolute().then_some(path)
}

/// The address of an absolute path.
pub(super) fn of(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    let mut out = String::from(if text.starts_with('/') { "file://" } else { "file:///" });
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The path behind links, also of a file that is not there yet.
pub(super) fn canonical(path: &Path) -> PathBuf {
    if let Ok(real) = std::fs::canonicalize(path) {
        return real;
    }
    let folder = path.parent().and_then(|folder| std::fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn paths_come_back() {
        let odd = Path::new("/tmp/a b/é%#?.json");
        assert_eq!(of(odd), "file:///tmp/a%20b/%C3%A9%25%23%3F.json");
        assert_eq!(path(&of(odd)).as_deref(), Some(odd));
        assert_eq!(path("untitled:Untitled-1"), None);
        assert_eq!(path("file:relative"), None);
    }
}
