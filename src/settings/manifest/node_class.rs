//! EC2NodeClass: what its controller looks up, and what a launch asks for.

use super::schema::{NODE_CLASS, NODE_CLASS_BETA};
use super::{Class, Reader, Said, at, boolean, get, scalar};
use crate::settings::evidence::Written;
use crate::syntax::{Node, Value};
use crate::words::{cut, nearest_word};

/// Families that an alias can name (pkg/apis/v1/ec2nodeclass.go, v1.14.1).
const FAMILIES: [&str; 6] =
    ["AL2", "AL2023", "Bottlerocket", "Windows2019", "Windows2022", "Windows2025"];

impl Reader<'_> {
    /// Reads an EC2NodeClass.
    pub(super) fn node_class(&mut self, node: &Node, version: &str) {
        if !self.api_version(node, version) {
            return;
        }
        self.out.objects += 1;
        let beta = version == "v1beta1";
        let empty = Node { span: node.span, tag: None, value: Value::Null };
        let spec = get(node, "spec").unwrap_or(&empty);
        self.has_type(spec, if beta { NODE_CLASS_BETA } else { NODE_CLASS }, "spec");
        let text = |path: &[&str]| at(spec, path).and_then(scalar).filter(is_there);
        let mut class = Class {
            name: at(node, &["metadata", "name"]).and_then(scalar).filter(is_there),
            role: text(&["role"]),
            instance_profile: text(&["instanceProfile"]),
            family: text(&["amiFamily"]).and_then(|said| said.value.as_literal().map(Into::into)),
            ..Class::default()
        };
        if class.role.is_some()
            && let Some(profile) = &class.instance_profile
        {
            let help = "spec.role: Karpenter makes the profile; spec.instanceProfile: it is there";
            let message = "an EC2NodeClass has `role` or `instanceProfile`, not both";
            self.error(profile.span, message, Some(help.to_owned()));
        }
        if let Some(tags) = get(spec, "tags") {
            let pairs = tags.entries().iter().filter_map(|entry| {
                let value = scalar(&entry.value)?;
                let key = Said { value: Written::of(&entry.key), span: entry.key.span };
                Some((key, value.value))
            });
            class.tags = pairs.filter(|(key, _)| key.value.as_literal() != Some("<<")).collect();
        }
        self.images(spec, beta, &mut class);
        devices(spec, &mut class);
        launch(spec, &mut class);
        self.selectors(spec, &mut class);
        self.out.classes.push(class);
    }

    fn images(&mut self, spec: &Node, beta: bool, class: &mut Class) {
        let terms = get(spec, "amiSelectorTerms").map(Node::items).unwrap_or_default();
        // Before 1.0 the family is looked up where no term says otherwise; from 1.0 on something else does.
        class.alias = terms.is_empty();
        let mut all_ids = !terms.is_empty();
        for term in terms {
            let said = |key: &str| get(term, key).and_then(scalar).filter(is_there);
            class.ssm_parameters.extend(said("ssmParameter"));
            match said("id") {
                Some(id) => class.images.push(id),
                None => all_ids = false,
            }
            let Some(alias) = said("alias") else { continue };
            class.alias = true;
            let Some(text) = alias.value.as_literal() else { continue };
            let (family, release) = text.split_once('@').unwrap_or((text, ""));
            let known = FAMILIES.iter().find(|known| known.to_lowercase() == family);
            match known {
                Some(known) if !release.is_empty() => {
                    class.family.get_or_insert_with(|| (*known).to_owned());
                }
                Some(_) => {
                    let help = format!("write `{family}@latest`, or pin a version");
                    let message = format!("the alias `{family}` lacks a version");
                    self.error(alias.span, message, Some(help));
                }
                None => {
                    let lower: Vec<String> =
                        FAMILIES.iter().map(|known| known.to_lowercase()).collect();
                    let help = nearest_word(family, lower.iter().map(String::as_str)).map_or_else(
                        || format!("known: {}", lower.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    );
                    let message = format!("`{}` is not an AMI family of an alias", cut(family));
                    self.error(alias.span, message, Some(help));
                }
            }
        }
        if !all_ids {
            class.images.clear();
        }
        if class.family.is_none() && !beta && !terms.is_empty() {
            class.family = Some("Custom".to_owned());
        }
    }

    fn selectors(&mut self, spec: &Node, class: &mut Class) {
        if let Some(terms) = get(spec, "capacityReservationSelectorTerms")
            && let Some(entry) = spec.entry("capacityReservationSelectorTerms")
            && !terms.items().is_empty()
        {
            let ids: Option<Vec<Written>> =
                terms.items().iter().map(|term| Some(scalar(get(term, "id")?)?.value)).collect();
            let value = ids.unwrap_or_default();
            class.reservations = Some(Said { value, span: entry.key.span });
        }
        if let Some(entry) = spec.entry("placementGroupSelector")
            && !entry.value.entries().is_empty()
        {
            let name = get(&entry.value, "name").and_then(scalar).map(|said| said.value);
            class.placement_group = Some(Said { value: name, span: entry.key.span });
        }
    }
}

fn is_there(said: &Said<Written>) -> bool {
    !said.value.0.is_empty()
}

/// Block devices: keys, snapshots, encryption. What a mapping leaves open, the account decides.
fn devices(spec: &Node, class: &mut Class) {
    let Some(mappings) = get(spec, "blockDeviceMappings") else { return };
    let mut encrypted: Vec<Option<Said<bool>>> = Vec::new();
    for mapping in mappings.items() {
        let Some(ebs) = get(mapping, "ebs") else { continue };
        let said = |key: &str| get(ebs, key).and_then(scalar).filter(is_there);
        class.kms_keys.extend(said("kmsKeyID"));
        class.snapshots.extend(said("snapshotID"));
        encrypted.push(get(ebs, "encrypted").and_then(boolean));
    }
    let span = mappings.span;
    let off = encrypted.iter().flatten().find(|said| !said.value);
    let value = match off {
        Some(off) => Some((vec!["false"], off.span)),
        None if encrypted.iter().any(Option::is_none) => Some((vec!["true", "false"], span)),
        None => None,
    };
    if let Some((words, span)) = value {
        let value = words.into_iter().map(Written::literal).collect();
        class.launch.insert("ebs_encrypted", Said { value, span });
    }
}

/// What the launch template carries otherwise than by default.
fn launch(spec: &Node, class: &mut Class) {
    for (field, placeholder) in [
        ("httpTokens", "metadata_http_tokens"),
        ("httpEndpoint", "metadata_http_endpoint"),
        ("httpPutResponseHopLimit", "metadata_hop_limit"),
    ] {
        if let Some(said) = at(spec, &["metadataOptions", field]).and_then(scalar)
            && is_there(&said)
        {
            let said = Said { value: vec![said.value], span: said.span };
            class.launch.insert(placeholder, said);
        }
    }
}
