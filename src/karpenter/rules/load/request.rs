//! `[[request]]` tables to [`RequestRule`]s.

use super::super::files::{RuleError, Table, Value};
use super::super::text::Str;
use super::super::version::Versions;
use super::super::when::{Condition, Flag};
use super::super::{FailureRule, Impact, Phase, RequestRule, Rules};
use super::common::{Implied, Names, overlap};
use super::{FindService, entry};

pub(super) const FIELDS: [&str; 17] = [
    "id",
    "call",
    "purpose",
    "impact",
    "dry_run",
    "by_service",
    "from_template",
    "versions",
    "when",
    "same_as",
    "generation",
    "except",
    "authorises",
    "failure",
    "cadence",
    "notes",
    "evidence",
];

/// A request as written.
#[derive(Debug)]
pub(super) struct Draft<'f> {
    pub(super) id: &'f str,
    phase: Phase,
    table: Table<'f>,
}

impl Draft<'_> {
    /// An error about the request.
    pub(super) fn error(&self, message: String) -> RuleError {
        self.table
            .get("id")
            .map_or_else(|| self.table.error(message.clone()), |id| id.error(message.clone()))
    }
}

/// What the entries of a request need to know of it.
#[derive(Debug)]
pub(super) struct Call<'f> {
    pub(super) action: &'f str,
    pub(super) generation: Option<&'f str>,
    pub(super) from_template: bool,
}

/// Reads the requests of one phase.
pub(super) fn drafts<'f>(
    phase: Phase,
    file: Table<'f>,
    drafts: &mut Vec<Draft<'f>>,
) -> Result<(), RuleError> {
    file.only(&["request"])?;
    for item in file.need("request")?.list()? {
        let table = item.fields(&FIELDS)?;
        let id = table.need("id")?;
        if drafts.iter().any(|known| Ok(known.id) == id.text()) {
            return Err(id.error(format!("there is already a request `{}`", id.text()?)));
        }
        drafts.push(Draft { id: id.text()?, phase, table });
    }
    Ok(())
}

/// A request and those it is the same as, itself first.
fn line<'d, 'f>(
    draft: &'d Draft<'f>,
    drafts: &'d [Draft<'f>],
) -> Result<Vec<&'d Draft<'f>>, RuleError> {
    let mut line = vec![draft];
    let mut last = draft;
    while let Some(base) = last.table.get("same_as") {
        let id = base.text()?;
        last = drafts.iter().find(|known| known.id == id).ok_or_else(|| {
            base.error(format!("there is no request `{id}`"))
                .did_you_mean(id, drafts.iter().map(|known| known.id))
        })?;
        if line.iter().any(|known| known.id == last.id) {
            return Err(base.error(format!("`{id}` is the same as itself")));
        }
        line.push(last);
    }
    Ok(line)
}

