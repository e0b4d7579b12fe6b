//! Where reports go: one to standard output, more to files.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::error::Error;
use crate::fix::write::replace;
use crate::report::{
    Concise, GitHub, GitLab, Human, JUnit, Json, Markdown, Outcome, Rdjson, Reporter, Sarif,
};
use crate::source::reason;
use crate::words::nearest_word;

use super::args::Format;

/// The file in which a step of GitHub Actions collects its summary.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// A report for a file.
#[derive(Debug, Clone)]
pub(super) struct Output {
    format: Format,
    path: PathBuf,
}

impl Output {
    /// Reads `FORMAT=FILE`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (format, path) = text.split_once('=').unwrap_or((text, ""));
        let names = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
        let Ok(known) = Format::from_str(format, false) else {
            let error = Error::usage(format!("`{format}` after --output is not a format"));
            return Err(match nearest_word(format, names.iter().map(String::as_str)) {
                Some(word) => error.with_help(format!("did you mean `{word}`?")),
                None => error.with_help(format!("known: {}", names.join(", "))),
            });
        };
        if path.is_empty() {
            let message = format!("`{text}` after --output names no file");
            return Err(Error::usage(message).with_help(format!("--output {format}=FILE")));
        }
        Ok(Self { format: known, path: path.into() })
    }

    /// The format.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// What to say where it would be written over one of these files.
    pub(super) fn is_over(&self, files: &BTreeSet<PathBuf>) -> Option<Error> {
        let own = self.path.canonicalize().ok()?;
        files.contains(&own).then(|| {
            let name = self.path.display();
            Error::usage(format!("{name} is checked, and the report would be written over it"))
                .with_help("name another file after --output")
        })
    }

    /// Writes the report.
    pub(super) fn write(&self, outcome: &Outcome<'_>) -> Result<(), Error> {
        self.put(&mut |out| reporter(self.format, false).report(outcome, out))
    }

    /// Writes what `say` says.
    pub(super) fn put(
        &self,
        say: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let mut text = Vec::new();
        let written = say(&mut text).and_then(|()| put(&self.path, &text));
        written.map_err(|error| {
            let name = self.path.display().to_string();
            Error::file(&name, None, format!("cannot write {name}: {}", reason(&error)))
        })
    }
}

/// Steps of a job add to their summary; any other file is replaced.
fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    let is_summary = std::env::var_os(SUMMARY).is_some_and(|summary| Path::new(&summary) == path);
    if is_summary {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
        return file.write_all(text);
    }
    replace(path, text)
}

/// Who writes a format.
pub(super) fn reporter(format: Format, colour: bool) -> Box<dyn Reporter> {
    match format {
        Format::Human => Box::new(Human { colour }),
        Format::Json => Box::new(Json),
        Format::Concise => Box::new(Concise),
        Format::Sarif => Box::new(Sarif),
        Format::Github => Box::new(GitHub),
        Format::Gitlab => Box::new(GitLab),
        Format::Junit => Box::new(JUnit),
        Format::Rdjson => Box::new(Rdjson),
        Format::Markdown => Box::new(Markdown),
    }
}
