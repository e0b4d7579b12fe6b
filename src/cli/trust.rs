//! Which trust policies of the input are held against what.

use crate::check::trust::{NodeRole, TrustCase, TrustChecked, controller, nodes};
use crate::controller::{Controller, Document, DocumentKind, Unit, is_node_role, mentions};
use crate::extract::{Role, Unseen};
use crate::finding::{Finding, Severity};
use crate::karpenter::{Rules, Version};
use crate::policy::symbolic::Symbolic;
use crate::settings::evidence::Evidence;
use crate::settings::infer::{Resolved, infer};

use super::plan::Plan;

/// What is needed to hold trust policies against something.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) documents: &'a [Document],
    pub(super) units: &'a [Unit],
    pub(super) plan: &'a Plan,
    pub(super) rules: &'a Rules,
}

/// The findings about trust policies, and a line for each that was named by itself.
pub(super) fn judge(
    judged: &[(&Controller, &Resolved)],
    around: Surroundings<'_>,
    version: Version,
) -> (Vec<Finding>, Vec<String>) {
    let mut findings = Vec::new();
    let mut done = vec![false; around.documents.len()];
    let mut mark = |index: usize| match done.get_mut(index) {
        Some(done) => std::mem::replace(done, true),
        None => true,
    };
    for (controller, resolved) in judged {
        if let Some(index) = controller.trust
            && !mark(index)
        {
            let own = around.controller(index, controller, resolved);
            findings.extend(with_controller(own.findings, controller));
        }
    }
    for unit in around.units {
        for role in &unit.roles {
            let Some(index) = role.trust.map(|index| unit.documents.start + index) else {
                continue;
            };
            let passing = judged.iter().find(|(_, resolved)| passes(resolved, role));
            // Roles of others, managed node groups among them, are none of Karpenter's business.
            let node = is_node_role(around.documents, unit, role)
                && (mentions(&role.address)
                    || role.name.as_ref().is_some_and(|name| mentions(&name.display())));
            if (passing.is_none() && !node) || mark(index) {
                continue;
            }
            let nothing;
            let resolved = match passing {
                Some((_, resolved)) => resolved,
                None => {
                    nothing = around.nothing_known(version);
                    &nothing
                }
            };
            let found = around.node(index, unit, role, (resolved, passing.is_some()));
            match passing {
                Some((controller, _)) => {
                    findings.extend(with_controller(found.findings, controller))
                }
                None => findings.extend(found.findings),
            }
        }
    }
    let mut lines = Vec::new();
    let bare: Vec<(&Unit, usize, &Document)> = around.bare().collect();
    // Of several that say nothing of Karpenter nobody knows which is the controller's.
    let only = bare.iter().filter(|(_, _, document)| !document.trusts_ec2).count() == 1;
    for (unit, index, document) in bare {
        let named = unit.named && (only || document.trusts_ec2);
        let asked = named || mentions(&unit.file) || says_karpenter(document);
        if !asked || mark(index) {
            continue;
        }
        let found = around.alone(document, version);
        lines.extend(unit.named.then(|| sentence(&unit.file, document, &found)));
        findings.extend(found.findings);
    }
    (findings, lines)
}

impl<'a> Surroundings<'a> {
    /// Trust policies that belong to no role of the input.
    fn bare(self) -> impl Iterator<Item = (&'a Unit, usize, &'a Document)> {
        self.units.iter().flat_map(move |unit| {
            let of_role = move |index: usize| {
                unit.roles.iter().any(|role| role.trust == Some(index - unit.documents.start))
            };
            let all = unit.documents.clone().filter(move |index| !of_role(*index));
            let all = all.filter_map(move |index| Some((unit, index, self.documents.get(index)?)));
            all.filter(|(_, _, document)| document.kind == DocumentKind::Trust)
        })
    }

    fn controller(&self, index: usize, own: &Controller, resolved: &Resolved) -> TrustChecked {
        let Some(document) = self.documents.get(index) else { return TrustChecked::default() };
        let service_account = own.service_account.as_deref();
        controller(TrustCase { document, resolved, rules: self.rules, service_account })
    }

    fn node(
        &self,
        index: usize,
        unit: &Unit,
        role: &Role,
        (resolved, passed): (&Resolved, bool),
    ) -> TrustChecked {
        let Some(document) = self.documents.get(index) else { return TrustChecked::default() };
        let case = TrustCase { document, resolved, rules: self.rules, service_account: None };
        let attached: &[Unseen] = &role.unseen;
        let has_own = role.documents.iter().any(|index| {
            self.documents.get(unit.documents.start + index).is_some_and(|own| !own.is_filled_in)
        });
        nodes(case, Some(NodeRole { attached, has_own, passed }))
    }

    /// A trust policy that stands by itself is that of nodes if it trusts EC2.
    fn alone(&self, document: &Document, version: Version) -> TrustChecked {
        let resolved = self.nothing_known(version);
        let case =
            TrustCase { document, resolved: &resolved, rules: self.rules, service_account: None };
        if document.trusts_ec2 { nodes(case, None) } else { controller(case) }
    }

    fn nothing_known(&self, version: Version) -> Resolved {
        infer(version, &self.plan.given, &Evidence::default(), false)
    }
}

fn with_controller(findings: Vec<Finding>, controller: &Controller) -> Vec<Finding> {
    let name = |mut finding: Finding| {
        finding.controller = Some(controller.name.clone());
        finding
    };
    findings.into_iter().map(name).collect()
}

/// Whether a controller passes this role: by its name, or by a reference to it.
fn passes(resolved: &Resolved, role: &Role) -> bool {
    let name = role.name.as_ref().map(|name| {
        let mut out = Symbolic::default();
        for part in &name.parts {
            match part {
                crate::syntax::Part::Literal(_, text) => out.push_str(text),
                crate::syntax::Part::Hole(_, expr) => out.push(&resolved.resolve(expr)),
            }
        }
        out.display(&resolved.symbols)
    });
    let arn = format!("${{{}.Arn}}", role.address);
    resolved.settings.node_roles.iter().any(|passed| {
        let passed = passed.display(&resolved.symbols);
        let last = passed.rsplit('/').next().unwrap_or(&passed);
        passed == arn || name.as_ref().is_some_and(|name| !name.is_empty() && name == last)
    }) || resolved
        .assumptions
        .iter()
        .any(|known| known.symbol == "node-roles" && known.value == arn)
}

fn says_karpenter(document: &Document) -> bool {
    let statements = document.policy.statements.iter().flat_map(|s| &s.conditions);
    statements.flat_map(|condition| &condition.values).any(|value| mentions(&value.display()))
}

/// What is said of a trust policy that was named.
fn sentence(file: &str, document: &Document, found: &TrustChecked) -> String {
    let count = |severity| found.findings.iter().filter(|f| f.severity == severity).count();
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let whose = if document.trusts_ec2 { "nodes" } else { "the controller" };
    let mut tail = String::new();
    if errors > 0 {
        tail = format!(": {}", plural(errors, "error"));
    }
    if warnings > 0 {
        let before = if tail.is_empty() { ": " } else { ", " };
        tail.push_str(&format!("{before}{}", plural(warnings, "warning")));
    }
    match &found.by {
        Some(by) if errors == 0 => {
            let far = if found.unsettled { " as far as the files tell" } else { "" };
            format!("{file} lets in {by}{far}{tail}")
        }
        _ if tail.is_empty() => format!("{file} does not tell who takes the role of {whose}"),
        _ => format!("{file} does not let {whose} take the role{tail}"),
    }
}
