mod facts;
mod refused;

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::policy::request::{Key, Presence, Seen, Target, Values};
use crate::policy::symbolic::{Class, Shape, Symbolic, Symbols};
use crate::settings::{CapacityType, Feature, Installation, Settings};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// Settings with a value for everything that can have one, and on-demand capacity only.
fn settings(karpenter: &str) -> Settings {
    let installation = Installation {
        partition: "aws".into(),
        region: "us-west-2".into(),
        account: "111122223333".into(),
        cluster: "demo".into(),
        node_roles: vec!["arn:aws:iam::111122223333:role/Node".into()],
        queue: None,
        capacity_types: vec![CapacityType::OnDemand],
        spot_assumed: false,
        node_pools: vec!["general".into()],
        node_classes: vec!["default".into()],
        node_class_tags: Vec::new(),
        ssm_parameters: Vec::new(),
        kms_keys: Vec::new(),
        snapshot_ids: Vec::new(),
        instance_profile: None,
        facts: crate::settings::facts::Facts::default(),
        features: BTreeSet::new(),
        upgraded_from: None,
        context: Vec::new(),
    };
    Settings::new(version(karpenter), installation)
}

fn needed(settings: &Settings) -> Vec<Need<'static>> {
    needs(Rules::builtin(), settings, &mut Symbols::new())
}

fn ids(settings: &Settings) -> Vec<String> {
    needed(settings).iter().map(|need| need.rule.id.to_string()).collect()
}

/// The entries of a request for an action on a resource type.
fn entries(
    settings: &Settings,
    id: &str,
    action: &str,
    resource_type: &str,
) -> Vec<Entry<'static>> {
    let needs = needed(settings);
    let need =
        needs.iter().find(|need| need.rule.id == *id).unwrap_or_else(|| panic!("no request {id}"));
    let wanted = |entry: &&Entry<'_>| {
        &*entry.request.action == action && entry.resource_type == resource_type
    };
    need.entries.iter().filter(wanted).cloned().collect()
}

fn seen(entry: &Entry<'_>, key: &str) -> String {
    let key = Key::from(key);
    let show = |value: &Symbolic| value.as_literal().unwrap_or("?").to_owned();
    match entry.request.context.seen(&key) {
        Seen::Known(Values::One(value)) => show(value),
        Seen::Known(Values::OneOf(values)) => values.iter().map(show).collect::<Vec<_>>().join("|"),
        Seen::Known(Values::Many(values)) => values.iter().map(show).collect::<Vec<_>>().join(","),
        other => format!("{:?}", other.presence()).to_lowercase(),
    }
}

fn arns(entries: &[Entry<'_>]) -> Vec<String> {
    let arn = |entry: &Entry<'_>| match &entry.request.resource {
        Target::Any => "*".to_owned(),
        Target::Arn(arn) => arn.as_literal().unwrap_or("?").to_owned(),
    };
    entries.iter().map(arn).collect()
}

// --- The data as a whole ---------------------------------------------------------------------------

#[test]
fn everything_is_there() {
    let rules = Rules::builtin();
    assert_eq!(rules.requests().len(), 76);
    assert_eq!(rules.requests().iter().map(|request| request.entries.len()).sum::<usize>(), 244);
    assert_eq!(rules.minors.len(), 21);
    let ids: BTreeSet<&str> = rules.requests().iter().map(|request| &*request.id).collect();
    assert_eq!(ids.len(), 76);
}

#[test]
fn every_action_exists() {
    for request in Rules::builtin().requests() {
        for action in request.entries.iter().map(|entry| &entry.action).chain([&request.call]) {
            let (service, name) = action.split_once(':').unwrap();
            assert_eq!(crate::aws::action_name(service, name), Some(name), "{action}");
        }
    }
}

