//! Links and pipes are made the Unix way.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;

const POLICY: &str = r#"{"Statement": []}"#;

struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn inputs(&self, paths: &[&str]) -> Inputs {
        Inputs {
            paths: paths.iter().map(PathBuf::from).collect(),
            root: self.0.path().to_owned(),
            ..Inputs::default()
        }
    }

    fn read(&self, paths: &[&str]) -> Collected {
        collect(&self.inputs(paths), &mut io::empty(), &SourceMap::new())
    }
}

fn files(collected: &Collected) -> Vec<(&str, bool)> {
    collected.files.iter().map(|file| (file.path.as_str(), file.named)).collect()
}

fn errors(collected: &Collected) -> Vec<(&str, &str)> {
    collected.errors.iter().map(|e| (e.path.as_str(), e.message.as_str())).collect()
}

fn skipped(collected: &Collected) -> Vec<(&str, &str)> {
    collected.skipped.iter().map(|e| (e.path.as_str(), e.reason.as_str())).collect()
}

#[test]
fn a_folder_is_searched_by_content() {
    let folder = Folder::new(&[
        ("b/policy.txt", POLICY.as_bytes()),
        ("a/policy.json", POLICY.as_bytes()),
        ("a/other.json", b"{}"),
        ("program", b"\0\x01Statement"),
        (".git/x.json", POLICY.as_bytes()),
        ("a/node_modules/x.json", POLICY.as_bytes()),
        ("target/x.json", POLICY.as_bytes()),
        (".terraform/x.json", POLICY.as_bytes()),
        (".github/x.json", POLICY.as_bytes()),
    ]);
    let collected = folder.read(&["."]);
    assert_eq!(
        files(&collected),
        [(".github/x.json", false), ("a/policy.json", false), ("b/policy.txt", false)]
    );
    assert_eq!((collected.looked_at, collected.given[0].looked_at), (5, 5));
    assert_eq!(collected.given[0].kind, GivenKind::Folder);
    assert!(collected.errors.is_empty() && collected.skipped.is_empty());
}

#[test]
fn a_named_file_is_read_whatever_it_holds() {
    let folder = Folder::new(&[("x", b"\0"), ("a.json", b"{}")]);
    let collected = folder.read(&["./x", "a.json", "a.json", "."]);
    assert_eq!(files(&collected), [("a.json", true), ("x", true)]);
    let mut inputs = folder.inputs(&["x", "a.json"]);
    inputs.hook = true;
    let collected = collect(&inputs, &mut io::empty(), &SourceMap::new());
    assert!(collected.files.is_empty() && collected.errors.is_empty());
    assert_eq!(collected.looked_at, 2);
}

#[test]
fn the_same_file_counts_once() {
    let folder = Folder::new(&[("a/p.json", POLICY.as_bytes())]);
    symlink(folder.path("a/p.json"), folder.path("link.json")).unwrap();
    let whole = folder.path("a/p.json");
    let collected = folder.read(&[".", "a/../a/p.json", whole.to_str().unwrap(), "link.json"]);
    assert_eq!(files(&collected), [("a/p.json", true)]);
    assert_eq!(collected.files[0].given, 0);
}

#[test]
fn globs() {
    let folder = Folder::new(&[
        ("iam/a.json", POLICY.as_bytes()),
        ("iam/b.json", b"{}"),
        ("iam/deep/c.json", POLICY.as_bytes()),
        ("iam/testdata/d.json", POLICY.as_bytes()),
        ("node_modules/e.json", POLICY.as_bytes()),
    ]);
    assert_eq!(files(&folder.read(&["iam/*.json"])), [("iam/a.json", true)]);
    let mut inputs = folder.inputs(&["**/*.json"]);
    inputs.exclude = vec!["**/testdata/**".into()];
    let collected = collect(&inputs, &mut io::empty(), &SourceMap::new());
    assert_eq!(files(&collected), [("iam/a.json", true), ("iam/deep/c.json", true)]);
    assert_eq!(collected.given[0].kind, GivenKind::Glob);
    let collected = folder.read(&["iam/*.yaml", "a[", "none"]);
    assert_eq!(
        errors(&collected),
        [
            ("a[", "this is not a glob pattern: invalid range pattern"),
            ("iam/*.yaml", "no file matches this glob pattern"),
            ("none", "there is no such file or folder"),
        ]
    );
    inputs.exclude = vec!["a**".into()];
    let collected = collect(&inputs, &mut io::empty(), &SourceMap::new());
    assert_eq!(collected.errors.len(), 1);
}

#[test]
fn excludes_hold_in_folders_but_not_for_named_files() {
    let folder = Folder::new(&[("x/testdata/a.json", POLICY.as_bytes())]);
    let mut inputs = folder.inputs(&["x"]);
    inputs.exclude = vec!["**/testdata/**".into()];
    let read = |inputs: &Inputs| files(&collect(inputs, &mut io::empty(), &SourceMap::new())).len();
    assert_eq!(read(&inputs), 0);
    inputs.paths = vec!["x/testdata/a.json".into()];
    assert_eq!(read(&inputs), 1);
}

