//! Which fields the kinds of Karpenter have, as far as they are read or a slip is likely, after the
//! custom resource definitions of v0.32.0 to v1.14.1 (pkg/apis/crds).

use super::{Reader, is_typed};
use crate::syntax::{Node, Value};
use crate::words::{cut, nearest_word};

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    /// Anything; it is not read.
    Any,
    /// Text.
    Text,
    /// One of these words.
    Word(&'static str, &'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Number,
    /// A map of texts.
    Texts,
    /// A list.
    List(&'static Type),
    /// A map with these fields.
    Fields(&'static str, &'static [Field]),
}

/// A field and what it holds.
pub(super) type Field = (&'static str, Type);

const SWITCH: &[&str] = &["enabled", "disabled"];
const FAMILIES: &[&str] = &[
    "AL2",
    "AL2023",
    "Bottlerocket",
    "Custom",
    "Ubuntu",
    "Windows2019",
    "Windows2022",
    "Windows2025",
];

const EBS: Type = Type::Fields(
    "ebs",
    &[
        ("deleteOnTermination", Type::Bool),
        ("encrypted", Type::Bool),
        ("iops", Type::Any),
        ("kmsKeyID", Type::Text),
        ("snapshotID", Type::Text),
        ("throughput", Type::Any),
        ("volumeInitializationRate", Type::Any),
        ("volumeSize", Type::Any),
        ("volumeType", Type::Any),
    ],
);

const BLOCK_DEVICE: Type = Type::Fields(
    "blockDeviceMappings",
    &[("deviceName", Type::Text), ("ebs", EBS), ("rootVolume", Type::Bool)],
);

const METADATA: Type = Type::Fields(
    "metadataOptions",
    &[
        ("httpEndpoint", Type::Word("state", SWITCH)),
        ("httpProtocolIPv6", Type::Word("state", SWITCH)),
        ("httpPutResponseHopLimit", Type::Number),
        ("httpTokens", Type::Word("state of tokens", &["required", "optional"])),
    ],
);

const IMAGE: Type = Type::Fields(
    "amiSelectorTerms",
    &[
        ("alias", Type::Text),
        ("id", Type::Text),
        ("name", Type::Text),
        ("owner", Type::Any),
        ("ssmParameter", Type::Text),
        ("tags", Type::Texts),
    ],
);

const IMAGE_BETA: Type = Type::Fields(
    "amiSelectorTerms",
    &[("id", Type::Text), ("name", Type::Text), ("owner", Type::Any), ("tags", Type::Texts)],
);

const RESERVATION: Type = Type::Fields(
    "capacityReservationSelectorTerms",
    &[
        ("id", Type::Text),
        ("instanceMatchCriteria", Type::Word("match", &["open", "targeted"])),
        ("ownerID", Type::Any),
        ("tags", Type::Texts),
    ],
);

const SELECTOR: Type = Type::Fields(
    "a selector term",
    &[("id", Type::Text), ("name", Type::Text), ("tags", Type::Texts)],
);

/// `spec` of an EC2NodeClass, v1.
pub(super) const NODE_CLASS: Type = Type::Fields(
    "EC2NodeClass",
    &[
        ("amiFamily", Type::Word("AMI family", FAMILIES)),
        ("amiSelectorTerms", Type::List(&IMAGE)),
        ("associatePublicIPAddress", Type::Bool),
        ("blockDeviceMappings", Type::List(&BLOCK_DEVICE)),
        ("capacityReservationSelectorTerms", Type::List(&RESERVATION)),
        ("connectionTracking", Type::Any),
        ("context", Type::Any),
        ("cpuOptions", Type::Any),
        ("detailedMonitoring", Type::Bool),
        ("instanceProfile", Type::Text),
        ("instanceStorePolicy", Type::Any),
        ("ipPrefixCount", Type::Any),
        ("kubelet", Type::Any),
        ("metadataOptions", METADATA),
        ("networkInterfaces", Type::Any),
        (
            "placementGroupSelector",
            Type::Fields("placementGroupSelector", &[("id", Type::Text), ("name", Type::Text)]),
        ),
        ("role", Type::Text),
        ("securityGroupSelectorTerms", Type::List(&SELECTOR)),
        ("subnetSelectorTerms", Type::List(&SELECTOR)),
        ("tags", Type::Texts),
        ("userData", Type::Any),
    ],
);

/// `spec` of an EC2NodeClass, v1beta1.
pub(super) const NODE_CLASS_BETA: Type = Type::Fields(
    "EC2NodeClass",
    &[
        ("amiFamily", Type::Word("AMI family", FAMILIES)),
        ("amiSelectorTerms", Type::List(&IMAGE_BETA)),
        ("associatePublicIPAddress", Type::Bool),
        ("blockDeviceMappings", Type::List(&BLOCK_DEVICE)),
        ("context", Type::Any),
        ("detailedMonitoring", Type::Bool),
        ("instanceProfile", Type::Text),
        ("instanceStorePolicy", Type::Any),
        ("metadataOptions", METADATA),
        ("role", Type::Text),
        ("securityGroupSelectorTerms", Type::List(&SELECTOR)),
        ("subnetSelectorTerms", Type::List(&SELECTOR)),
        ("tags", Type::Texts),
        ("userData", Type::Any),
    ],
);

const CLASS_REF: Type = Type::Fields(
    "nodeClassRef",
    &[("apiVersion", Type::Any), ("group", Type::Any), ("kind", Type::Any), ("name", Type::Text)],
);

const REQUIREMENT: Type = Type::Fields(
    "requirements",
    &[
        ("key", Type::Text),
        ("minValues", Type::Any),
        ("operator", Type::Word("known operator", &OPERATORS)),
        ("values", Type::Any),
    ],
);

const OPERATORS: [&str; 8] = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"];

const NODE_SPEC: Type = Type::Fields(
    "spec.template.spec",
    &[
        ("expireAfter", Type::Any),
        ("kubelet", Type::Any),
        ("nodeClassRef", CLASS_REF),
        ("requirements", Type::List(&REQUIREMENT)),
        ("resources", Type::Any),
        ("startupTaints", Type::Any),
        ("taints", Type::Any),
        ("terminationGracePeriod", Type::Any),
    ],
);

/// `spec` of a NodePool, v1 and v1beta1.
pub(super) const NODE_POOL: Type = Type::Fields(
    "NodePool",
    &[
        ("disruption", Type::Any),
        ("limits", Type::Any),
        ("replicas", Type::Any),
        (
            "template",
            Type::Fields("spec.template", &[("metadata", Type::Any), ("spec", NODE_SPEC)]),
        ),
        ("weight", Type::Any),
    ],
);

impl Reader<'_> {
    /// Whether a value has the type; every mistake is told with its place.
    pub(super) fn has_type(&mut self, node: &Node, wanted: Type, field: &str) -> bool {
        if matches!(node.value, Value::Null) {
            return true;
        }
        match wanted {
            Type::Any => true,
            Type::Text | Type::Word(..) | Type::Bool | Type::Number => {
                self.is_scalar(node, wanted, field)
            }
            Type::Texts => {
                let Value::Map(entries) = &node.value else {
                    return self.wrong(node, field, "a map of texts");
                };
                let mut right = true;
                for entry in entries.iter().filter(|entry| entry.key.as_literal() != Some("<<")) {
                    let key = entry.key.display();
                    right &= self.has_type(&entry.value, Type::Text, &key);
                }
                right
            }
            Type::List(of) => {
                let Value::List(items) = &node.value else {
                    return self.wrong(node, field, "a list");
                };
                let mut right = true;
                for item in items {
                    right &= self.has_type(item, *of, field);
                }
                right
            }
            Type::Fields(what, fields) => {
                let Value::Map(entries) = &node.value else {
                    return self.wrong(node, field, "a map");
                };
                let mut right = true;
                for entry in entries {
                    let Some(key) = entry.key.as_literal().filter(|key| *key != "<<") else {
                        continue;
                    };
                    match fields.iter().find(|(name, _)| *name == key) {
                        Some((name, of)) => right &= self.has_type(&entry.value, *of, name),
                        None => {
                            let near = nearest_word(key, fields.iter().map(|(name, _)| *name));
                            let help = near.map(|near| format!("did you mean `{near}`?"));
                            self.error(
                                entry.key.span,
                                format!("`{}` is not a field of {what}", cut(key)),
                                help,
                            );
                            right = false;
                        }
                    }
                }
                right
            }
        }
    }

    fn is_scalar(&mut self, node: &Node, wanted: Type, field: &str) -> bool {
        let (known, typed) = match &node.value {
            // What a placeholder stands for is not known, so it is not wrong.
            Value::String(text) if text.as_literal().is_none() => return true,
            Value::String(text) => (text.as_literal().unwrap_or_default(), is_typed(text)),
            Value::Bool(value) => (if *value { "true" } else { "false" }, true),
            Value::Number(text) => (&**text, true),
            _ => ("", false),
        };
        let is_text = node.as_text().is_some();
        match wanted {
            Type::Bool if typed && ["true", "false"].contains(&&*known.to_ascii_lowercase()) => {
                true
            }
            Type::Bool => self.wrong(node, field, "true or false, without quotes"),
            Type::Number if typed && known.parse::<i64>().is_ok() => true,
            Type::Number => self.wrong(node, field, "a number, without quotes"),
            Type::Word(what, words) => {
                if words.contains(&known) {
                    return true;
                }
                if !is_text {
                    return self.wrong(node, field, "a word");
                }
                let help = nearest_word(known, words.iter().copied())
                    .map(|near| format!("did you mean `{near}`?"))
                    .unwrap_or_else(|| format!("known: {}", words.join(", ")));
                let place = node.as_text().map_or(node.span, |text| text.span);
                self.error(place, format!("`{}` is not a {what}", cut(known)), Some(help));
                false
            }
            _ if typed => self.wrong(node, field, "text: write it in quotes"),
            _ if is_text => true,
            _ => self.wrong(node, field, "text"),
        }
    }

    fn wrong(&mut self, node: &Node, field: &str, wanted: &str) -> bool {
        self.error(node.span, format!("`{}` has to be {wanted}", cut(field)), None);
        false
    }
}