#[test]
fn every_placeholder_is_used() {
    let rules = Rules::builtin();
    let mut used = BTreeSet::new();
    let mut texts: Vec<&Template> = Vec::new();
    for entry in rules.requests().iter().flat_map(|request| &request.entries) {
        texts.extend(&entry.resource);
        texts.extend(entry.context.iter().flat_map(|(_, values)| values));
    }
    texts.extend(
        rules.tag_sets.iter().flat_map(|set| set.tags.iter().flat_map(|(key, value)| [key, value])),
    );
    for global in &rules.globals {
        texts.extend(match &global.status {
            GlobalStatus::Value(value) => Some(value),
            _ => None,
        });
    }
    for placeholder in &rules.placeholders {
        let sources =
            placeholder.by_version.iter().map(|(_, source)| source).chain([&placeholder.source]);
        texts.extend(sources.filter_map(|source| match source {
            rules::template::Source::Text(text) => Some(text),
            _ => None,
        }));
    }
    for text in texts {
        text.holes(&mut used);
    }
    let unused = (0..rules.placeholders.len())
        .filter(|place| !used.contains(&u8::try_from(*place).unwrap()));
    let unused: Vec<&str> = unused.map(|place| &*rules.placeholders[place].name).collect();
    assert_eq!(unused, [""; 0]);
}

/// Every release of every minor has each line of forms at most once, and in order.
#[test]
fn one_form_of_a_request_at_a_time() {
    let rules = Rules::builtin();
    for minor in &rules.minors {
        for patch in 0..=minor.newest.patch {
            let now = Version { patch, ..minor.newest };
            let mut forms: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for request in rules.requests().iter().filter(|request| request.versions.contain(now)) {
                let line = request
                    .id
                    .strip_suffix(".v0")
                    .or(request.id.strip_suffix(".v10"))
                    .or(request.id.strip_suffix(".v183"));
                forms.entry(line.unwrap_or(&request.id)).or_default().push(&request.id);
            }
            let twice: Vec<_> = forms.values().filter(|forms| forms.len() > 1).collect();
            assert!(twice.is_empty(), "{now}: {twice:?}");
        }
    }
}

#[test]
fn validation_runs_in_order() {
    let calls = |karpenter| {
        let needs = needed(&settings(karpenter));
        let of = needs.iter().filter(|need| need.rule.phase == Phase::Validation);
        of.map(|need| format!("{}{}", need.rule.call, if need.rule.dry_run { "?" } else { "" }))
            .collect::<Vec<_>>()
    };
    assert_eq!(calls("1.2.8"), [""; 0]);
    for generation_a in ["1.3.0", "1.3.1", "1.3.4", "1.4.0", "1.5.4", "1.6.3"] {
        let expected = ["ec2:CreateFleet?", "ec2:CreateLaunchTemplate?", "ec2:RunInstances?"];
        assert_eq!(calls(generation_a), expected, "{generation_a}");
    }
    for generation_b in ["1.3.5", "1.4.1", "1.5.5", "1.6.4", "1.7.0", "1.14.1"] {
        let expected = ["ec2:CreateLaunchTemplate", "ec2:CreateFleet?", "ec2:RunInstances?"];
        assert_eq!(calls(generation_b), expected, "{generation_b}");
    }
    let phases: Vec<Phase> =
        needed(&settings("1.14.1")).iter().map(|need| need.rule.phase).collect();
    let first = |phase| phases.iter().position(|known| *known == phase).unwrap();
    assert!(first(Phase::Startup) < first(Phase::Steady));
    assert!(first(Phase::Validation) < first(Phase::Launch));
    assert!(first(Phase::Launch) < first(Phase::Terminate));
}

// --- Versions --------------------------------------------------------------------------------------