#[test]
fn standard_input() {
    let folder = Folder::new(&[("a.json", POLICY.as_bytes())]);
    let sources = SourceMap::new();
    let collected = collect(&folder.inputs(&["-", "-"]), &mut "{}".as_bytes(), &sources);
    assert_eq!(files(&collected), [("<stdin>", true)]);
    let mut inputs = folder.inputs(&["a.json", "-"]);
    inputs.stdin_filename = Some("a.json".into());
    let collected = collect(&inputs, &mut "{}".as_bytes(), &sources);
    assert_eq!(files(&collected), [("a.json", true)]);
    assert_eq!(sources.get(collected.files[0].id).text(), "{}");
    assert_eq!(collected.given[1].kind, GivenKind::Stdin);
}

#[test]
fn what_is_not_utf8_is_told_with_its_place() {
    let utf16: Vec<u8> =
        std::iter::once(0xFEFF).chain(POLICY.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let folder = Folder::new(&[
        ("bad.json", b"{\n  \"\xc3\xa9\": \"Statement \xff\"}"),
        ("bom.json", b"\xef\xbb\xbf{\"Statement\": []}"),
        ("latin1.json", b"{\"a\": \"\xe9\"}"),
        ("utf16.json", &utf16),
        ("utf16-other.txt", b"\xff\xfeS\0"),
    ]);
    let collected = folder.read(&["."]);
    assert_eq!(files(&collected), [("bom.json", false)]);
    assert_eq!(
        errors(&collected),
        [
            ("bad.json", "the file is not UTF-8: byte 0xff cannot stand here"),
            ("utf16.json", "the file is UTF-16 (little endian), not UTF-8"),
        ]
    );
    let position = collected.errors[0].position.unwrap();
    assert_eq!((position.line, position.column, position.offset), (2, 19, 21));
    assert_eq!(folder.read(&["latin1.json"]).errors.len(), 1);
}

#[test]
fn links() {
    let folder = Folder::new(&[("in/a.json", POLICY.as_bytes()), ("out.json", POLICY.as_bytes())]);
    symlink("nothing", folder.path("in/broken.json")).unwrap();
    symlink("loop2", folder.path("in/loop1")).unwrap();
    symlink("loop1", folder.path("in/loop2")).unwrap();
    symlink("../out.json", folder.path("in/outside.json")).unwrap();
    symlink("a.json", folder.path("in/inside.json")).unwrap();
    symlink(".", folder.path("in/self")).unwrap();
    let collected = folder.read(&["in"]);
    assert_eq!(files(&collected), [("in/a.json", false)]);
    assert_eq!(
        skipped(&collected),
        [
            ("in/broken.json", "a broken link"),
            ("in/loop1", "a link that leads nowhere: links form a loop"),
            ("in/loop2", "a link that leads nowhere: links form a loop"),
            ("in/outside.json", "a link that leads out of the folder"),
        ]
    );
    let collected = folder.read(&["in/broken.json", "in/loop1", "in/outside.json"]);
    assert_eq!(files(&collected), [("in/outside.json", true)]);
    assert_eq!(
        errors(&collected),
        [
            ("in/broken.json", "a broken link: what it leads to does not exist"),
            ("in/loop1", "a link that leads nowhere: links form a loop"),
        ]
    );
}

#[test]
fn pipes_and_devices_are_never_opened() {
    let folder = Folder::new(&[("a.json", POLICY.as_bytes())]);
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let collected = folder.read(&[".", "/dev/zero"]);
    assert_eq!(files(&collected), [("a.json", false)]);
    assert_eq!(skipped(&collected), [("pipe", "neither a file nor a folder")]);
    assert_eq!(errors(&collected), [("/dev/zero", "neither a file nor a folder")]);
    assert_eq!(errors(&folder.read(&["pipe"])), [("pipe", "neither a file nor a folder")]);
}

#[test]
fn a_file_that_offsets_cannot_reach_is_refused() {
    let folder = Folder::new(&[]);
    let file = fs::File::create(folder.path("big.json")).unwrap();
    file.set_len(5 << 30).unwrap();
    let collected = folder.read(&["big.json"]);
    assert_eq!(errors(&collected), [("big.json", "the file is larger than 4 GiB")]);
    assert_eq!(skipped(&folder.read(&["."])), [("big.json", "the file is larger than 4 GiB")]);
}

#[test]
fn an_unreadable_file_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(&[("a.json", POLICY.as_bytes())]);
    fs::set_permissions(folder.path("a.json"), fs::Permissions::from_mode(0o0)).unwrap();
    if fs::File::open(folder.path("a.json")).is_ok() {
        return; // The superuser reads everything.
    }
    assert_eq!(errors(&folder.read(&["a.json"])), [("a.json", "no permission to read it")]);
    assert_eq!(skipped(&folder.read(&["."])), [("a.json", "no permission to read it")]);
}

#[test]
fn odd_names() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new(&[("a [x].json", POLICY.as_bytes())]);
    let name = OsStr::from_bytes(b"\xff.json");
    fs::write(folder.0.path().join(name), POLICY).unwrap();
    let collected = folder.read(&["."]);
    assert_eq!(files(&collected), [("a [x].json", false), ("\u{fffd}.json", false)]);
    assert_eq!(files(&folder.read(&["a [x].json"])), [("a [x].json", true)]);
    let mut inputs = folder.inputs(&[]);
    inputs.paths = vec![PathBuf::from(name)];
    let collected = collect(&inputs, &mut io::empty(), &SourceMap::new());
    assert_eq!(files(&collected), [("\u{fffd}.json", true)]);
}
