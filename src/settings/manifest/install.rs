//! The controller's own settings: Helm values, wherever a tool keeps them, and rendered manifests.
//!
//! Names after charts/karpenter/values.yaml, charts/karpenter/templates/deployment.yaml and
//! pkg/operator/options/options.go, v0.32.0 to v1.14.1.

use super::pins::{is_karpenter, is_karpenter_image};
use super::{Reader, Said, at, boolean, get, nodes, scalar};
use crate::settings::Feature;
use crate::settings::evidence::Written;
use crate::source::{SourceId, Span};
use crate::syntax::{Node, Value, embed};
use crate::words::{cut, is_near, nearest_word};

/// What a setting of the controller means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Cluster,
    Region,
    Queue,
    Gates,
    /// Switched on by `true`.
    Switch(Feature),
    /// Switched on by being there.
    Given(Feature),
}

/// Its name in Helm values, in the environment, as a flag; empty where it has none.
const SETTINGS: [(&str, &str, &str, Means); 11] = [
    ("clusterName", "CLUSTER_NAME", "cluster-name", Means::Cluster),
    ("", "AWS_REGION", "", Means::Region),
    ("interruptionQueue", "INTERRUPTION_QUEUE", "interruption-queue", Means::Queue),
    ("interruptionQueueName", "", "", Means::Queue),
    ("", "FEATURE_GATES", "feature-gates", Means::Gates),
    (
        "clusterEndpoint",
        "CLUSTER_ENDPOINT",
        "cluster-endpoint",
        Means::Given(Feature::ClusterEndpoint),
    ),
    ("isolatedVPC", "ISOLATED_VPC", "isolated-vpc", Means::Switch(Feature::IsolatedVpc)),
    (
        "eksControlPlane",
        "EKS_CONTROL_PLANE",
        "eks-control-plane",
        Means::Switch(Feature::EksControlPlane),
    ),
    (
        "enableZonalShift",
        "ENABLE_ZONAL_SHIFT",
        "enable-zonal-shift",
        Means::Switch(Feature::ZonalShift),
    ),
    ("disableDryRun", "DISABLE_DRY_RUN", "disable-dry-run", Means::Switch(Feature::DisableDryRun)),
    ("", "AWS_DEFAULT_REGION", "", Means::Region),
];

/// Other settings of the chart: known, so that they are not taken for a slip of the pen.
const OTHERS: [&str; 18] = [
    "amiRefreshInterval",
    "assumeRoleARN",
    "assumeRoleDuration",
    "aws",
    "batchIdleDuration",
    "batchMaxDuration",
    "clusterCABundle",
    "defaultInstanceProfile",
    "disableClusterStateObservability",
    "featureGates",
    "ignoreDRARequests",
    "minValuesPolicy",
    "preferencePolicy",
    "reservedENIs",
    "subnetRefreshInterval",
    "tags",
    "vmMemoryOverheadPercent",
    "enablePodENI",
];

