//! Files that are read whole beside the inputs, and what the system says of files, in its own words.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Longest text that is read whole, in bytes: a configuration, a baseline, rules.
pub const SMALL: u64 = 16 << 20;

/// The text of a file of at most `most` bytes. A pipe or a device is none: it may never end, or never begin.
///
/// # Errors
/// What the system says; what is no file, is too long, or is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it is longer than {} MiB", most >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
}

/// What went wrong in the words of the system, without Rust's `(os error 5)`.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let system = text.split(" (os error").next().unwrap_or_default();
    let mut chars = system.chars();
    let Some(first) = chars.next() else { return String::new() };
    first.to_lowercase().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_in_the_words_of_the_system() {
        let error = io::Error::from_raw_os_error(2);
        assert!(!reason(&error).contains("os error"), "{}", reason(&error));
        assert_eq!(reason(&io::Error::other("it is not a file")), "it is not a file");
    }

    #[test]
    fn what_is_no_file_or_too_long_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read_text(folder.path(), SMALL).is_err());
        let long = folder.path().join("long");
        fs::write(&long, vec![b'x'; 1025]).unwrap();
        assert!(read_text(&long, 1024).unwrap_err().to_string().contains("longer"));
        assert_eq!(read_text(&long, 1025).unwrap().len(), 1025);
    }
}
