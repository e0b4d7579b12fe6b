//! Terraform source cut off anywhere and edited at random: nothing panics, nothing hangs, and every
//! place that is told lies inside of the file.
//!
//! By default a sample; `KARPLINT_EDITS=100000` makes so many edits, and cuts at every byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use karplint::extract::extract;
use karplint::policy::lower::lower;
use karplint::source::{SourceMap, Span};

use crate::common::fixture;

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            files(&path, out);
        } else if name.ends_with(".tf") || name.ends_with(".tf.json") {
            out.push(path);
        }
    }
    out.sort();
}

fn survives(name: &str, text: &str) {
    let started = Instant::now();
    let sources = SourceMap::new();
    let file = sources.add_file(name, text);
    let inside = |span: Span| {
        let span = sources.to_file(span);
        assert!(span.end as usize <= text.len(), "{name}: {span:?} in {text}");
    };
    match extract(&sources, file, true, &karplint::extract::Supplied::default()) {
        Ok(found) => {
            for document in &found.documents {
                inside(document.node.span);
                lower(&document.node).problems.iter().for_each(|problem| inside(problem.span));
            }
            found.broken.iter().for_each(|error| inside(error.span));
        }
        Err(error) => inside(error.span),
    }
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "{name} took {:?}: {text}",
        started.elapsed()
    );
}

/// Numbers that look random and are the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn edits() -> Option<usize> {
    std::env::var("KARPLINT_EDITS").ok()?.parse().ok()
}

#[test]
fn terraform_cut_off_anywhere() {
    let mut all = Vec::new();
    files(&fixture("terraform"), &mut all);
    files(&fixture("same/broken"), &mut all);
    let step = if edits().is_some() { 1 } else { 97 };
    for path in all {
        let (name, text) = (path.to_str().unwrap(), fs::read_to_string(&path).unwrap());
        for end in (0..text.len()).step_by(step).filter(|end| text.is_char_boundary(*end)) {
            survives(name, &text[..end]);
        }
    }
}

#[test]
fn terraform_edited_at_random() {
    const BITS: &[&str] = &[
        "\"",
        "{",
        "}",
        "[",
        "]",
        "${",
        "%{",
        "%{ if x }",
        "%{ endif }",
        "%{ for a in b ~}",
        "~}",
        "<<EOF\n",
        "<<-EOF\n",
        "EOF\n",
        "\n",
        "=",
        " ? ",
        " : ",
        "...",
        "[*]",
        "[0]",
        ".x",
        "\\",
        "\\u00e9",
        "é",
        "$${",
        "//",
        "/*",
        "*/",
        "null",
        "each.value",
        "var.x",
        "jsonencode(",
        "templatefile(",
        ")",
        ",",
        "-",
        "!",
        "for x in ",
        "dynamic \"statement\" {\n",
        "count = 3\n",
        "for_each = var.y\n",
        "\u{e000}",
        "\u{e001}",
        "\0",
        "\r\n",
    ];
    let mut all = Vec::new();
    files(&fixture("terraform"), &mut all);
    files(&fixture("same/broken"), &mut all);
    let texts: Vec<_> = all.iter().map(|path| (path, fs::read_to_string(path).unwrap())).collect();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..edits().unwrap_or(400) {
        let (path, text) = &texts[numbers.below(texts.len())];
        let mut text = text.clone();
        for _ in 0..=numbers.below(4) {
            let mut at = |limit: usize| {
                let mut at = numbers.below(limit + 1);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                at
            };
            let (from, to) = (at(text.len()), at(text.len()));
            let (from, to) = (from.min(to), from.max(to).min(from.min(to) + 40));
            let to = (from..=to).rev().find(|to| text.is_char_boundary(*to)).unwrap();
            let bit = BITS[numbers.below(BITS.len())].to_owned();
            let bit = match numbers.below(3) {
                0 => String::new(),
                1 => text[from..to].repeat(2),
                _ => bit,
            };
            text.replace_range(from..to, &bit);
        }
        survives(path.to_str().unwrap(), &text);
    }
}