#[test]
fn releases() {
    let rules = Rules::builtin();
    let resolve = |text: &str| match rules.resolve(text) {
        Ok(Release { version, note: None }) => version.to_string(),
        Ok(Release { version, note: Some(note) }) => format!("{version}: {note}"),
        Err(error) => format!("error: {} ({})", error.message, error.help.unwrap_or_default()),
    };
    assert_eq!(resolve("1.4"), "1.4.4");
    assert_eq!(resolve("v1.4.2"), "1.4.2");
    assert_eq!(resolve("1.4.2"), "1.4.2");
    assert_eq!(resolve("latest"), "1.14.1");
    assert_eq!(resolve("0.32"), "0.32.10");
    assert_eq!(resolve("1.2"), "1.2.8");
    assert_eq!(resolve("1.6"), "1.6.8");
    assert_eq!(resolve("1.12"), "1.12.2");
    assert_eq!(
        resolve("1.15"),
        "1.14.1: Karpenter 1.15 is newer than this data, checked as 1.14.1"
    );
    assert_eq!(
        resolve("2.0.0"),
        "1.14.1: Karpenter 2.0.0 is newer than this data, checked as 1.14.1"
    );
    assert!(resolve("1.4.9").starts_with("1.4.4: Karpenter 1.4.9 is newer than this data"));
    assert!(resolve("0.31.4").starts_with("error: Karpenter 0.31.4 is not supported (the oldest"));
    assert!(
        resolve("0.34.4").starts_with("error: Karpenter 0.34.4 was never released (the newest")
    );
    assert!(
        resolve("0.38").starts_with(
            "error: there is no Karpenter 0.38 (the minor before it ended with 0.37.8"
        )
    );
    for bad in [
        "",
        "1",
        "1.",
        "1.4.",
        "1.4.2.1",
        "one",
        "+1.4",
        "1.-4",
        "99999999999.1",
        "1.4.2-rc1",
        "vv1.4",
    ] {
        assert!(resolve(bad).starts_with("error: `"), "{bad}: {}", resolve(bad));
    }
}

#[test]
fn boundaries() {
    let has = |karpenter: &str, id: &str| ids(&settings(karpenter)).iter().any(|known| known == id);
    for (id, there, gone) in [
        ("validation.create-fleet.mock", "1.3.4", "1.3.5"),
        ("validation.create-fleet.mock", "1.4.0", "1.4.1"),
        ("validation.create-fleet.mock", "1.6.3", "1.6.4"),
        ("validation.create-fleet", "1.3.5", "1.3.4"),
        ("validation.create-fleet", "1.6.4", "1.6.3"),
        ("validation.run-instances.inline", "1.4.0", "1.4.1"),
        ("profile.delete.v183", "1.8.3", "1.8.2"),
        ("profile.list.gc", "1.8.2", "1.8.3"),
        ("instancetypes.zones", "0.32.3", "0.32.4"),
        ("instancetypes.zones", "0.33.0", "0.33.1"),
        ("profile.get.on-delete", "0.32.1", "0.32.2"),
        ("pricing.spot", "0.35.12", "0.36.0"),
        ("instances.status", "1.12.0", "1.11.3"),
    ] {
        assert!(has(there, id) && !has(gone, id), "{id}: {there}, not {gone}");
    }
    let quiet = |karpenter: &str| {
        let mut settings = settings(karpenter);
        settings.features.insert(Feature::DisableDryRun);
        !ids(&settings).iter().any(|id| id.starts_with("validation."))
    };
    assert!(!quiet("1.6.1") && quiet("1.6.2") && quiet("1.6.3") && quiet("1.6.4"));
    assert!(!quiet("1.3.8") && !quiet("1.5.8"));
}

#[test]
fn failures_by_version() {
    let rules = Rules::builtin();
    let failure = |id: &str, at: &str| rules.request(id).unwrap().failure(version(at));
    let run = failure("validation.run-instances", "1.4.4");
    assert_eq!(run.condition.as_deref(), Some("ValidationSucceeded=False"));
    assert_eq!(run.reason.as_deref(), Some("RunInstancesAuthCheckFailed"));
    assert_eq!(
        run.message.as_deref(),
        Some("Controller isn't authorized to call ec2:RunInstances")
    );
    assert_eq!(
        failure("nodeclass.cluster-cidr", "1.4.0").reason.as_deref(),
        Some("NodeClassNotReady")
    );
    assert_eq!(
        failure("nodeclass.cluster-cidr", "1.4.1").reason.as_deref(),
        Some("ClusterCIDRResolutionFailed")
    );
    assert_eq!(failure("launch.create-fleet", "1.1.0").reason, None);
    assert_eq!(failure("launch.create-fleet", "1.2.0").reason.as_deref(), Some("Unauthorized"));
    let cause = |at: &str| {
        rules.cause(rules.request("validation.run-instances").unwrap(), version(at)).is_some()
    };
    assert!(!cause("1.12.2") && cause("1.13.0"));
    for request in rules.requests() {
        for minor in &rules.minors {
            for patch in 0..=minor.newest.patch {
                let now = Version { patch, ..minor.newest };
                let told = request.failure(now);
                let silent = told.condition.is_none() && told.symptom.is_none();
                assert!(!(request.versions.contain(now) && silent), "{} in {now}", request.id);
            }
        }
    }
}

