//! NodePool: the capacity types and instances that it allows.

use super::schema::NODE_POOL;
use super::{Pool, Reader, Said, at, get, scalar};
use crate::settings::CapacityType;
use crate::settings::evidence::Written;
use crate::source::Span;
use crate::syntax::Node;
use crate::words::{cut, nearest_word};

/// One requirement of a NodePool.
struct Requirement<'n> {
    key: &'n str,
    operator: &'n str,
    values: Vec<(&'n str, Span)>,
    span: Span,
}

impl Reader<'_> {
    /// Reads a NodePool.
    pub(super) fn node_pool(&mut self, node: &Node, version: &str) {
        if !self.api_version(node, version) {
            return;
        }
        self.out.objects += 1;
        if let Some(spec) = get(node, "spec") {
            self.has_type(spec, NODE_POOL, "spec");
        }
        let template = ["spec", "template", "spec"];
        let template = at(node, &template);
        let requirements: Vec<Requirement<'_>> = template
            .and_then(|template| get(template, "requirements"))
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(requirement)
            .collect();
        let class = template.and_then(|template| at(template, &["nodeClassRef", "name"]));
        let mut pool = Pool {
            name: at(node, &["metadata", "name"]).and_then(scalar),
            class: class.and_then(scalar).map(|said| said.value),
            ..Pool::default()
        };
        self.capacity_types(&requirements, &mut pool);
        pool.instance_types = instance_types(&requirements);
        pool.tenancy = self.tenancy(&requirements);
        self.out.pools.push(pool);
    }

    /// What the requirements leave of the capacity types; without one, all of them.
    fn capacity_types(&mut self, requirements: &[Requirement<'_>], pool: &mut Pool) {
        pool.capacity_types = CapacityType::ALL.to_vec();
        for requirement in requirements.iter().filter(|one| one.key == "karpenter.sh/capacity-type")
        {
            let named = |kind: &CapacityType| {
                requirement.values.iter().any(|(value, _)| *value == kind.name())
            };
            // A placeholder may stand for any of them.
            let open = requirement.values.iter().any(|(value, _)| value.is_empty());
            for (value, span) in requirement.values.iter().filter(|(value, _)| !value.is_empty()) {
                let words = || CapacityType::ALL.iter().map(|kind| kind.name());
                if words().any(|known| known == *value) {
                    continue;
                }
                let help = nearest_word(value, words()).map_or_else(
                    || format!("known: {}", words().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("`{}` is not a capacity type", cut(value));
                self.error(*span, message, Some(help));
            }
            match requirement.operator {
                "In" if !open => pool.capacity_types.retain(named),
                "NotIn" if !open => pool.capacity_types.retain(|kind| !named(kind)),
                "DoesNotExist" => pool.capacity_types.clear(),
                _ => {}
            }
            pool.capacity_span = Some(requirement.span);
        }
    }

    /// `karpenter.k8s.aws/instance-tenancy`, from 1.9.0 on.
    fn tenancy(&mut self, requirements: &[Requirement<'_>]) -> Option<Said<Vec<Written>>> {
        let found = requirements.iter().find(|one| one.key == "karpenter.k8s.aws/instance-tenancy");
        let requirement = found?;
        let known = ["default", "dedicated"];
        for (value, span) in &requirement.values {
            if !value.is_empty() && !known.contains(value) {
                let help = format!("known: {}", known.join(", "));
                self.error(*span, format!("`{}` is not a tenancy", cut(value)), Some(help));
            }
        }
        let named = |word: &&&str| requirement.values.iter().any(|(value, _)| value == *word);
        let allowed: Vec<&&str> = match requirement.operator {
            "In" => known.iter().filter(|word| named(word)).collect(),
            "NotIn" => known.iter().filter(|word| !named(word)).collect(),
            _ => known.iter().collect(),
        };
        let value: Vec<Written> = allowed.into_iter().map(|word| Written::literal(word)).collect();
        (!value.is_empty()).then_some(Said { value, span: requirement.span })
    }
}

fn requirement(node: &Node) -> Option<Requirement<'_>> {
    let key = get(node, "key")?;
    let values = get(node, "values").map(Node::items).unwrap_or_default();
    // A value with a placeholder is kept as the empty text, which no value is.
    let value = |node: &'_ Node| node.as_text().map(|text| text.span).unwrap_or(node.span);
    Some(Requirement {
        key: key.as_str()?,
        operator: get(node, "operator").and_then(Node::as_str).unwrap_or_default(),
        values: values
            .iter()
            .map(|node| (node.as_str().unwrap_or_default(), value(node)))
            .collect(),
        span: key.as_text().map_or(key.span, |text| text.span),
    })
}

/// The instance types that the narrowest list allows: types, families, or categories. A list with a
/// placeholder says nothing.
fn instance_types(requirements: &[Requirement<'_>]) -> Option<Said<Vec<(String, bool)>>> {
    let lists = [
        ("node.kubernetes.io/instance-type", "", false),
        ("karpenter.k8s.aws/instance-family", ".", true),
        ("karpenter.k8s.aws/instance-category", "", true),
    ];
    lists.into_iter().find_map(|(key, tail, open)| {
        let found = requirements.iter().find(|one| {
            one.key == key
                && one.operator == "In"
                && !one.values.is_empty()
                && one.values.iter().all(|(value, _)| !value.is_empty())
        })?;
        let value = found.values.iter().map(|(value, _)| (format!("{value}{tail}"), open));
        Some(Said { value: value.collect(), span: found.span })
    })
}
