//! Puts a text in the place of a file, wholly or not at all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crate::source::TEMPORARY;

/// Files that killed runs with the same process id may have left.
const TRIES: u32 = 100;

/// Writes `text` beside its place, and then over it, so that a run that is killed leaves the old file or
/// the new one. Behind a link stands the file that is meant. Its permissions and its owner stay: a file whose owner
/// cannot be kept is written in its place, with the whole text beside it until that is done. Other names of the same
/// file, hard links, keep the old text.
///
/// # Errors
/// Whatever the file system says; the old file is as it was then. A file that may not be written is not replaced
/// either, though its folder would permit it.
pub fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let path = target(path)?;
    let old = match fs::metadata(&path) {
        Ok(old) => Some((OpenOptions::new().write(true).open(&path)?, old)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let old = match old {
        // A device or a pipe is written to; nothing can stand in its place.
        Some((mut file, old)) if !old.is_file() => return file.write_all(text),
        old => old,
    };
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let (beside, mut file) = beside(&path, &name)?;
    let done = put(&mut file, text, old, (&beside, &path));
    if done.is_err() {
        // What is left of it is of no use; that it cannot be removed would tell nobody anything.
        let _ = fs::remove_file(&beside);
    }
    done
}

/// Whether [`replace`] could write there, as far as that can be told without writing.
///
/// # Errors
/// What it would say.
pub fn may_write(path: &Path) -> io::Result<()> {
    let path = target(path)?;
    match fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => OpenOptions::new().write(true).open(&path).map(drop),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The file that is meant, behind links.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(path) => Ok(path),
        // To write beside it and over it would put a file in the place of the link.
        Err(_) if path.is_symlink() => Err(io::Error::other("it is a link that leads nowhere")),
        Err(_) => Ok(path.to_path_buf()),
    }
}

fn put(
    file: &mut File,
    text: &[u8],
    old: Option<(File, Metadata)>,
    (beside, path): (&Path, &Path),
) -> io::Result<()> {
    let kept = old.as_ref().is_none_or(|(_, old)| keep_owner(file, old));
    if let Some((_, old)) = &old {
        // Before there is something to read, and after the owner, whose change takes bits away.
        file.set_permissions(old.permissions())?;
    }
    file.write_all(text)?;
    file.sync_all()?;
    let Some((mut own, _)) = old.filter(|_| !kept) else {
        return fs::rename(beside, path);
    };
    let before = fs::read(path)?;
    if let Err(error) = overwrite(&mut own, text) {
        overwrite(&mut own, &before)?;
        return Err(error);
    }
    fs::remove_file(beside)
}

fn overwrite(file: &mut File, text: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()
}

/// Gives a new file the owner and the group of an old one; says whether it has them.
#[cfg(unix)]
fn keep_owner(file: &File, old: &Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata().map(|own| (own.uid(), own.gid()));
    own.is_ok_and(|own| own == (old.uid(), old.gid()))
        || fchown(file, Some(old.uid()), Some(old.gid())).is_ok()
}

/// Elsewhere a new file has the owner of its folder's choice.
#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> bool {
    true
}

/// A new file beside `path`, of a name that is never taken for a policy or a part of a module; one that a
/// killed run left is in nobody's way.
fn beside(path: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
    for number in 0..TRIES {
        let beside =
            path.with_file_name(format!(".{name}{TEMPORARY}{}-{number}", std::process::id()));
        match File::create_new(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