// --- Contexts --------------------------------------------------------------------------------------

#[test]
fn a_launched_instance() {
    let found = entries(&settings("1.4.4"), "launch.run-instances", "ec2:RunInstances", "instance");
    let [entry] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(arns(&found), ["arn:aws:ec2:us-west-2:111122223333:instance/*"]);
    for (key, expected) in [
        ("aws:RequestTag/kubernetes.io/cluster/demo", "owned"),
        ("aws:RequestTag/karpenter.sh/nodepool", "general"),
        ("aws:requesttag/EKS:eks-cluster-name", "demo"),
        ("aws:RequestTag/team", "absent"),
        ("aws:ResourceTag/karpenter.sh/nodepool", "absent"),
        ("ec2:ResourceTag/karpenter.sh/nodepool", "absent"),
        ("aws:RequestedRegion", "us-west-2"),
        ("ec2:Region", "us-west-2"),
        ("ec2:MetadataHttpTokens", "required"),
        ("ec2:MetadataHttpPutResponseHopLimit", "1"),
        ("ec2:AvailabilityZone", "unknown"),
        ("ec2:Vpc", "absent"),
        ("ec2:CreateAction", "absent"),
        ("iam:PassedToService", "absent"),
        ("aws:SecureTransport", "true"),
        ("aws:PrincipalAccount", "111122223333"),
        ("aws:username", "absent"),
        ("aws:PrincipalTag/team", "unknown"),
        ("aws:SourceVpc", "unknown"),
        ("aws:ViaAWSService", "unknown"),
        ("nonsense:Key", "absent"),
    ] {
        assert_eq!(seen(entry, key), expected, "{key}");
    }
    let keys = seen(entry, "aws:TagKeys");
    assert_eq!(keys.split(',').count(), 4, "{keys}");
}

#[test]
fn tags_of_the_node_class() {
    let mut settings = settings("1.4.4");
    let tags = [("team", "a"), ("Name", "x"), ("karpenter.sh/nodepool", "mine")];
    settings.node_class_tags =
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let volume = &entries(&settings, "launch.run-instances", "ec2:CreateTags", "volume")[0];
    assert_eq!(seen(volume, "aws:RequestTag/team"), "a");
    assert_eq!(seen(volume, "aws:RequestTag/karpenter.sh/nodepool"), "general");
    assert_eq!(seen(volume, "ec2:CreateAction"), "RunInstances");
    assert_eq!(seen(volume, "aws:TagKeys").split(',').count(), 6);
    // A Name that is there is not written again, and stays.
    let named = &entries(&settings, "nodeclaim.tagging", "ec2:CreateTags", "instance")[0];
    assert_eq!(seen(named, "aws:TagKeys"), "karpenter.sh/nodeclaim");
    assert_eq!(seen(named, "aws:ResourceTag/team"), "a");
    assert_eq!(seen(named, "ec2:ResourceTag/team"), "a");
    assert_eq!(seen(named, "aws:ResourceTag/other"), "unknown");
    assert_eq!(seen(named, "ec2:CreateAction"), "absent");
    let ended = entries(&settings, "terminate", "ec2:TerminateInstances", "instance");
    assert_eq!(seen(&ended[0], "aws:ResourceTag/Name"), "x");
    assert_eq!(seen(&ended[1], "aws:ResourceTag/Name"), "x");
    assert_eq!(seen(&ended[1], "aws:RequestTag/team"), "absent");
}

