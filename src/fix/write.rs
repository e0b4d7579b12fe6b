//! Puts a text in the place of a file, wholly or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::source::TEMPORARY;

/// Files that killed runs with the same process id may have left.
const TRIES: u32 = 100;

/// Writes `text` beside its place, and then over it, so that a run that is killed leaves the old file or
/// the new one. Behind a link stands the file that is meant; its permissions stay.
///
/// # Errors
/// Whatever the file system says; the old file is as it was then.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let old = fs::metadata(&path).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        // A device or a pipe is written to; nothing can stand in its place.
        return fs::OpenOptions::new().write(true).open(&path)?.write_all(text);
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let (beside, file) = beside(&path, &name)?;
    let written = Ok(file).and_then(|mut file| {
        if let Some(old) = &old {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text)?;
        file.sync_all()
    });
    let done = written.and_then(|()| fs::rename(&beside, &path));
    if done.is_err() {
        // What is left of it is of no use; that it cannot be removed would tell nobody anything.
        let _ = fs::remove_file(&beside);
    }
    done
}

/// A new file beside `path`, of a name that is never taken for a policy or a part of a module; one that a
/// killed run left is in nobody's way.
fn beside(path: &Path, name: &str) -> io::Result<(PathBuf, fs::File)> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for number in 0..TRIES {
        let beside =
            path.with_file_name(format!(".{name}{TEMPORARY}{}-{number}", std::process::id()));
        match fs::File::create_new(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
