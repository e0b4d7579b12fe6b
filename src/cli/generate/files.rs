//! Files that are made: never over what is there, unless that is wanted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::fix::write::{may_write, replace};
use crate::source::reason;

/// Writes the files, all of them or none; the folders are made.
///
/// # Errors
/// A file that is there already; what the file system says.
pub(super) fn write(files: &[(PathBuf, String)], force: bool) -> Result<(), Error> {
    let shown = |path: &Path| path.display().to_string();
    if let Some((path, _)) =
        files.iter().find(|(path, _)| !force && fs::symlink_metadata(path).is_ok())
    {
        return Err(Error::usage(format!("{} is there already", shown(path)))
            .with_help("--force writes over it"));
    }
    let cannot = |path: &Path, error: &io::Error| {
        Error::usage(format!("cannot write {}: {}", shown(path), reason(error)))
    };
    // Nothing is written where one of them could not be.
    for (path, _) in files {
        may_write(path).map_err(|error| cannot(path, &error))?;
    }
    for (path, text) in files {
        let made = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        made.map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| replace(path, text.as_bytes()))
            .map_err(|error| cannot(path, &error))?;
    }
    Ok(())
}
