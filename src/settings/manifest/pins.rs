//! Which version of Karpenter a tree installs: chart versions and image tags, wherever tools write them.

use super::{at, get, nodes};
use crate::karpenter::{Rules, Version};
use crate::order;
use crate::source::{SourceId, SourceMap, Span};
use crate::syntax::{Node, Part};

/// A version of Karpenter that is written somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// What to resolve: `1.4.2`, `1.4`, `latest`.
    pub version: String,
    /// Where it is written.
    pub span: Span,
}

/// What a chart version means, if the chart is Karpenter's. `chart` is a name, a path or an OCI
/// address; `version` may be a range of semantic versions, which means the newest release in it.
///
/// This is the way in for readers of other formats, such as `helm_release` in HCL.
#[must_use]
pub fn chart_pin(chart: &str, version: &str, span: Span) -> Option<Pin> {
    if !is_karpenter(chart) {
        return None;
    }
    Some(Pin { version: meant(version)?, span })
}

/// Whether a chart is Karpenter's: `karpenter`, `oci://public.ecr.aws/karpenter/karpenter`. The chart
/// of its custom resources alone installs no controller.
pub(super) fn is_karpenter(chart: &str) -> bool {
    chart.trim_end_matches('/').rsplit('/').next() == Some("karpenter")
}

/// Whether an image is that of the controller.
pub(super) fn is_karpenter_image(image: &str) -> bool {
    let path = image.split(['@']).next().unwrap_or(image);
    path.split('/').any(|part| part == "karpenter") && path.contains("/controller")
}

/// The release that a chart version or an image tag means.
fn meant(written: &str) -> Option<String> {
    let text = written.trim().trim_start_matches('=').trim();
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let bare = text.trim_start_matches(['~', '^', '>', '<', '=', ' ']).trim_start_matches('v');
    let numbers: Vec<&str> = bare
        .split(['.', '-', '+', ' ', ','])
        .map_while(|part| part.bytes().all(|b| b.is_ascii_digit()).then_some(part))
        .filter(|part| !part.is_empty())
        .collect();
    let exact = text.trim_start_matches('v') == bare;
    match (numbers.as_slice(), exact) {
        ([major, minor, patch, ..], true) if bare == [*major, *minor, *patch].join(".") => {
            Some(bare.to_owned())
        }
        // `1.4.x`, `1.4.*`, `1.4`, `~1.4.2`.
        ([major, minor], true) => Some(format!("{major}.{minor}")),
        ([major, minor, ..], _) if text.starts_with('~') => Some(format!("{major}.{minor}")),
        // Anything else of 1: the newest. Before 1.0 such a range stays in its minor.
        (["1", ..], _) if !text.starts_with('<') => Some("latest".to_owned()),
        (["0", minor, ..], _) if text.starts_with('^') => Some(format!("0.{minor}")),
        ([], _) if matches!(text, "*" | "x") => Some("latest".to_owned()),
        _ => None,
    }
}

/// The version in a scalar.
pub(super) fn of_scalar(node: &Node) -> Option<Pin> {
    let text = node.as_text()?;
    let known = text.parts.iter().all(|part| matches!(part, Part::Literal(..)));
    let version = known.then(|| meant(&text.display())).flatten()?;
    Some(Pin { version, span: text.span })
}

/// The versions that one object of YAML pins.
pub(super) fn of_object(node: &Node) -> Vec<Pin> {
    let text = |path: &[&str]| at(node, path).and_then(Node::as_str);
    let chart = |node: &Node, chart: &str, version: &str| {
        let ours = get(node, chart).and_then(Node::as_str).is_some_and(is_karpenter);
        ours.then(|| get(node, version).and_then(of_scalar)).flatten()
    };
    let items = |path: &[&str]| at(node, path).map(Node::items).unwrap_or_default();
    match text(&["kind"]).unwrap_or_default() {
        "HelmRelease" => at(node, &["spec", "chart", "spec"])
            .and_then(|spec| chart(spec, "chart", "version"))
            .into_iter()
            .collect(),
        "OCIRepository" => {
            let ours = text(&["spec", "url"]).is_some_and(is_karpenter);
            let fields = [["spec", "ref", "tag"], ["spec", "ref", "semver"]];
            let found = fields.iter().find_map(|path| at(node, path)).and_then(of_scalar);
            found.filter(|_| ours).into_iter().collect()
        }
        "Application" => {
            let one = at(node, &["spec", "source"]);
            let sources = one.into_iter().chain(items(&["spec", "sources"]));
            sources.filter_map(|source| chart(source, "chart", "targetRevision")).collect()
        }
        "Deployment" => deployment(node),
        _ => {
            // Chart.yaml and Chart.lock, kustomization.yaml, helmfile.yaml.
            let charts = items(&["dependencies"])
                .iter()
                .chain(items(&["helmCharts"]))
                .filter_map(|one| chart(one, "name", "version"));
            let releases =
                items(&["releases"]).iter().filter_map(|one| chart(one, "chart", "version"));
            charts.chain(releases).collect()
        }
    }
}