impl Reader<'_> {
    /// Reads whatever installs Karpenter.
    pub(super) fn installation(&mut self, node: &Node, kind: &str) {
        let named = at(node, &["metadata", "name"]).and_then(Node::as_str).unwrap_or_default();
        match kind {
            "Deployment" => self.deployment(node, named),
            "ServiceAccount" if named.contains("karpenter") => {
                if let Some(annotations) = at(node, &["metadata", "annotations"]) {
                    self.role(annotations);
                }
            }
            "HelmRelease" => {
                let chart = at(node, &["spec", "chart", "spec", "chart"]).and_then(Node::as_str);
                if chart.map_or(named.contains("karpenter"), is_karpenter)
                    && let Some(values) = at(node, &["spec", "values"])
                {
                    self.values(values);
                }
            }
            "Application" => {
                let one = at(node, &["spec", "source"]);
                let many = at(node, &["spec", "sources"]).map(Node::items).unwrap_or_default();
                for source in one.into_iter().chain(many) {
                    if get(source, "chart").and_then(Node::as_str).is_some_and(is_karpenter)
                        && let Some(helm) = get(source, "helm")
                    {
                        self.argo(helm);
                    }
                }
            }
            _ => {
                // A kustomization, a helmfile, or Helm values: these have no kind.
                let charts = get(node, "helmCharts").map(Node::items).unwrap_or_default();
                for chart in charts {
                    if get(chart, "name").and_then(Node::as_str).is_some_and(is_karpenter)
                        && let Some(values) = get(chart, "valuesInline")
                    {
                        self.values(values);
                    }
                }
                for release in get(node, "releases").map(Node::items).unwrap_or_default() {
                    if get(release, "chart").and_then(Node::as_str).is_some_and(is_karpenter) {
                        let values = get(release, "values").map(Node::items).unwrap_or_default();
                        values.iter().for_each(|values| self.values(values));
                    }
                }
                if kind.is_empty() {
                    // As they are, or below the name of the chart in those of another chart.
                    self.values(node);
                    if let Some(values) = get(node, "karpenter") {
                        self.values(values);
                    }
                }
            }
        }
    }

    /// Helm values of Karpenter's chart, if these are any.
    fn values(&mut self, node: &Node) {
        let settings = get(node, "settings");
        let known =
            |key: &str| OTHERS.contains(&key) || SETTINGS.iter().any(|(name, ..)| *name == key);
        let close = |key: &str| SETTINGS.iter().any(|(name, ..)| is_near(key, name));
        let keys = |node: &'_ Node| -> Vec<String> {
            let keys = node.entries().iter().filter_map(|entry| entry.key.as_literal());
            keys.map(str::to_owned).collect()
        };
        let ours =
            settings.is_some_and(|node| keys(node).iter().any(|key| known(key) || close(key)));
        let image = at(node, &["controller", "image"]);
        let pinned = image.is_some_and(|image| image.get("tag").is_some());
        let annotations = at(node, &["serviceAccount", "annotations"]);
        if !ours && !pinned && annotations.is_none() {
            return;
        }
        self.out.objects += 1;
        if let Some(annotations) = annotations {
            self.role(annotations);
        }
        if let Some(settings) = settings.filter(|_| ours) {
            self.settings(settings);
            if let Some(aws) = get(settings, "aws") {
                self.settings(aws);
            }
        }
        let repository = image.and_then(|image| get(image, "repository")).and_then(Node::as_str);
        if (ours || repository.is_some_and(is_karpenter_image))
            && let Some(tag) = image.and_then(|image| get(image, "tag"))
        {
            self.out.pins.extend(super::pins::of_scalar(tag));
        }
        for item in at(node, &["controller", "env"]).map(Node::items).unwrap_or_default() {
            self.env(item);
        }
    }

    /// `settings` of Helm values.
    fn settings(&mut self, settings: &Node) {
        for entry in settings.entries() {
            let Some(key) = entry.key.as_literal() else { continue };
            if let Some((_, _, _, means)) = SETTINGS.iter().find(|(name, ..)| *name == key) {
                self.set(key, *means, &entry.value, entry.key.span);
            } else if !OTHERS.contains(&key)
                && let Some(near) = nearest_word(
                    key,
                    SETTINGS.iter().map(|(name, ..)| *name).filter(|name| !name.is_empty()),
                )
            {
                let message = format!("`{}` is not a setting of Karpenter's chart", cut(key));
                self.error(entry.key.span, message, Some(format!("did you mean `{near}`?")));
            }
        }
        let gate = at(settings, &["featureGates", "reservedCapacity"]);
        if let Some(gate) = gate {
            match boolean(gate) {
                Some(said) => self.gate(said),
                None => self.needs_boolean(gate, "reservedCapacity"),
            }
        }
    }

    /// `spec.source.helm` of an Argo CD Application.
    fn argo(&mut self, helm: &Node) {
        if let Some(values) = get(helm, "valuesObject") {
            self.values(values);
        }
        if let Some(text) = get(helm, "values").and_then(Node::as_text) {
            let inner = embed(self.sources, text, None);
            let source = self.sources.get(inner);
            self.embedded(inner, source.text());
        }
        for parameter in get(helm, "parameters").map(Node::items).unwrap_or_default() {
            let name = get(parameter, "name").and_then(Node::as_str).unwrap_or_default();
            let (Some(key), Some(value)) =
                (name.strip_prefix("settings."), get(parameter, "value"))
            else {
                continue;
            };
            if key == "featureGates.reservedCapacity" {
                if let Some(said) = boolean(value) {
                    self.gate(said);
                }
            } else if let Some((.., means)) = SETTINGS.iter().find(|(name, ..)| *name == key) {
                self.set(key, *means, value, value.span);
            }
        }
    }

    fn embedded(&mut self, inner: SourceId, text: &str) {
        match nodes("values.yaml", text, inner) {
            Ok(documents) => documents.iter().for_each(|document| self.values(document)),
            Err(error) => self.error(error.span, error.message, error.help),
        }
    }

    /// A Deployment of the controller: what its environment lacks is not set.
    fn deployment(&mut self, node: &Node, named: &str) {
        let containers = at(node, &["spec", "template", "spec", "containers"]);
        let containers = containers.map(Node::items).unwrap_or_default();
        let is_ours = |container: &&Node| {
            let image = get(container, "image").and_then(Node::as_str).unwrap_or_default();
            is_karpenter_image(image) || named == "karpenter" && containers.len() == 1
        };
        let Some(container) = containers.iter().find(is_ours) else { return };
        self.out.objects += 1;
        let env = get(container, "env").map(Node::items).unwrap_or_default();
        for item in env {
            self.env(item);
        }
        let args = get(container, "args").map(Node::items).unwrap_or_default();
        self.args(args);
        let whole = get(container, "envFrom").is_none_or(|from| from.items().is_empty());
        if whole && !env.is_empty() && self.out.install.queue.is_none() {
            let span = get(container, "env").map_or(container.span, |env| env.span);
            self.out.install.queue = Some(Said { value: Written::default(), span });
        }
    }

    fn env(&mut self, item: &Node) {
        let Some(name) = get(item, "name").and_then(Node::as_str) else { return };
        let (Some(value), Some((.., means))) = (
            get(item, "value"),
            SETTINGS.iter().find(|(_, env, ..)| !env.is_empty() && *env == name),
        ) else {
            return;
        };
        self.set(name, *means, value, value.span);
    }

    /// `--cluster-name=demo`, or in two items.
    fn args(&mut self, args: &[Node]) {
        let mut rest = args.iter();
        while let Some(node) = rest.next() {
            let Some(text) = node.as_text() else { continue };
            let written = text.display();
            let Some(flag) = written.strip_prefix("--") else { continue };
            let (name, value) = flag.split_once('=').map_or((flag, None), |(n, v)| (n, Some(v)));
            let found = SETTINGS.iter().find(|(_, _, flag, _)| !flag.is_empty() && *flag == name);
            let Some((.., means)) = found else { continue };
            let switch = matches!(means, Means::Switch(_));
            let said = match value {
                Some(value) => Said { value: Written::literal(value), span: text.span },
                None if switch => Said { value: Written::literal("true"), span: text.span },
                None => match rest.next().and_then(scalar) {
                    Some(said) => said,
                    None => continue,
                },
            };
            self.set_said(*means, said, text.span);
        }
    }

    fn set(&mut self, name: &str, means: Means, node: &Node, place: Span) {
        let said = match &node.value {
            // `interruptionQueue:` with nothing behind it is as good as empty.
            Value::Null => Said { value: Written::default(), span: place },
            _ => match scalar(node) {
                Some(said) => said,
                None => return,
            },
        };
        if matches!(means, Means::Switch(_))
            && !matches!(node.value, Value::Null)
            && boolean(node).is_none()
            && said.value.as_literal().is_some()
        {
            return self.needs_boolean(node, name);
        }
        self.set_said(means, said, place);
    }

    fn set_said(&mut self, means: Means, said: Said<Written>, place: Span) {
        let span = if said.value.0.is_empty() { place } else { said.span };
        let said = Said { span, ..said };
        let literal = said.value.as_literal().map(str::to_owned);
        let install = &mut self.out.install;
        let (name, slot) = match means {
            Means::Cluster => ("cluster-name", &mut install.cluster),
            Means::Region => ("region", &mut install.region),
            Means::Queue => ("interruption-queue", &mut install.queue),
            Means::Gates => return self.gates(&literal.unwrap_or_default(), span),
            Means::Switch(feature) => {
                let value = literal.map(|text| text.eq_ignore_ascii_case("true"));
                return value.map_or((), |value| self.feature(feature, Said { value, span }));
            }
            Means::Given(feature) => {
                let value = !said.value.0.is_empty();
                return self.feature(feature, Said { value, span });
            }
        };
        // No cluster has an empty name, and no region: the chart's own defaults.
        if said.value.0.is_empty() && means != Means::Queue {
            return;
        }
        match slot {
            Some(first) if first.value != said.value => {
                let first = first.span;
                self.out.contradictions.push((name, first, said.span));
            }
            Some(_) => {}
            None => *slot = Some(said),
        }
    }

    fn feature(&mut self, feature: Feature, said: Said<bool>) {
        let first = self.out.install.features.entry(feature).or_insert_with(|| said.clone());
        if first.value != said.value {
            let first = first.span;
            self.out.contradictions.push((feature.name(), first, said.span));
        }
    }

    /// `ReservedCapacity=true,NodeRepair=false`.
    fn gates(&mut self, text: &str, span: Span) {
        for pair in text.split(',') {
            let Some((name, value)) = pair.split_once('=') else { continue };
            if name.trim() == "ReservedCapacity" {
                match value.trim() {
                    "true" => self.gate(Said { value: true, span }),
                    "false" => self.gate(Said { value: false, span }),
                    _ => {}
                }
            }
        }
    }

    fn gate(&mut self, said: Said<bool>) {
        match &self.out.install.reserved_gate {
            Some(first) if first.value != said.value => {
                self.out.contradictions.push(("reservedCapacity", first.span, said.span));
            }
            Some(_) => {}
            None => self.out.install.reserved_gate = Some(said),
        }
    }

    fn needs_boolean(&mut self, node: &Node, field: &str) {
        // A placeholder may become one.
        if node.as_text().is_none_or(|text| text.as_literal().is_some()) {
            self.error(node.span, format!("`{field}` has to be true or false"), None);
        }
    }

    /// `eks.amazonaws.com/role-arn` of a service account.
    fn role(&mut self, annotations: &Node) {
        let Some(said) = get(annotations, "eks.amazonaws.com/role-arn").and_then(scalar) else {
            return;
        };
        if said.value.0.is_empty() {
            return;
        }
        match &self.out.install.controller_role {
            Some(first) if first.value != said.value => {
                self.out.contradictions.push(("the controller's role", first.span, said.span));
            }
            Some(_) => {}
            None => self.out.install.controller_role = Some(said),
        }
    }
}