#[test]
fn the_validation_differs_from_the_launch() {
    let run = |karpenter, id, kind| {
        entries(&settings(karpenter), id, "ec2:RunInstances", kind)[0].clone()
    };
    let generation_b = run("1.6.4", "validation.run-instances", "instance");
    assert_eq!(seen(&generation_b, "aws:RequestTag/karpenter.sh/nodepool"), "");
    assert_eq!(seen(&generation_b, "ec2:MetadataHttpTokens"), "absent");
    let template = run("1.6.4", "validation.run-instances", "launch-template");
    assert_eq!(seen(&template, "aws:ResourceTag/karpenter.sh/nodepool"), "");
    assert_eq!(seen(&template, "ec2:MetadataHttpTokens"), "absent");
    assert_eq!(seen(&template, "aws:RequestTag/karpenter.sh/nodepool"), "absent");
    let generation_a = run("1.6.3", "validation.run-instances.inline", "instance");
    assert_eq!(seen(&generation_a, "ec2:MetadataHttpTokens"), "required");
    assert_eq!(
        seen(&run("1.4.0", "validation.run-instances.inline", "instance"), "ec2:InstanceType"),
        "m5.large|m6g.large"
    );
    assert_eq!(
        seen(&run("1.3.1", "validation.run-instances.1-3-1", "volume"), "ec2:Encrypted"),
        "false"
    );
    let mock = entries(
        &settings("1.6.3"),
        "validation.create-fleet.mock",
        "ec2:CreateFleet",
        "launch-template",
    );
    assert!(mock[0].optional && mock[0].disputed.is_some());
    assert_eq!(seen(&mock[0], "aws:ResourceTag/karpenter.sh/nodepool"), "absent");
}

#[test]
fn describe_calls_have_no_tags() {
    let found = &entries(&settings("1.4.4"), "nodeclass.subnets", "ec2:DescribeSubnets", "")[0];
    assert_eq!(found.request.resource, Target::Any);
    assert_eq!(seen(found, "aws:ResourceTag/any"), "absent");
    assert_eq!(seen(found, "aws:TagKeys"), "absent");
    assert_eq!(seen(found, "ec2:Region"), "us-west-2");
    let subnet =
        &entries(&settings("1.4.4"), "launch.create-fleet", "ec2:CreateFleet", "subnet")[0];
    assert_eq!(seen(subnet, "aws:ResourceTag/any"), "unknown");
    assert_eq!(seen(subnet, "ec2:Vpc"), "unknown");
}