/// A rendered controller: the tag of its image, else what the labels say.
fn deployment(node: &Node) -> Vec<Pin> {
    let containers = at(node, &["spec", "template", "spec", "containers"]);
    let containers = containers.map(Node::items).unwrap_or_default();
    let tagged = containers.iter().filter_map(|container| {
        let text = get(container, "image")?.as_text()?;
        let image = text.as_literal().filter(|image| is_karpenter_image(image))?;
        let path = image.split('@').next().unwrap_or(image);
        let (_, tag) = path.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
        Some(Pin { version: meant(tag)?, span: text.span })
    });
    let mut pins: Vec<Pin> = tagged.collect();
    let labels = at(node, &["metadata", "labels"]);
    let label = |key: &str| labels.and_then(|labels| get(labels, key));
    let ours = label("app.kubernetes.io/name").and_then(Node::as_str) == Some("karpenter");
    if pins.is_empty() && ours {
        pins.extend(label("app.kubernetes.io/version").and_then(of_scalar));
    }
    if pins.is_empty()
        && let Some(text) = label("helm.sh/chart").and_then(Node::as_text)
        && let Some(version) = text.as_literal().and_then(|text| text.strip_prefix("karpenter-"))
    {
        pins.extend(meant(version).map(|version| Pin { version, span: text.span }));
    }
    pins
}

/// What a file of a tree says of Karpenter, without being named as a manifest.
#[derive(Debug, Clone, Default)]
pub struct Scanned {
    /// Versions.
    pub pins: Vec<Pin>,
    /// A kind in it that `--manifest` would read.
    pub kind: Option<&'static str>,
}

/// Looks for versions in a file. Nothing is parsed that holds no word of one, and what cannot be parsed
/// says nothing: a tree is full of templates.
#[must_use]
pub fn scan(sources: &SourceMap, file: SourceId) -> Scanned {
    const LARGEST: usize = 4 << 20;
    const WORDS: [&str; 8] = [
        "HelmRelease",
        "OCIRepository",
        "Application",
        "dependencies:",
        "helmCharts:",
        "releases:",
        "Deployment",
        "\"kind\"",
    ];
    let source = sources.get(file);
    let text = source.text();
    let holds = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if text.len() > LARGEST || !holds("karpenter") {
        return Scanned::default();
    }
    let kind = [("EC2NodeClass", "karpenter.k8s.aws/v1"), ("NodePool", "karpenter.sh/v1")]
        .into_iter()
        .find(|(kind, group)| {
            holds(group)
                && [format!("kind: {kind}\n"), format!("\"kind\": \"{kind}\"")]
                    .iter()
                    .any(|line| holds(line))
        })
        .map(|(kind, _)| kind);
    let mut pins = Vec::new();
    if WORDS.iter().any(|word| holds(word))
        && let Ok(documents) = nodes(source.name(), text, file)
    {
        let lists =
            |node: &'_ Node| get(node, "items").map(Node::items).unwrap_or_default().to_vec();
        for document in &documents {
            pins.extend(of_object(document));
            pins.extend(lists(document).iter().flat_map(of_object));
        }
    }
    Scanned { pins, kind }
}

/// A pin with its release.
#[derive(Debug, Clone)]
pub struct Found {
    /// The release.
    pub version: Version,
    /// Where it is written.
    pub span: Span,
}

/// The releases that pins mean, newest first, each once; and what is to be told of those that the data
/// does not have.
#[must_use]
pub fn resolve(pins: &[Pin], rules: &Rules) -> (Vec<Found>, Vec<(Span, String)>) {
    let (mut found, mut told): (Vec<Found>, Vec<(Span, String)>) = Default::default();
    for pin in pins {
        match rules.resolve(&pin.version) {
            Ok(release) => {
                if let Some(note) = release.note {
                    told.push((pin.span, note));
                }
                if !found.iter().any(|known| known.version == release.version) {
                    found.push(Found { version: release.version, span: pin.span });
                }
            }
            Err(error) => told.push((pin.span, error.message)),
        }
    }
    order::by_key(&mut found, |found| std::cmp::Reverse(found.version));
    (found, told)
}
