//! The rows against the requests: every difference has its reason, every row its difference.

use super::*;
use crate::settings::evidence::Evidence;
use crate::settings::given::Given;
use crate::settings::infer::infer;

#[test]
fn the_rows_are_read() {
    let file: File = serde_json::from_str(TEXT).unwrap();
    assert_eq!(file.change.len(), rows().len());
    let ids: Vec<&str> = Rules::builtin().requests().iter().map(|rule| base(&rule.id)).collect();
    for row in rows() {
        assert!(!row.reason.is_empty() && !row.versions.0.is_empty(), "{row:?}");
        assert!(row.requests.iter().all(|id| ids.contains(&id.as_str())), "{row:?}");
    }
}

/// All releases, oldest first.
fn releases(rules: &Rules) -> Vec<Version> {
    let mut all = Vec::new();
    for minor in &rules.minors {
        let patches = (0..=minor.newest.patch).filter(|patch| !minor.missing.contains(patch));
        all.extend(patches.map(|patch| Version { patch, ..minor.newest }));
    }
    all
}

#[test]
fn every_difference_has_a_row_and_every_row_a_difference() {
    let rules = Rules::builtin();
    let releases = releases(rules);
    let mut used = vec![false; rows().len()];
    let newest: Vec<Version> = rules.newest_of_minors().collect();
    let pairs = releases.windows(2).chain(newest.windows(2));
    for pair in pairs {
        let (from, to) = (pair[0], pair[1]);
        let settings = infer(to, &Given::default(), &Evidence::default(), false).settings;
        for change in upgrade(rules, &settings, from, to).changes {
            let ask = Ask { rule: change.rule, entry: change.entry, version: to };
            let row = rows().iter().position(|row| row.fits(ask, rules, from, to));
            // The newest patch of a minor is younger than the first of the next: what it has and that one
            // lacks comes back.
            let earlier = releases.iter().filter(|release| **release < from);
            let back = earlier.copied().any(|release| {
                Ask::all(rules, release).iter().any(|old| old.key(rules) == ask.key(rules))
            });
            assert!(
                row.is_some() || back,
                "{from} to {to}: {} {} has no row",
                ask.rule.id,
                ask.entry.action
            );
            if let Some(used) = row.and_then(|row| used.get_mut(row)) {
                *used = true;
            }
        }
    }
    for (row, used) in rows().iter().zip(used) {
        assert!(used, "{row:?} says nothing");
    }
}
