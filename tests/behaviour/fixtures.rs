//! What stands below `fixtures/*/ok` is silent; what stands below `fixtures/*/err` says what its `.out`
//! says, one line a finding. `KARPLINT_BLESS=1 cargo test` writes the `.out` files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{check, fixture};
use serde_json::Value;

fn cases(kind: &str) -> Vec<PathBuf> {
    let mut cases = Vec::new();
    for format in fs::read_dir(fixture("")).unwrap() {
        let format = format.unwrap().path();
        // Policies that have nothing to do with Karpenter: see `mistakes.rs`.
        if format.ends_with("lint") {
            continue;
        }
        let folder = format.join(kind);
        let Ok(entries) = fs::read_dir(folder) else { continue };
        cases.extend(entries.map(|entry| entry.unwrap().path()));
    }
    cases.retain(|path| path.extension().is_none_or(|extension| extension != "out"));
    cases.sort();
    cases
}

/// `1.4` of `karpenter-1.4.json`; the newest where the name has none.
fn version(path: &Path) -> String {
    let name = path.file_name().unwrap().to_str().unwrap();
    let number = name.split('-').find_map(|part| {
        let digits: String = part.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let digits = digits.trim_end_matches('.').to_owned();
        (digits.contains('.') && digits.starts_with(|c: char| c.is_ascii_digit())).then_some(digits)
    });
    number.unwrap_or_else(|| "latest".to_owned())
}

fn lines(report: &Value) -> String {
    let mut out = String::new();
    for finding in report["findings"].as_array().unwrap() {
        let start = &finding["span"]["start"];
        let word = |key: &str| finding[key].as_str().unwrap();
        out.push_str(&format!(
            "{}:{}: {}[{}]: {}\n",
            start["line"],
            start["column"],
            word("severity"),
            word("rule"),
            word("message")
        ));
    }
    out
}

#[test]
fn good_fixtures_are_silent() {
    let cases = cases("ok");
    assert!(cases.len() >= 7);
    for case in cases {
        let flag = format!("--karpenter={}", version(&case));
        let report = check(&[&flag], std::slice::from_ref(&case));
        assert_eq!(lines(&report), "", "{}", case.display());
        // A trust policy alone binds nobody.
        let controllers = usize::from(!case.starts_with(fixture("trust")));
        assert_eq!(
            report["controllers"].as_array().unwrap().len(),
            controllers,
            "{}",
            case.display()
        );
    }
}

#[test]
fn bad_fixtures_say_what_their_out_says() {
    for case in cases("err") {
        let flag = format!("--karpenter={}", version(&case));
        let said = lines(&check(&[&flag], std::slice::from_ref(&case)));
        let out = case.with_extension("out");
        if std::env::var_os("KARPLINT_BLESS").is_some() {
            fs::write(&out, &said).unwrap();
        }
        let expected = fs::read_to_string(&out).unwrap_or_default();
        assert_eq!(said, expected, "{}", case.display());
        assert_ne!(said, "", "{} is not bad", case.display());
    }
}
