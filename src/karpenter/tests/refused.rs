//! Rule files that are wrong.

use std::fmt::Write as _;
use std::path::Path;

use super::super::rules::files::{RuleError, RuleFile, read_folder};
use super::super::rules::load::load;
use super::super::*;

fn files_of_the_crate() -> Vec<RuleFile> {
    read_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/karpenter"))).unwrap()
}

/// Loads the rules after one change to one file; what is refused, and the text that is pointed at.
fn refused(stem: &str, from: &str, to: &str) -> (String, String) {
    let mut files = files_of_the_crate();
    let file = files.iter_mut().find(|file| file.stem == stem).unwrap();
    assert!(file.text.contains(from), "{from}");
    file.text = file.text.replacen(from, to, 1);
    let text = file.text.clone();
    let error: RuleError = load(&files, &crate::aws::service).unwrap_err();
    assert!(error.path.ends_with(&format!("{stem}.toml")), "{error:?}");
    let help = error.help.map(|help| format!(" ({help})")).unwrap_or_default();
    (format!("{}{help}", error.message), text.get(error.span).unwrap().to_owned())
}

#[test]
fn the_folder_loads_like_the_binary() {
    let loaded = load(&files_of_the_crate(), &crate::aws::service).unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{:?}", Rules::builtin()));
}

#[test]
fn wrong_rule_files_are_refused_where_they_are_wrong() {
    let cases = [
        (
            "steady",
            "purpose  = \"resolve the images\"",
            "porpose = \"x\"",
            "there is no field `porpose` here (did you mean `purpose`?)",
            "porpose",
        ),
        (
            "launch",
            "request_tags = \"launch-template\"",
            "request_tags = \"launch-templat\"",
            "there is no set of tags `launch-templat` (did you mean `launch-template`?)",
            "\"launch-templat\"",
        ),
        (
            "launch",
            "\"subnet/${subnet}\"",
            "\"subnet/${subnt}\"",
            "there is no placeholder `${subnt}` (did you mean `subnet`?)",
            "\"subnet/${subnt}\"",
        ),
        (
            "launch",
            "[\"1.11.0..\"]",
            "[\"1.11..\"]",
            "this is not a range of releases (write `1.3.5..1.4.0` (up to, not including, 1.4.0), `1.6.4..` or `..1.0.0`)",
            "\"1.11..\"",
        ),
        (
            "validation",
            "\"1.3.0..1.3.5\"",
            "\"1.3.5..1.3.0\"",
            "this is not a range of releases (write `1.3.5..1.4.0` (up to, not including, 1.4.0), `1.6.4..` or `..1.0.0`)",
            "\"1.3.5..1.3.0\"",
        ),
        (
            "terminate",
            "\"terminate.alpha\"",
            "\"terminate\"",
            "there is already a request `terminate`",
            "\"terminate\"",
        ),
        (
            "startup",
            "\"ec2:DescribeInstanceTypes\"",
            "\"ec2:DescribeInstanceType\"",
            "AWS has no action `ec2:DescribeInstanceType` (did you mean `DescribeInstanceTypes`?)",
            "\"ec2:DescribeInstanceType\"",
        ),
        (
            "startup",
            "\"eks:DescribeCluster\"",
            "\"eksx:DescribeCluster\"",
            "there is no authorisation data of the service `eksx`",
            "\"eksx:DescribeCluster\"",
        ),
        (
            "launch",
            "\"fleet/*\"",
            "\"flet/*\"",
            "`CreateFleet` is not authorised on the resource type `flet` (did you mean `fleet`?)",
            "\"flet/*\"",
        ),
        (
            "launch",
            "except     = [\"capacity-reservation\", \"placement-group\"]",
            "except = [\"capacity\"]",
            "no entry is about the resource type `capacity`",
            "\"capacity\"",
        ),
        (
            "terminate",
            "same_as    = \"terminate\"",
            "same_as = \"terminat\"",
            "there is no request `terminat` (did you mean `terminate`?)",
            "\"terminat\"",
        ),
        (
            "terminate",
            "generation = \"v0\"",
            "generation = \"v1\"",
            "there is no set of tags `registered-instance.v1` (did you mean `registered-instance.v0`?)",
            "",
        ),
        (
            "steady",
            "isolated_vpc = false",
            "isolated_vp = false",
            "there is no condition `isolated_vp` (did you mean `isolated_vpc`?)",
            "false",
        ),
        (
            "steady",
            "impact     = \"degrades\"",
            "impact = \"degrade\"",
            "expected `blocks` or `degrades`",
            "\"degrade\"",
        ),
        ("order", "  \"terminate\",\n", "", "`terminate` does not stand in order.toml", ""),
        (
            "order",
            "\"terminate.v0\",",
            "\"terminate.v0\", \"terminate.v0\",",
            "`terminate.v0` stands here twice",
            "\"terminate.v0\"",
        ),
        (
            "tags",
            "[registration]",
            "[registratio]",
            "there is no set of tags `registration` (did you mean `registratio`?)",
            "",
        ),
        (
            "tags",
            "[\"cluster-name\"]",
            "[unused]\ntags.a = \"b\"\n[\"cluster-name\"]",
            "no request uses the set of tags `unused`",
            "unused",
        ),
        (
            "placeholders",
            "class = \"digits\"",
            "class = \"digit\"",
            "there is no class of characters `digit` (did you mean `digits`?)",
            "\"digit\"",
        ),
        (
            "context",
            "presence = \"present\"",
            "presence = \"there\"",
            "expected `present`, `absent` or `unknown`",
            "\"there\"",
        ),
        ("releases", "newest = 10", "newest = \"10\"", "expected a whole number", "\"10\""),
    ];
    let mut failed = String::new();
    for (stem, from, to, message, place) in cases {
        let mut files = files_of_the_crate();
        let file = files.iter_mut().find(|file| file.stem == stem).unwrap();
        assert!(file.text.contains(from), "{stem}: {from}");
        file.text = file.text.replacen(from, to, 1);
        match load(&files, &crate::aws::service) {
            Ok(_) => writeln!(failed, "{stem}: `{to}` is taken").unwrap(),
            Err(error) => {
                let help = error.help.map(|help| format!(" ({help})")).unwrap_or_default();
                let text = &files.iter().find(|file| file.path == error.path).unwrap().text;
                let at = text.get(error.span.clone()).unwrap();
                let told = format!("{}{help}", error.message);
                if told != message || !place.is_empty() && at != place {
                    writeln!(
                        failed,
                        "{}: {told} at `{at}`, not: {message} at `{place}`",
                        error.path
                    )
                    .unwrap();
                }
            }
        }
    }
    assert_eq!(failed, "");
}

