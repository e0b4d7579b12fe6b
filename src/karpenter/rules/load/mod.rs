//! Rule files to [`Rules`]: everything is checked, so that nothing can go wrong with it later.

mod common;
mod entry;
mod request;

use super::files::{Parsed, RuleError, RuleFile};
use super::limits::Limits;
use super::trust::TrustRules;
use super::version::Version;
use super::{Cause, Minor, Phase, Rules};
use crate::aws::Service;
use common::Names;

/// Finds the authorisation data of a service.
pub type FindService<'a> = &'a dyn Fn(&str) -> Option<&'a Service>;

/// Reads the files of a rule folder, in any order.
pub fn load(files: &[RuleFile], aws: FindService<'_>) -> Result<Rules, RuleError> {
    let parsed: Vec<Parsed<'_>> = files.iter().map(Parsed::new).collect::<Result<_, _>>()?;
    let file = |stem: &str| {
        let found = files.iter().zip(&parsed).find(|(file, _)| file.stem == stem);
        found.map(|(_, parsed)| parsed.table()).ok_or_else(|| {
            let folder = files
                .first()
                .and_then(|file| file.path.rsplit_once('/'))
                .map_or(".", |(folder, _)| folder);
            RuleError::file(folder, format!("the rule file `{stem}.toml` is missing"))
        })
    };
    let mut rules = Rules::default();
    let mut names = Names::default();

    let releases = file("releases")?;
    releases.only(&["minors", "cause"])?;
    for (name, value) in releases.need("minors")?.table()?.iter() {
        let Some((major, minor, None)) = Version::parse_partial(name.text) else {
            return Err(releases.error_at(name, "expected a minor such as `1.4`"));
        };
        let table = value.fields(&["newest", "missing"])?;
        let newest = Version::new(major, minor, table.need("newest")?.number()?);
        let missing = table.get("missing").map_or(Ok(Vec::new()), |list| {
            list.list()?.iter().map(super::files::Value::number).collect()
        })?;
        rules.minors.push(Minor { newest, missing });
    }
    rules.minors.sort_unstable_by_key(|minor| minor.newest);
    let cause = releases.need("cause")?;
    let cause = cause.fields(&[
        "versions",
        "permissions-boundary",
        "service-control-policy",
        "otherwise",
    ])?;
    rules.cause = Cause {
        versions: cause.need("versions")?.versions()?,
        permissions_boundary: cause.need("permissions-boundary")?.text()?.into(),
        service_control_policy: cause.need("service-control-policy")?.text()?.into(),
        otherwise: cause.need("otherwise")?.text()?.into(),
    };

    names.placeholders(&file("placeholders")?, &mut rules)?;
    names.tags(&file("tags")?, &mut rules)?;
    let defaults = names.context(&file("context")?, &mut rules)?;
    rules.trust = TrustRules::load(&file("trust")?)?;
    // A folder made before there were limits has none; then those of the program hold.
    rules.limits = match files.iter().any(|file| file.stem == "limits") {
        true => Limits::load(&file("limits")?)?,
        false => Limits::default(),
    };

    // Why versions differ is read apart: it is text for people.
    let others = [
        "releases",
        "placeholders",
        "tags",
        "context",
        "trust",
        "order",
        "upgrades",
        "harm",
        "generate",
        "limits",
    ];
    let mut drafts = Vec::new();
    for (file, parsed) in files.iter().zip(&parsed) {
        if others.contains(&file.stem.as_str()) {
            continue;
        }
        let Some(phase) = Phase::ALL.into_iter().find(|phase| phase.name() == file.stem) else {
            let error = RuleError::file(&file.path, format!("there is no phase `{}`", file.stem));
            return Err(error.did_you_mean(&file.stem, Phase::ALL.into_iter().map(Phase::name)));
        };
        request::drafts(phase, parsed.table(), &mut drafts)?;
    }
    let mut requests = Vec::new();
    for draft in &drafts {
        requests.push(request::build(draft, &drafts, &names, &defaults, aws, &mut rules)?);
    }

    // Every request once, in the order that the file gives.
    let order = file("order")?;
    order.only(&["order"])?;
    for item in order.need("order")?.list()? {
        let id = item.text()?;
        let Some(place) = requests.iter().position(|request| request.id == *id) else {
            if rules.requests.iter().any(|request| request.id == *id) {
                return Err(item.error(format!("`{id}` stands here twice")));
            }
            let known = drafts.iter().map(|draft| draft.id);
            return Err(item.error(format!("`{id}` is not a request")).did_you_mean(id, known));
        };
        rules.requests.push(requests.swap_remove(place));
    }
    if let Some(left) = requests.first() {
        let draft = drafts.iter().find(|draft| left.id == *draft.id);
        let message = format!("`{}` does not stand in order.toml", left.id);
        return Err(draft
            .map_or_else(|| order.error(message.clone()), |draft| draft.error(message.clone())));
    }
    names.unused(&rules, &file("tags")?)?;
    Ok(rules)
}

/// The fields of requests and of their entries, for the test of their schema.
#[cfg(test)]
pub(crate) fn fields() -> (&'static [&'static str], &'static [&'static str]) {
    (&request::FIELDS, &entry::FIELDS)
}