/// Puts a request together.
pub(super) fn build<'f>(
    draft: &Draft<'f>,
    drafts: &[Draft<'f>],
    names: &Names,
    implied: &[Implied<'f>],
    aws: FindService<'_>,
    rules: &mut Rules,
) -> Result<RequestRule, RuleError> {
    let line = line(draft, drafts)?;
    let field = |name: &str| line.iter().find_map(|draft| draft.table.get(name));
    let need = |name: &str| {
        field(name).ok_or_else(|| draft.error(format!("the field `{name}` is missing")))
    };
    let text = |name: &str| field(name).map(Value::text).transpose();
    let flag = |name: &str| field(name).map_or(Ok(false), Value::flag);

    let action = need("call")?;
    entry::check_action(action, action.text()?, aws)?;
    let call = Call {
        action: action.text()?,
        generation: text("generation")?,
        from_template: flag("from_template")?,
    };
    let versions = draft.table.need("versions")?.versions()?;

    // From the oldest form to this one: leave out, then add.
    let mut entries = Vec::new();
    for draft in line.iter().rev() {
        for item in draft.table.get("except").map_or(Ok(Vec::new()), Value::list)? {
            let kind = item.text()?;
            let before = entries.len();
            entries
                .retain(|value: &Value<'f>| entry::resource_type_as_written(value) != Some(kind));
            if entries.len() == before {
                return Err(item.error(format!("no entry is about the resource type `{kind}`")));
            }
        }
        entries.extend(draft.table.get("authorises").map_or(Ok(Vec::new()), Value::list)?);
    }
    let mut built = Vec::new();
    for value in &entries {
        built.push(entry::build(value, &call, names, implied, aws, rules)?);
    }
    if built.is_empty() {
        built.push(entry::call_itself(action, &call, names, implied, aws, rules)?);
    }

    Ok(RequestRule {
        id: draft.id.into(),
        call: call.action.into(),
        purpose: need("purpose")?.text()?.into(),
        phase: draft.phase,
        impact: field("impact").map_or(Ok(Impact::Blocks), read_impact)?,
        dry_run: flag("dry_run")?,
        by_service: flag("by_service")?,
        failures: read_failures(need("failure")?, &versions)?,
        versions,
        when: field("when").map_or(Ok(Vec::new()), read_conditions)?,
        entries: built,
        cadence: text("cadence")?.map(Str::from),
        notes: text("notes")?.map(Str::from),
        evidence: need("evidence")?.texts()?.into_iter().map(Str::from).collect(),
    })
}

fn read_impact(value: &Value<'_>) -> Result<Impact, RuleError> {
    match value.text()? {
        "blocks" => Ok(Impact::Blocks),
        "degrades" => Ok(Impact::Degrades),
        _ => Err(value.error("expected `blocks` or `degrades`")),
    }
}

fn read_failures(value: &Value<'_>, versions: &Versions) -> Result<Vec<FailureRule>, RuleError> {
    let mut failures = Vec::new();
    for item in value.one_or_more()? {
        let table = item.fields(&["versions", "condition", "reason", "message", "symptom"])?;
        let text = |name: &str| table.text(name).map(|text| text.map(Str::from));
        let failure = FailureRule {
            versions: table.versions("versions")?,
            condition: text("condition")?,
            reason: text("reason")?,
            message: text("message")?,
            symptom: text("symptom")?,
        };
        if failure.condition.is_none() && failure.symptom.is_none() {
            return Err(item.error("a failure shows in a `condition` or a `symptom`"));
        }
        // Failures are inherited, so one that this form never shows is left out, not refused.
        if overlap(&failure.versions, versions) {
            failures.push(failure);
        }
    }
    Ok(failures)
}

/// Reads `when`.
pub(super) fn read_conditions(value: &Value<'_>) -> Result<Vec<Condition>, RuleError> {
    let mut conditions = Vec::new();
    let lists = ["capacity_type", "ami_family"];
    let versions = ["has_nodes_from_before", "has_nodeclasses_from_before"];
    for (name, value) in value.table()?.iter() {
        let list = || Ok::<_, RuleError>(value.texts()?.into_iter().map(Str::from).collect());
        conditions.push(match name.text {
            "capacity_type" => {
                let known = ["on-demand", "spot", "reserved"];
                for item in value.list()? {
                    let word = item.text()?;
                    if !known.contains(&word) {
                        let error = item.error(format!("there is no capacity type `{word}`"));
                        return Err(error.did_you_mean(word, known));
                    }
                }
                Condition::CapacityType(list()?)
            }
            "ami_family" => Condition::AmiFamily(list()?),
            "has_nodes_from_before" => Condition::NodesFromBefore(value.version()?),
            "has_nodeclasses_from_before" => Condition::NodeClassesFromBefore(value.version()?),
            word => {
                let flag =
                    Flag::ALL.into_iter().find(|flag| flag.name() == word).ok_or_else(|| {
                        let known =
                            Flag::ALL.into_iter().map(Flag::name).chain(lists).chain(versions);
                        value
                            .error(format!("there is no condition `{word}`"))
                            .did_you_mean(word, known)
                    })?;
                Condition::Is(flag, value.flag()?)
            }
        });
    }
    Ok(conditions)
}
