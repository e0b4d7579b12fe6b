use super::*;

#[test]
fn all_actions_are_found() {
    let mut count = 0;
    for service in services() {
        let mut last = String::new();
        for action in actions(service) {
            count += 1;
            assert_eq!(action_name(service, action), Some(action), "{service}");
            assert!(last < action.to_lowercase(), "{service}:{action} is out of order");
            last = action.to_lowercase();
        }
    }
    assert_eq!((services().count(), count), (456, 22091));
}

#[test]
fn actions_ignore_case() {
    assert!(action_exists("ec2", "RunInstances") && action_exists("EC2", "runinstances"));
    assert_eq!(action_name("ec2", "runInstances"), Some("RunInstances"));
    for wrong in ["", "RunInstance", "RunInstancesX", "\n", "a", "zzz", "é"] {
        assert!(!action_exists("ec2", wrong), "{wrong:?}");
    }
    assert!(!service_exists("ec3") && !service_exists("") && service_exists("sqs"));
    assert_eq!(actions("ec3").count(), 0);
}

#[test]
fn patterns_find_what_they_match() {
    for (pattern, expected) in [
        ("*", true),
        ("Describ*", true),
        ("describe*", true),
        ("Zzz*", false),
        ("Descirbe*", false),
        ("*Fleet", true),
        ("?unInstances", true),
        ("RunInstance", false),
        ("RunInstances", true),
        ("RunInstances?", false),
        ("A*", true),
        ("W*x", false),
    ] {
        assert_eq!(any_action_matches("ec2", pattern), expected, "{pattern}");
    }
    assert!(!any_action_matches("ec3", "*"));
    // The text of the catalogue is all that is searched: what a plain search finds, halving finds.
    for service in ["a2c", "ec2", "iam", "xray"] {
        for action in actions(service) {
            let front = action.get(..action.len() - 1).unwrap();
            assert!(any_action_matches(service, &format!("{front}*")), "{service}:{action}");
        }
    }
}

#[test]
fn the_catalogue_is_small() {
    let detailed: usize =
        size_of_val(tables().rows) + size_of_val(tables().actions) + size_of_val(tables().types);
    assert!(services().filter_map(lines).map(str::len).sum::<usize>() + detailed < 700_000);
}

#[test]
fn near_misses() {
    assert_eq!(nearest_action("ec2", "CreateFleets"), Some("CreateFleet"));
    assert_eq!(nearest_action("iam", "PasRole"), Some("PassRole"));
    assert_eq!(nearest_action("ec2", "FlyToTheMoon"), None);
    assert_eq!(nearest_service("ecc2"), Some("ec2"));
}

#[test]
fn every_service_reads() {
    let names: Vec<&str> = detailed_services().map(|service| service.name.text()).collect();
    let expected =
        ["arc-zonal-shift", "ec2", "eks", "events", "iam", "kms", "pricing", "sqs", "ssm", "sts"];
    assert_eq!(names, expected);
    for service in detailed_services() {
        let listed: Vec<&str> = service.actions().iter().map(|action| action.name.text()).collect();
        assert_eq!(listed, actions(&service.name).collect::<Vec<_>>());
        for action in service.actions() {
            assert!(service.action(&action.name.to_uppercase()).is_some());
            assert!(!action.access().is_empty());
        }
    }
}

#[test]
fn keys_of_actions() {
    let has = |action: &str, kind: &str, key: &str| {
        keys_for(action, kind).unwrap().iter().any(|known| known.matches(key))
    };
    assert!(has("ec2:RunInstances", "instance", "ec2:MetadataHttpTokens"));
    assert!(has("ec2:RunInstances", "instance", "aws:RequestTag/team"));
    assert!(!has("ec2:RunInstances", "launch-template", "ec2:MetadataHttpTokens"));
    assert!(!has("ec2:CreateFleet", "launch-template", "aws:RequestTag/team"));
    assert!(has("ec2:CreateFleet", "launch-template", "ec2:ResourceTag/team"));
    assert!(has("ec2:DescribeInstances", "", "ec2:Region"));
    assert!(!has("ec2:DescribeInstances", "", "aws:ResourceTag/team"));
    // IAM lists the keys of a resource with its type.
    assert!(has("iam:TagInstanceProfile", "instance-profile", "aws:ResourceTag/team"));
    assert!(has("iam:PassRole", "role", "iam:PassedToService"));
    assert!(keys_for("s3:GetObject", "object").is_none() && keys_for("ec2:Nothing", "").is_none());
    let (_, action) = authorization("ec2:TerminateInstances").unwrap();
    let rows: Vec<(&str, bool)> = action
        .rows()
        .iter()
        .map(|row| (row.resource_type().unwrap().name.text(), row.required))
        .collect();
    assert_eq!(rows, [("instance", true)]);
}

#[test]
fn keys_by_name() {
    assert_eq!(condition_key_type("aws:tagkeys"), Some(KeyType::ArrayOfString));
    assert_eq!(condition_key_type("EC2:encrypted"), Some(KeyType::Bool));
    assert_eq!(is_multivalued("aws:TagKeys"), Some(true));
    assert_eq!(is_multivalued("aws:RequestTag/team"), Some(false));
    assert_eq!(is_multivalued("nobody:Knows"), None);
    assert!(
        key_exists("aws:ResourceTag/karpenter.sh/nodepool") && key_exists("iam:passedtoservice")
    );
    assert!(
        !key_exists("aws:RequestTags/team")
            && !key_exists("ec2:Nonsense")
            && !key_exists("aws:RequestTag/")
    );
    assert!(
        key_is_judged("ec2:Nonsense") && !key_is_judged("s3:prefix") && !key_is_judged("nothing")
    );
    assert_eq!(key_display("aws:sourcevpc"), "aws:SourceVpc");
    assert_eq!(key_display("aws:requesttag/Team"), "aws:RequestTag/Team");
    assert_eq!(key_display("other:key"), "other:key");
    assert!(global_keys().any(|key| key == "aws:PrincipalOrgID"));
}

#[test]
fn types_of_arns() {
    let kind = |arn| {
        resource_type_of(arn).map(|(service, kind)| format!("{}:{}", service.name, kind.name))
    };
    assert_eq!(kind("arn:aws:ec2:us-west-2:1:instance/*").as_deref(), Some("ec2:instance"));
    assert_eq!(kind("arn:aws:ec2:*::image/ami-1").as_deref(), Some("ec2:image"));
    assert_eq!(kind("arn:aws:iam::1:role/a/b").as_deref(), Some("iam:role"));
    assert_eq!(kind("arn:aws:iam::1:instance-profile/x").as_deref(), Some("iam:instance-profile"));
    assert_eq!(kind("arn:aws:sqs:us-west-2:1:queue").as_deref(), Some("sqs:queue"));
    assert_eq!(kind("arn:aws:eks:us-west-2:1:cluster/demo").as_deref(), Some("eks:cluster"));
    assert_eq!(kind("arn:aws:ec2:us-west-2:1:nonsense/x"), None);
    assert_eq!(kind("*"), None);
    assert_eq!(kind("arn:aws:s3:::bucket"), None);
}
