//! Rule files as tables that know where everything stands, so that a wrong file is refused at the
//! place that is wrong.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::version::{Version, Versions};
use crate::source::{SMALL, read_text, reason};

/// One rule file.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// What to call it: its path.
    pub path: String,
    /// The file's name without `.toml`.
    pub stem: String,
    /// Its text.
    pub text: String,
}

/// Why a rule file is refused. One sentence, lower case, no full stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    /// The file.
    pub path: String,
    /// Bytes of the file, half open; empty at 0 if the file as a whole is meant.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
}

impl std::fmt::Display for RuleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for RuleError {}

impl RuleError {
    /// An error about a file as a whole.
    #[must_use]
    pub fn file(path: &str, message: String) -> Self {
        Self { path: path.to_owned(), span: 0..0, message, help: None }
    }

    /// The error with a help line that offers the nearest of `known`.
    #[must_use]
    pub fn did_you_mean<'k>(
        mut self,
        word: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Self {
        self.help = nearest(word, known).map(|found| format!("did you mean `{found}`?"));
        self
    }
}

/// The nearest of `known` within a small edit distance, case aside.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let reach = (word.chars().count() / 3).clamp(1, 3);
    let distance = |known: &str| strsim::damerau_levenshtein(&word, &known.to_lowercase());
    let close =
        known.into_iter().map(|known| (distance(known), known)).filter(|(far, _)| *far <= reach);
    close.min_by_key(|(far, _)| *far).map(|(_, known)| known)
}

/// A parsed file.
#[derive(Debug)]
pub struct Parsed<'f> {
    path: &'f str,
    root: Spanned<DeTable<'f>>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Value<'f> {
    path: &'f str,
    /// Bytes of the file.
    pub span: Range<usize>,
    value: &'f DeValue<'f>,
}

/// A table and where it stands. Its entries are in the order of the text.
#[derive(Debug, Clone)]
pub struct Table<'f> {
    path: &'f str,
    span: Range<usize>,
    entries: Vec<(Name<'f>, Value<'f>)>,
}

/// A key and where it stands.
#[derive(Debug, Clone)]
pub struct Name<'f> {
    /// The key.
    pub text: &'f str,
    /// Bytes of the file.
    pub span: Range<usize>,
}

impl<'f> Parsed<'f> {
    /// Parses a file.
    pub fn new(file: &'f RuleFile) -> Result<Self, RuleError> {
        let root = DeTable::parse(&file.text).map_err(|error| RuleError {
            path: file.path.clone(),
            span: error.span().unwrap_or(0..0),
            message: error.message().to_owned(),
            help: None,
        })?;
        Ok(Self { path: &file.path, root })
    }

    /// The file's own table.
    #[must_use]
    pub fn table(&'f self) -> Table<'f> {
        Table::new(self.path, self.root.span(), self.root.get_ref())
    }
}

impl<'f> Value<'f> {
    /// An error about this value.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> RuleError {
        RuleError {
            path: self.path.to_owned(),
            span: self.span.clone(),
            message: message.into(),
            help: None,
        }
    }

    /// The value as a string.
    pub fn text(&self) -> Result<&'f str, RuleError> {
        self.value.as_str().ok_or_else(|| self.error("expected a string"))
    }

    /// The value as `true` or `false`.
    pub fn flag(&self) -> Result<bool, RuleError> {
        self.value.as_bool().ok_or_else(|| self.error("expected `true` or `false`"))
    }

    /// The value as a whole number that is not negative.
    pub fn number<T: std::str::FromStr>(&self) -> Result<T, RuleError> {
        let number = self.value.as_integer().and_then(|number| number.as_str().parse().ok());
        number.ok_or_else(|| self.error("expected a whole number"))
    }

    /// The value as a list.
    pub fn list(&self) -> Result<Vec<Value<'f>>, RuleError> {
        let list = self.value.as_array().ok_or_else(|| self.error("expected a list"))?;
        let item = |item: &'f Spanned<DeValue<'f>>| Value {
            path: self.path,
            span: item.span(),
            value: item.get_ref(),
        };
        Ok(list.iter().map(item).collect())
    }

    /// The value as a list; a single value is a list of one.
    pub fn one_or_more(&self) -> Result<Vec<Value<'f>>, RuleError> {
        if self.value.is_array() { self.list() } else { Ok(vec![self.clone()]) }
    }

    /// The value as a list of strings.
    pub fn texts(&self) -> Result<Vec<&'f str>, RuleError> {
        self.list()?.iter().map(Value::text).collect()
    }

    /// The value as a table that has no other fields than `known`.
    pub fn fields(&self, known: &[&str]) -> Result<Table<'f>, RuleError> {
        let table = self.table()?;
        table.only(known)?;
        Ok(table)
    }

    /// The value as a table with any keys.
    pub fn table(&self) -> Result<Table<'f>, RuleError> {
        let table = self.value.as_table().ok_or_else(|| self.error("expected a table"))?;
        Ok(Table::new(self.path, self.span.clone(), table))
    }

    /// The value as ranges of releases: `["1.3.5..1.4.0", "1.6.4.."]`.
    pub fn versions(&self) -> Result<Versions, RuleError> {
        let mut ranges: Vec<(Version, Option<Version>)> = Vec::new();
        for item in self.list()? {
            let range = parse_range(item.text()?).ok_or_else(|| {
                let mut error = item.error("this is not a range of releases");
                error.help = Some(
                    "write `1.3.5..1.4.0` (up to, not including, 1.4.0), `1.6.4..` or `..1.0.0`"
                        .into(),
                );
                error
            })?;
            if ranges.last().is_some_and(|(_, end)| end.is_none_or(|end| range.0 < end)) {
                return Err(item.error("ranges of releases must follow one another"));
            }
            ranges.push(range);
        }
        if ranges.is_empty() {
            return Err(self.error("expected at least one range of releases"));
        }
        Ok(Versions(ranges))
    }

    /// The value as a release with all three numbers.
    pub fn version(&self) -> Result<Version, RuleError> {
        parse_release(self.text()?).ok_or_else(|| self.error("expected a release such as `1.4.2`"))
    }
}

