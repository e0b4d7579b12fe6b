//! Checks the data under `rules/` and puts it into the form in which it is embedded, so that nothing
//! is parsed when the program starts.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

#[expect(dead_code, unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "src/aws/authorization.rs"]
mod aws;
#[expect(unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "src/embedded.rs"]
mod embedded;
#[expect(dead_code, unreachable_pub, reason = "shared with the library, which uses all of it")]
#[path = "src/karpenter/rules/mod.rs"]
mod rules;
#[path = "src/aws/text.rs"]
mod text;

use rules::files::{RuleError, RuleFile};

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "rules", "src/aws", "src/embedded.rs", "src/karpenter/rules"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    actions(&out)?;
    let services = authorization(&out)?;

    let files = rules::files::read_folder(Path::new("rules/karpenter"))?;
    let find = |name: &str| services.iter().find(|service| service.name == *name);
    let rules = rules::load::load(&files, &find).map_err(|error| describe(&error, &files))?;
    fs::write(out.join("rules.bin"), postcard::to_allocvec(&rules)?)?;
    for path in ["rules/karpenter/harm.toml", "rules/aws/quotas.toml"] {
        json(&out, Path::new(path))?;
    }
    Ok(())
}

/// What every run reads is kept as JSON: it takes less to read than TOML.
fn json(out: &Path, path: &Path) -> Result<(), Box<dyn Error>> {
    let value: toml::Value = toml::from_str(&fs::read_to_string(path)?)?;
    let name = path.file_stem().ok_or("a rule file has no name")?;
    fs::write(out.join(name).with_extension("json"), serde_json::to_vec(&value)?)?;
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

/// `actions.txt` stays one text; services are found by a table of offsets.
fn actions(out: &Path) -> Result<(), Box<dyn Error>> {
    let file = fs::read_to_string("rules/aws/actions.txt")?;
    let (mut text, mut table) = (String::new(), String::new());
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
        let start = text.len();
        text.push_str(actions.trim_end());
        writeln!(table, "    ({service:?}, {start}, {}),", text.len())?;
        text.push('\n');
    }
    fs::write(out.join("actions.txt"), text)?;
    let head = "/// Date of the AWS data.\npub(super) const DATE: &str =";
    let kind = "/// Services with the range of their actions in the text.\npub(super) static SERVICES: &[(&str, usize, usize)] =";
    fs::write(out.join("actions.rs"), format!("{head} {date:?};\n{kind} &[\n{table}];\n"))?;
    Ok(())
}

/// Each service of `authorization.txt` becomes a file of its own, read when it is first asked for.
fn authorization(out: &Path) -> Result<Vec<aws::Service>, Box<dyn Error>> {
    let file = fs::read_to_string("rules/aws/authorization.txt")?;
    let mut services = Vec::new();
    let mut table = String::new();
    for section in file.split("\n[").skip(1) {
        let (name, lines) =
            section.split_once("]\n").ok_or("authorization.txt has a broken section")?;
        let mut builder = text::Builder::new(name);
        for line in lines.lines().filter(|line| !line.is_empty()) {
            builder.line(line).ok_or_else(|| format!("authorization.txt: cannot read `{line}`"))?;
        }
        let service = builder.finish();
        fs::write(out.join(format!("{name}.bin")), postcard::to_allocvec(&service)?)?;
        writeln!(
            table,
            "    ({name:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.bin\"))),"
        )?;
        services.push(service);
    }
    let kind = "/// Services with their authorisation data.\npub(super) static DETAILED";
    fs::write(
        out.join("authorization.rs"),
        format!("{kind}: [(&str, &[u8]); {}] = [\n{table}];\n", services.len()),
    )?;
    Ok(services)
}