#[test]
fn what_is_sent_in_turn() {
    let mut settings = settings("1.4.4");
    settings.node_pools = vec!["a".into(), "b".into()];
    settings.node_classes = vec!["x".into(), "y".into()];
    settings.node_roles = vec!["arn:aws:iam::1:role/a".into(), "arn:aws:iam::1:role/b".into()];
    let instance = entries(&settings, "launch.run-instances", "ec2:RunInstances", "instance");
    let sent: Vec<_> =
        instance.iter().map(|entry| seen(entry, "aws:RequestTag/karpenter.sh/nodepool")).collect();
    assert_eq!(sent, ["a", "a", "b", "b"]);
    assert_eq!(entries(&settings, "launch.run-instances", "ec2:RunInstances", "subnet").len(), 1);
    let roles = entries(&settings, "launch.run-instances", "iam:PassRole", "role");
    assert_eq!(arns(&roles), ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b"]);
    assert_eq!(
        entries(&settings, "validation.run-instances", "ec2:RunInstances", "instance").len(),
        2
    );
}

#[test]
fn features_and_facts() {
    let mut settings = settings("1.12.2");
    settings.ssm_parameters = vec![
        "/my/ami".into(),
        "arn:aws:ssm:us-west-2:9:parameter/x".into(),
        "/aws/service/y".into(),
    ];
    settings.kms_keys = vec!["arn:aws:kms:us-west-2:1:key/k".into()];
    settings.snapshot_ids = vec!["snap-1".into()];
    settings.queue = Some("arn:aws:sqs:us-west-2:111122223333:q".into());
    settings.features.extend(Feature::ALL);
    settings.features.remove(&Feature::DisableDryRun);
    settings.capacity_types.extend([CapacityType::Spot, CapacityType::Reserved]);
    settings.spot_assumed = true;
    let parameters = entries(&settings, "nodeclass.ssm-custom", "ssm:GetParameter", "parameter");
    assert_eq!(
        arns(&parameters),
        [
            "arn:aws:ssm:us-west-2:111122223333:parameter/my/ami",
            "arn:aws:ssm:us-west-2:9:parameter/x",
            "arn:aws:ssm:us-west-2::parameter/aws/service/y",
        ]
    );
    let run = |action, kind| entries(&settings, "launch.run-instances", action, kind);
    assert_eq!(arns(&run("kms:Decrypt", "key")), ["arn:aws:kms:us-west-2:1:key/k"]);
    assert_eq!(
        seen(&run("kms:CreateGrant", "key")[0], "kms:ViaService"),
        "ec2.us-west-2.amazonaws.com"
    );
    let snapshot = run("ec2:RunInstances", "snapshot");
    assert_eq!(arns(&snapshot), ["arn:aws:ec2:us-west-2::snapshot/snap-1"]);
    assert!(!snapshot[0].optional);
    assert!(!run("iam:CreateServiceLinkedRole", "role")[0].optional);
    assert_eq!(
        run("ec2:RunInstances", "spot-instances-request")[0].assumed,
        Some("capacity-types")
    );
    assert_eq!(run("ec2:RunInstances", "instance")[0].assumed, None);
    assert!(!run("ec2:RunInstances", "capacity-reservation")[0].optional);
    assert_eq!(run("ec2:RunInstances", "placement-group").len(), 1);
    assert_eq!(
        arns(&entries(&settings, "interruption.receive", "sqs:ReceiveMessage", "queue")),
        ["arn:aws:sqs:us-west-2:111122223333:q"]
    );
    let all = ids(&settings);
    for absent in
        ["startup.cluster-endpoint", "pricing.on-demand", "profile.list", "profile.delete.v183"]
    {
        assert!(!all.iter().any(|id| id == absent), "{absent}");
    }
    for present in [
        "version.eks",
        "zonalshift.get-managed-resource",
        "nodeclass.capacity-reservations",
        "profile.create",
    ] {
        assert!(all.iter().any(|id| id == present), "{present}");
    }
    settings.instance_profile = Some("mine".into());
    assert!(!ids(&settings).iter().any(|id| id.starts_with("profile.create")));
    let instance = entries(&settings, "launch.run-instances", "ec2:RunInstances", "instance");
    assert_eq!(
        seen(&instance[0], "ec2:InstanceProfile"),
        "arn:aws:iam::111122223333:instance-profile/mine"
    );
}

#[test]
fn partitions_and_regions() {
    let mut settings = settings("1.4.4");
    let look = |settings: &Settings| {
        let pass =
            |id| seen(&entries(settings, id, "iam:PassRole", "role")[0], "iam:PassedToService");
        let region =
            |id, action, kind| seen(&entries(settings, id, action, kind)[0], "aws:RequestedRegion");
        [
            pass("launch.run-instances"),
            pass("profile.add-role.v10"),
            region("profile.add-role.v10", "iam:AddRoleToInstanceProfile", "instance-profile"),
            region("pricing.on-demand", "pricing:GetProducts", ""),
        ]
    };
    assert_eq!(
        look(&settings),
        ["ec2.amazonaws.com", "ec2.amazonaws.com", "us-east-1", "us-east-1"]
    );
    settings.region = "eu-west-1".into();
    assert_eq!(look(&settings)[3], "eu-central-1");
    (settings.partition, settings.region) = ("aws-cn".into(), "cn-north-1".into());
    assert_eq!(
        look(&settings),
        ["ec2.amazonaws.com.cn", "ec2.amazonaws.com", "cn-north-1", "cn-northwest-1"]
    );
    let mut symbols = Symbols::new();
    settings.partition = Symbolic::symbol(symbols.intern("AWS::Partition", Shape::ANY));
    settings.region =
        Symbolic::symbol(symbols.intern("AWS::Region", Shape::new(Class::Name, 5, 25)));
    let open = look(&settings);
    assert_eq!(open[0], "ec2.amazonaws.com");
    assert!(open[3].contains("us-east-1") && open[3].contains('|'), "{}", open[3]);
}

#[test]
fn upgraded_installations() {
    let mut settings = settings("1.7.6");
    let legacy = |settings: &Settings| {
        ids(settings).iter().filter(|id| id.contains("legacy") || id.contains("upgrade")).count()
    };
    assert_eq!(legacy(&settings), 0);
    settings.upgraded_from = Some(version("1.6.8"));
    assert_eq!(legacy(&settings), 2);
    settings.upgraded_from = Some(version("0.37.0"));
    assert_eq!(legacy(&settings), 3);
}

#[test]
fn given_context_keys() {
    let mut settings = settings("1.6.4");
    settings.context = vec![
        ("aws:SourceVpc".into(), "vpc-1".into()),
        ("ec2:Vpc".into(), "vpc-2".into()),
        ("ec2:MetadataHttpTokens".into(), "optional".into()),
        ("aws:username".into(), "someone".into()),
    ];
    let subnet = &entries(&settings, "launch.run-instances", "ec2:RunInstances", "subnet")[0];
    let instance = &entries(&settings, "launch.run-instances", "ec2:RunInstances", "instance")[0];
    assert_eq!(seen(subnet, "aws:SourceVpc"), "vpc-1");
    assert_eq!(seen(subnet, "ec2:Vpc"), "vpc-2");
    assert_eq!(seen(subnet, "aws:username"), "someone");
    // EC2 does not fill this key for an instance.
    assert_eq!(seen(instance, "ec2:Vpc"), "absent");
    assert_eq!(seen(instance, "ec2:MetadataHttpTokens"), "optional");
    let validation =
        &entries(&settings, "validation.run-instances", "ec2:RunInstances", "instance")[0];
    assert_eq!(seen(validation, "ec2:MetadataHttpTokens"), "absent");
}

/// Nothing of Karpenter's is taken for a hole of a template that happens to have the same name.
#[test]
fn symbols_of_their_own() {
    let mut symbols = Symbols::new();
    let hole = symbols.intern("subnet", Shape::ANY);
    let needs = needs(Rules::builtin(), &settings("1.4.4"), &mut symbols);
    let fleet = needs.iter().find(|need| need.rule.id == *"launch.create-fleet").unwrap();
    let subnet = fleet.entries.iter().find(|entry| entry.resource_type == "subnet").unwrap();
    let Target::Arn(arn) = &subnet.request.resource else { panic!() };
    assert_eq!(arn.display(&symbols), "arn:aws:ec2:us-west-2:111122223333:subnet/subnet-${subnet}");
    assert!(!arn.symbols().any(|symbol| symbol == hole));
}

/// The presence of a key is that of the facts' `semantics`: what AWS does not list is absent.
#[test]
fn only_listed_keys_are_open() {
    for minor in Rules::builtin().newest_of_minors() {
        for need in needed(&settings(&minor.to_string())) {
            for entry in &need.entries {
                let service = entry.request.action.split(':').next().unwrap();
                for key in crate::aws::service(service).unwrap().keys() {
                    let name = key.name.replace("${TagKey}", "x").replace("${AttributeName}", "x");
                    let listed =
                        crate::aws::keys_for(&entry.request.action, entry.resource_type).unwrap();
                    let listed = listed.iter().any(|known| known.matches(&name));
                    let seen = entry.request.context.seen(&name.as_str().into()).presence();
                    // Two keys of EC2 belong to the caller.
                    let caller = name.eq_ignore_ascii_case("ec2:SourceInstanceArn")
                        || name == "ec2:RoleDelivery";
                    if !listed && !caller && !name.starts_with("aws:") {
                        assert_eq!(
                            seen,
                            Presence::Absent,
                            "{} {} {name}",
                            need.rule.id,
                            entry.request.action
                        );
                    }
                }
            }
        }
    }
}