fn parse_range(text: &str) -> Option<(Version, Option<Version>)> {
    let (from, to) = text.split_once("..")?;
    let from = if from.is_empty() { Version::default() } else { parse_release(from)? };
    let to = if to.is_empty() { None } else { Some(parse_release(to)?) };
    to.is_none_or(|to| from < to).then_some((from, to))
}

fn parse_release(text: &str) -> Option<Version> {
    match Version::parse_partial(text)? {
        (major, minor, Some(patch)) if !text.starts_with(['v', 'V']) => {
            Some(Version { major, minor, patch })
        }
        _ => None,
    }
}

impl<'f> Table<'f> {
    fn new(path: &'f str, span: Range<usize>, table: &'f DeTable<'f>) -> Self {
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, value)| {
                let name = Name { text: key.get_ref().as_ref(), span: key.span() };
                (name, Value { path, span: value.span(), value: value.get_ref() })
            })
            .collect();
        entries.sort_unstable_by_key(|(name, _)| name.span.start);
        Self { path, span, entries }
    }

    /// Refuses fields that are not in `known`.
    pub fn only(&self, known: &[&str]) -> Result<(), RuleError> {
        match self.entries.iter().find(|(name, _)| !known.contains(&name.text)) {
            Some((name, _)) => {
                let error = self.error_at(name, format!("there is no field `{}` here", name.text));
                Err(error.did_you_mean(name.text, known.iter().copied()))
            }
            None => Ok(()),
        }
    }

    /// The field called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'f>> {
        self.entries.iter().find(|(known, _)| known.text == name).map(|(_, value)| value)
    }

    /// The field called `name`, without which the table is refused.
    pub fn need(&self, name: &str) -> Result<&Value<'f>, RuleError> {
        self.get(name).ok_or_else(|| self.error(format!("the field `{name}` is missing")))
    }

    /// The text of the field called `name`.
    pub fn text(&self, name: &str) -> Result<Option<&'f str>, RuleError> {
        self.get(name).map(Value::text).transpose()
    }

    /// The truth of the field called `name`; false without one.
    pub fn flag(&self, name: &str) -> Result<bool, RuleError> {
        self.get(name).map_or(Ok(false), Value::flag)
    }

    /// The strings of the field called `name`; none without one.
    pub fn texts(&self, name: &str) -> Result<Vec<&'f str>, RuleError> {
        self.get(name).map_or(Ok(Vec::new()), Value::texts)
    }

    /// The releases of the field called `name`; all without one.
    pub fn versions(&self, name: &str) -> Result<Versions, RuleError> {
        self.get(name).map_or(Ok(Versions::default()), Value::versions)
    }

    /// The keys and values.
    pub fn iter(&self) -> impl Iterator<Item = (&Name<'f>, &Value<'f>)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// An error about the table as a whole.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> RuleError {
        RuleError {
            path: self.path.to_owned(),
            span: self.span.clone(),
            message: message.into(),
            help: None,
        }
    }

    /// An error about one key.
    #[must_use]
    pub fn error_at(&self, name: &Name<'_>, message: impl Into<String>) -> RuleError {
        RuleError {
            path: self.path.to_owned(),
            span: name.span.clone(),
            message: message.into(),
            help: None,
        }
    }
}

/// The rule files of a folder, by name.
pub fn read_folder(folder: &Path) -> Result<Vec<RuleFile>, RuleError> {
    let name = folder.to_string_lossy().replace('\\', "/");
    let fail = |path: &str, error: &std::io::Error| {
        RuleError::file(path, format!("cannot be read: {}", reason(error)))
    };
    let mut files = Vec::new();
    for item in std::fs::read_dir(folder).map_err(|error| fail(&name, &error))? {
        let path = item.map_err(|error| fail(&name, &error))?.path();
        let stem =
            path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = format!("{name}/{stem}.toml");
        let text = read_text(&path, SMALL).map_err(|error| fail(&name, &error))?;
        files.push(RuleFile { path: name, stem, text });
    }
    files.sort_unstable_by(|a, b| a.stem.cmp(&b.stem));
    Ok(files)
}