#[test]
fn broken_toml_is_refused_where_it_breaks() {
    let (message, _) = refused("launch", "[[request]]", "[[request]");
    assert!(!message.is_empty());
    let (message, at) =
        refused("context", "\"ec2:Region\" = \"${region}\"", "\"ec2:Region\" = \"${region\"");
    assert!(message.starts_with("there is no placeholder"), "{message} at {at}");
    let mut files = files_of_the_crate();
    files.retain(|file| file.stem != "tags");
    assert_eq!(
        load(&files, &crate::aws::service).unwrap_err().message,
        "the rule file `tags.toml` is missing"
    );
    files.clear();
    assert!(load(&files, &crate::aws::service).is_err());
}

#[test]
fn errors_of_a_folder_have_a_place() {
    let sources = SourceMap::new();
    let folder = tempfile::tempdir().unwrap();
    for file in files_of_the_crate() {
        let text = file.text.replace("\"subnet/${subnet}\"", "\"subnet/${nothing_like_it}\"");
        std::fs::write(folder.path().join(format!("{}.toml", file.stem)), text).unwrap();
    }
    let errors = Rules::load(folder.path(), &sources).unwrap_err();
    assert_eq!(sources.slice(errors[0].span.unwrap()), "\"subnet/${nothing_like_it}\"");
    assert!(errors[0].file.ends_with("launch.toml"));
    assert!(Rules::load(Path::new("/does/not/exist"), &sources).is_err());
}
