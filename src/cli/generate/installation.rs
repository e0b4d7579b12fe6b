//! The installation that a policy is made for: what was given, and what follows from it.

use crate::error::Error;
use crate::generate::node_role_name;
use crate::karpenter::Version;
use crate::policy::symbolic::Symbolic;
use crate::settings::evidence::Evidence;
use crate::settings::given::Given;
use crate::settings::infer::{Resolved, infer};

/// An installation, and what was taken for granted.
pub(super) struct Installation {
    pub(super) resolved: Resolved,
    /// Lines for people.
    pub(super) notes: Vec<String>,
}

/// Settles what a policy has to name.
pub(super) fn settle(version: Version, given: &Given) -> Result<Installation, Error> {
    let mut given = given.clone();
    let mut notes = Vec::new();
    from_arns(&mut given);
    if given.partition.is_none()
        && let Some(region) = region(&given)
    {
        // A region lies in one partition.
        let partition = match region.as_str() {
            r if r.starts_with("cn-") => "aws-cn",
            r if r.starts_with("us-gov-") => "aws-us-gov",
            r if r.starts_with("us-isob-") => "aws-iso-b",
            r if r.starts_with("us-isof-") => "aws-iso-f",
            r if r.starts_with("eu-isoe-") => "aws-iso-e",
            r if r.starts_with("us-iso-") => "aws-iso",
            r if r.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        };
        given.partition = Some(partition.to_owned());
    }
    let mut resolved = infer(version, &given, &Evidence::default(), false);
    let settings = &mut resolved.settings;
    let own = [&settings.partition, &settings.region, &settings.account, &settings.cluster];
    let known: Vec<_> = own.iter().flat_map(|text| text.symbols()).collect();
    let open = |text: &Symbolic| text.symbols().any(|symbol| !known.contains(&symbol));
    if settings.node_roles.iter().any(open) {
        let manages = settings.instance_profile.is_none()
            && given.manifests.classes.iter().all(|class| class.instance_profile.is_none());
        if !manages {
            return Err(Error::usage(
                "an EC2NodeClass brings its own instance profile, and no file tells the role in it",
            )
            .with_help("--node-role ARN names the roles of nodes"));
        }
        let name = node_role_name(settings);
        let mut role = Symbolic::literal("arn:");
        role.push(&settings.partition);
        role.push_str(":iam::");
        role.push(&settings.account);
        role.push_str(":role/");
        role.push(&name);
        notes.push(format!(
            "assumed: the role of nodes is {}; --node-role ARN names another one",
            name.display(&resolved.symbols)
        ));
        settings.node_roles = vec![role];
    }
    if settings.queue.as_ref().is_some_and(open) {
        return Err(Error::usage("the interruption queue's name is a placeholder")
            .with_help("--interruption-queue takes its name or ARN"));
    }
    if settings.queue.is_none() && given.queue.is_none() {
        notes.push(
            "assumed: there is no interruption queue; --interruption-queue NAME adds what it needs"
                .to_owned(),
        );
    }
    if settings.spot_assumed {
        notes.push("assumed: on-demand and spot; --capacity-type says which".to_owned());
    }
    Ok(Installation { resolved, notes })
}

/// The region, wherever it was given.
fn region(given: &Given) -> Option<String> {
    let said = given.manifests.install.region.as_ref();
    let said = said.and_then(|said| said.value.as_literal()).map(str::to_owned);
    given.region.clone().or(said)
}

/// The ARNs that were given hold partition and account too.
fn from_arns(given: &mut Given) {
    let queue = given.queue.iter().filter(|queue| queue.starts_with("arn:"));
    let arns: Vec<String> = given.node_roles.iter().flatten().chain(queue).cloned().collect();
    for arn in arns {
        let part = |at: usize| arn.split(':').nth(at).filter(|part| !part.is_empty());
        if given.partition.is_none() {
            given.partition = part(1).map(str::to_owned);
        }
        let account = part(4).filter(|id| id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit()));
        if given.account.is_none() {
            given.account = account.map(str::to_owned);
        }
        if given.region.is_none() {
            given.region = part(3).map(str::to_owned);
        }
    }
}
