//! Checks the data under `rules/` and puts it into the form in which it is embedded, so that nothing
//! is parsed when the program starts.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

#[expect(dead_code, unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "src/aws/authorization.rs"]
mod aws;
#[expect(unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "src/source/disk.rs"]
mod disk;
#[expect(unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "src/embedded.rs"]
mod embedded;
#[expect(dead_code, unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "src/karpenter/rules/mod.rs"]
mod rules;
#[path = "src/aws/text.rs"]
mod text;

/// As the library calls it.
mod source {
    pub(crate) use super::disk::{SMALL, read_text, reason};
}

/// The texts that the program finds with its own module of this name.
mod texts {
    use std::collections::HashMap;
    use std::sync::{Mutex, PoisonError};

    use crate::embedded::Kept;

    #[derive(Default)]
    struct All {
        text: String,
        places: HashMap<&'static str, Kept>,
        by_place: HashMap<(u32, u32), &'static str>,
    }

    impl All {
        /// Remembers what stands at `start`.
        fn know(&mut self, start: usize, text: &str) -> Option<Kept> {
            let place =
                Kept { start: u32::try_from(start).ok()?, len: u32::try_from(text.len()).ok()? };
            let text: &'static str = text.to_owned().leak();
            self.places.insert(text, place);
            self.by_place.insert((place.start, place.len), text);
            Some(place)
        }
    }

    static ALL: Mutex<Option<All>> = Mutex::new(None);

    fn with<T>(call: impl FnOnce(&mut All) -> T) -> T {
        call(ALL.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
    }

    /// The text at a place.
    pub(crate) fn at(place: Kept) -> Option<&'static str> {
        with(|all| all.by_place.get(&(place.start, place.len)).copied())
    }

    /// The place of a text, from now on.
    pub(crate) fn keep(text: &str) -> Option<Kept> {
        with(|all| {
            if let Some(place) = all.places.get(text) {
                return Some(*place);
            }
            let start = all.text.len();
            all.text.push_str(text);
            all.know(start, text)
        })
    }

    /// The same for lines in a row: the place of all of them, each known by itself as well.
    pub(crate) fn keep_lines(text: &str) -> Option<Kept> {
        with(|all| {
            let mut at = all.text.len();
            all.text.push_str(text);
            all.text.push('\n');
            let whole = all.know(at, text);
            for line in text.lines() {
                all.know(at, line)?;
                at += line.len() + 1;
            }
            whole
        })
    }

    /// All of them.
    pub(crate) fn all() -> String {
        with(|all| all.text.clone())
    }
}

use aws::Tables;
use rules::files::{RuleError, RuleFile};

fn main() -> Result<(), Box<dyn Error>> {
    for path in [
        "build.rs",
        "rules",
        "src/aws",
        "src/embedded.rs",
        "src/karpenter/rules",
        "src/source/disk.rs",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    actions(&out)?;
    authorization(&out)?;

    let files = rules::files::read_folder(Path::new("rules/karpenter"))?;
    let find = |name: &str| tables().services.iter().find(|service| *service.name == *name);
    let rules = rules::load::load(&files, &find).map_err(|error| describe(&error, &files))?;
    fs::write(out.join("rules.bin"), postcard::to_allocvec(&rules)?)?;
    fs::write(out.join("texts.txt"), texts::all())?;
    for name in ["aws/quotas", "karpenter/generate", "karpenter/harm", "karpenter/upgrades"] {
        json(&out, &Path::new("rules").join(name).with_extension("toml"))?;
    }
    for folder in ["rules/explain", "rules/lints"] {
        for file in fs::read_dir(folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                json(&out, &path)?;
            }
        }
    }
    Ok(())
}

/// What is read whole, where it is needed, is kept as JSON: it takes less to read than TOML, and less code.
fn json(out: &Path, path: &Path) -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let value: toml::Value =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let place = out.join(path.strip_prefix("rules")?).with_extension("json");
    fs::create_dir_all(place.parent().ok_or("a rule file has no folder")?)?;
    fs::write(place, serde_json::to_vec(&value)?)?;
    Ok(())
}

/// The error as a compiler would write it.
fn describe(error: &RuleError, files: &[RuleFile]) -> String {
    let text = files.iter().find(|file| file.path == error.path).map_or("", |file| &file.text);
    let before = text.get(..error.span.start).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let help = error.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}:{line}:{column}: {}{help}", error.path, error.message)
}

/// The actions of a service stay one text; services are found by a table of places.
fn actions(out: &Path) -> Result<(), Box<dyn Error>> {
    let file = fs::read_to_string("rules/aws/actions.txt")?;
    let mut table = String::new();
    let mut sections = file.split("\n[");
    let head = sections.next().unwrap_or("");
    let date = head
        .split("data of ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .ok_or("actions.txt has no date")?;
    for section in sections {
        let (service, actions) =
            section.split_once("]\n").ok_or("actions.txt has a broken section")?;
        let place = texts::keep_lines(actions.trim_end()).ok_or("actions.txt is too long")?;
        writeln!(table, "    ({service:?}, {place:?}),")?;
    }
    let head = "/// Date of the AWS data.\npub(super) const DATE: &str =";
    let kind = "/// Services with their actions, a line each.\npub(super) static SERVICES: &[(&str, Kept)] =";
    fs::write(out.join("actions.rs"), format!("{head} {date:?};\n{kind} &[\n{table}];\n"))?;
    Ok(())
}

static TABLES: OnceLock<Tables> = OnceLock::new();

/// What AWS says of the services, once it was read.
fn tables() -> &'static Tables {
    TABLES.get_or_init(Tables::default)
}

/// `authorization.txt` becomes tables, written as the code that they are.
fn authorization(out: &Path) -> Result<(), Box<dyn Error>> {
    let file = fs::read_to_string("rules/aws/authorization.txt")?;
    let mut builder = text::Builder::default();
    for section in file.split("\n[").skip(1) {
        let (name, lines) =
            section.split_once("]\n").ok_or("authorization.txt has a broken section")?;
        builder.service(name).ok_or("authorization.txt is too long")?;
        for line in lines.lines().filter(|line| !line.is_empty()) {
            builder.line(line).ok_or_else(|| format!("authorization.txt: cannot read `{line}`"))?;
        }
    }
    let Tables { services, keys, sets, places, types, actions, names, rows, levels } =
        TABLES.get_or_init(|| builder.finish());
    let code = format!(
        "/// What AWS says of the services.\n\
         pub(super) static TABLES: Tables = Tables {{\n\
         services: &{services:?},\nkeys: &{keys:?},\nsets: &{sets:?},\nplaces: &{places:?},\n\
         types: &{types:?},\nactions: &{actions:?},\nnames: &{names:?},\nrows: &{rows:?},\nlevels: &{levels:?},\n}};\n"
    );
    fs::write(out.join("authorization.rs"), code)?;
    Ok(())
}
