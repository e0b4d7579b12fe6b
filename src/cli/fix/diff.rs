//! What would change, as a patch.

use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use crate::check::words::code;
use crate::error::Error;
use crate::report::escape;
use crate::source::paths::slashed;

use super::super::patch;
use super::Changed;

/// The patch. On a terminal, what would steer it is shown instead. Off a terminal it is taken as it is or not at
/// all: a line that is changed does not apply, and one that is not reaches the log of a pipeline alive. Says
/// which files that concerns, and on `err` where the patch is to be applied, if not here.
pub(in crate::cli) fn diff(
    files: &[Changed],
    terminal: bool,
    (out, err): (&mut dyn Write, &mut dyn Write),
) -> io::Result<Vec<Error>> {
    let mut refused = Vec::new();
    let folder = applied_from(files);
    for file in files {
        let hunks = patch::hunks(&file.before, &file.after);
        if hunks.is_empty() {
            continue;
        }
        let name = match &folder {
            Some(folder) => below(folder, &file.name),
            None => file.name.clone(),
        };
        let new = header('b', &name);
        let old = if file.is_new { "/dev/null".to_owned() } else { header('a', &name) };
        let text = format!("--- {old}\n+++ {new}\n{hunks}");
        if terminal {
            for line in text.lines() {
                writeln!(out, "{}", escape::line(line))?;
            }
        } else if let Some(line) = hunks.lines().find(|line| escape::is_alive(line)) {
            let shown = escape::line(line.trim_start_matches(['+', '-']));
            let message = format!(
                "no patch of {}: {} next to a change would steer a terminal or a pipeline",
                file.name,
                code(shown.trim())
            );
            let error = Error::file(&file.name, None, message);
            refused.push(error.with_help("`--fix` changes the file without printing it"));
        } else {
            out.write_all(text.as_bytes())?;
        }
    }
    if let Some(folder) = folder {
        let folder = folder.display();
        let note = format!("the patch names files as they are seen from {folder}: apply it there");
        writeln!(err, "{}", escape::line(&note))?;
    }
    Ok(refused)
}

/// From which folder a patch of the files is to be applied, where that is not the working directory: neither
/// `git apply` nor `patch` takes a name that leads upwards or is absolute. It is that of the repository, or else the
/// nearest that holds them all.
fn applied_from(files: &[Changed]) -> Option<PathBuf> {
    let outside = |file: &Changed| {
        let path = Path::new(&file.name);
        path.is_absolute() || path.components().any(|part| part == Component::ParentDir)
    };
    files.iter().any(outside).then_some(())?;
    let here = Path::new(".").canonicalize().ok()?;
    let places: Vec<PathBuf> = files.iter().map(|file| place(&file.name)).collect();
    let all =
        here.ancestors().find(|folder| places.iter().all(|place| place.starts_with(folder)))?;
    Some(all.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(all).to_path_buf())
}

/// Where a file lies, whether it is there or not.
fn place(name: &str) -> PathBuf {
    let path = Path::new(name);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().unwrap_or_default();
    path.file_name().map(|file| folder.join(file)).unwrap_or(folder)
}

/// The name of a file, below the folder that it lies in somewhere.
fn below(folder: &Path, name: &str) -> String {
    let place = place(name);
    slashed(place.strip_prefix(folder).unwrap_or(&place))
}

/// A name in the head of a patch, below `a/` or `b/` as `git apply` and `patch -p1` take it. A tab ends a
/// name that holds spaces; one with quotes, or with what would steer a terminal, is quoted as in C.
fn header(side: char, name: &str) -> String {
    let plain = !name.contains(['"', '\\']) && escape::line(name) == name;
    if plain {
        let end = if name.contains(' ') { "\t" } else { "" };
        return format!("{side}/{name}{end}");
    }
    let mut out = format!("\"{side}/");
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b' '..=b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("\\{other:03o}")),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_quoted_in_heads_as_git_takes_them() {
        assert_eq!(header('a', "iam/x.json"), "a/iam/x.json");
        assert_eq!(header('a', "a b"), "a/a b\t");
        assert_eq!(header('b', "q\"\t\\é.json"), "\"b/q\\\"\\t\\\\\\303\\251.json\"");
        assert_eq!(header('b', "é.json"), "b/é.json");
    }

    #[test]
    #[cfg(unix)]
    fn a_backslash_in_a_name_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("q\\w.json");
        std::fs::write(&name, "").unwrap();
        let root = folder.path().canonicalize().unwrap();
        assert_eq!(below(&root, &name.display().to_string()), "q\\w.json");
    }
}
