//! The tool that compares a release of Karpenter with the rules: on sources of our own, and, where
//! `KARPLINT_UPSTREAM` names a clone of aws/karpenter-provider-aws, on every minor.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may panic: that is how it fails"
)]

mod compare;
mod upstream;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use compare::{Difference, Known, compare};
use karplint::karpenter::{Rules, Version};
use upstream::{Call, Clone, tag};

fn known() -> Known {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/release/sites.toml");
    Known::parse(&fs::read_to_string(path).unwrap()).unwrap()
}

fn clone() -> Option<Clone> {
    let path = std::env::var_os("KARPLINT_UPSTREAM").map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: KARPLINT_UPSTREAM names no clone of aws/karpenter-provider-aws");
    }
    path.map(|path| Clone::new(&path))
}

/// A repository with these files, tagged `v1.7.0`.
fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let git = |args: &[&str]| {
        let author = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
        let output =
            Command::new("git").arg("-C").arg(folder.path()).args(author).args(args).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "--no-gpg-sign", "-m", "sources"]);
    git(&["tag", "v1.7.0"]);
    folder
}

const SOURCE: &str = r#"package instanceprofile

import (
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func (p *Provider) List(ctx context.Context) error {
	// p.iamapi.DeleteInstanceProfile( is said here and not called
	paginator := iam.NewListInstanceProfilesPaginator(p.iamapi, input)
	return p.ec2api.DescribeSubnetsPagesWithContext(ctx, &ec2.DescribeSubnetsInput{})
}

func check(ctx context.Context, api EC2API) error {
	_, err := api.RunInstances(ctx, &ec2.RunInstancesInput{
		DryRun: aws.Bool(true),
	})
	return err
}
"#;

#[test]
fn calls_are_found_with_their_function_and_told_from_dry_runs() {
    let folder = repository(&[
        ("pkg/providers/instanceprofile/instanceprofile.go", SOURCE),
        ("pkg/fake/iamapi.go", SOURCE),
        ("pkg/providers/instanceprofile/suite_test.go", SOURCE),
        ("test/suites/main.go", SOURCE),
    ]);
    let clone = Clone::new(folder.path());
    assert_eq!(clone.releases().unwrap(), [Version::new(1, 7, 0)]);
    let file = "pkg/providers/instanceprofile/instanceprofile.go";
    let call = |action: &str, dry_run, function: &str, line| Call {
        action: action.to_owned(),
        dry_run,
        at: format!("{file}:{function}"),
        lines: vec![line],
    };
    assert_eq!(
        clone.calls("v1.7.0").unwrap(),
        [
            call("ec2:DescribeSubnets", false, "List", 11),
            call("ec2:RunInstances", true, "check", 15),
            call("iam:ListInstanceProfiles", false, "List", 10),
        ]
    );
    assert!(clone.calls("v9.9.9").unwrap_err().contains("v9.9.9"));
}

#[test]
fn a_call_that_is_somewhere_else_has_moved() {
    let folder = repository(&[("pkg/providers/subnet/elsewhere.go", SOURCE)]);
    let calls = Clone::new(folder.path()).calls("v1.7.0").unwrap();
    let version = Version::new(1, 7, 0);
    let found = compare(&calls, Rules::builtin(), &known(), version, version);
    let subnets = found.differences.iter().find_map(|difference| match difference {
        Difference::Moved { call, from, to, .. } if call == "ec2:DescribeSubnets" => {
            Some((from.clone(), to.clone()))
        }
        _ => None,
    });
    let (from, to) = subnets.unwrap();
    assert_eq!(from, ["pkg/providers/subnet/subnet.go:List"]);
    assert_eq!(to, ["pkg/providers/subnet/elsewhere.go:List (line 11)"]);
    // What the rules have and these sources do not.
    let gone = |wanted: &str| {
        found.differences.iter().any(
            |one| matches!(one, Difference::Gone { call, requests, .. } if call == wanted && !requests.is_empty()),
        )
    };
    assert!(gone("ec2:TerminateInstances") && !gone("ec2:DescribeSubnets"));
}

#[test]
fn every_exception_has_a_reason_and_every_site_is_a_call_of_the_rules_or_excused() {
    let known = known();
    assert!(known.exception.iter().all(|one| one.reason.len() > 20));
    let rules = Rules::builtin();
    for site in &known.site {
        let ruled = rules.requests.iter().any(|rule| *rule.call == *site.call);
        let excused = known.exception.iter().any(|one| one.call == site.call);
        assert!(ruled || excused, "{}", site.call);
    }
}

fn newest(clone: &Clone) -> Vec<Version> {
    let mut newest: BTreeMap<u32, Version> = BTreeMap::new();
    for release in clone.releases().unwrap().into_iter().filter(|release| release.major == 1) {
        newest.insert(release.minor, release);
    }
    newest.into_values().collect()
}

#[test]
fn no_release_from_1_0_on_differs_from_the_rules() {
    let Some(clone) = clone() else { return };
    let (rules, known) = (Rules::builtin(), known());
    let releases = newest(&clone);
    assert!(releases.len() >= 15, "{releases:?}");
    let mut needed = Vec::new();
    for release in releases.into_iter().filter(|release| *release <= rules.latest()) {
        let calls = clone.calls(&tag(release)).unwrap();
        assert!(calls.len() >= 30, "{release}: {} calls", calls.len());
        let found = compare(&calls, rules, &known, release, release);
        assert_eq!(found.differences, [], "{release}");
        needed.extend(found.excused);
    }
    needed.sort();
    needed.dedup();
    assert_eq!(needed.len(), known.exception.len(), "an exception that nothing needs: {needed:?}");
}

#[test]
fn without_the_rules_of_1_7_its_new_call_is_named() {
    let Some(clone) = clone() else { return };
    let release = newest(&clone).into_iter().find(|release| release.minor == 7).unwrap();
    let calls = clone.calls(&tag(release)).unwrap();
    let names_it = |rules: &Rules, data: Version| {
        let found = compare(&calls, rules, &known(), release, data);
        let new = found.differences.iter().filter_map(|difference| match difference {
            Difference::New { call, places, .. } => Some((call.clone(), places.clone())),
            _ => None,
        });
        new.collect::<Vec<_>>()
    };
    // Held against the version before, and against rules from which 1.7 was taken out.
    let before = names_it(Rules::builtin(), Version::new(1, 6, 8));
    let mut withheld = Rules::builtin().clone();
    withheld.requests.retain(|rule| {
        let since = rule.versions.0.first().map_or(Version::default(), |(from, _)| *from);
        since < Version::new(1, 7, 0)
    });
    assert_eq!(before.len(), 1, "{before:?}");
    for new in [before, names_it(&withheld, release)] {
        let (call, places) =
            new.iter().find(|(call, _)| call == "iam:ListInstanceProfiles").unwrap();
        let file = "pkg/providers/instanceprofile/instanceprofile.go";
        assert!(places.iter().all(|place| place.starts_with(file)), "{call}: {places:?}");
    }
}
