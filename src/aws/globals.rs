//! Condition keys of AWS itself (IAM User Guide, *AWS global condition context keys*).

use super::KeyType;
use super::authorization::begins_like;

/// Name and type, as the guide spells them, in its order.
pub(super) static KEYS: &[(&str, KeyType)] = &[
    ("aws:PrincipalArn", KeyType::Arn),
    ("aws:PrincipalAccount", KeyType::String),
    ("aws:PrincipalOrgPaths", KeyType::ArrayOfString),
    ("aws:PrincipalOrgID", KeyType::String),
    ("aws:PrincipalTag/${TagKey}", KeyType::String),
    ("aws:PrincipalIsAWSService", KeyType::Bool),
    ("aws:PrincipalServiceName", KeyType::String),
    ("aws:PrincipalServiceNamesList", KeyType::ArrayOfString),
    ("aws:PrincipalType", KeyType::String),
    ("aws:userid", KeyType::String),
    ("aws:username", KeyType::String),
    ("aws:AssumedRoot", KeyType::Bool),
    ("aws:FederatedProvider", KeyType::String),
    ("aws:TokenIssueTime", KeyType::Date),
    ("aws:MultiFactorAuthAge", KeyType::Numeric),
    ("aws:MultiFactorAuthPresent", KeyType::Bool),
    ("aws:ChatbotSourceArn", KeyType::Arn),
    ("aws:Ec2InstanceSourceVpc", KeyType::String),
    ("aws:Ec2InstanceSourcePrivateIPv4", KeyType::IpAddress),
    ("aws:SourceIdentity", KeyType::String),
    ("ec2:RoleDelivery", KeyType::Numeric),
    ("ec2:SourceInstanceArn", KeyType::Arn),
    ("glue:RoleAssumedBy", KeyType::String),
    ("glue:CredentialIssuingService", KeyType::String),
    ("codebuild:BuildArn", KeyType::Arn),
    ("codebuild:ProjectArn", KeyType::Arn),
    ("lambda:SourceFunctionArn", KeyType::Arn),
    ("ssm:SourceInstanceArn", KeyType::Arn),
    ("identitystore:UserId", KeyType::String),
    ("aws:SourceIp", KeyType::IpAddress),
    ("aws:SourceVpc", KeyType::String),
    ("aws:SourceVpcArn", KeyType::Arn),
    ("aws:SourceVpce", KeyType::String),
    ("aws:VpceAccount", KeyType::String),
    ("aws:VpceOrgID", KeyType::String),
    ("aws:VpceOrgPaths", KeyType::ArrayOfString),
    ("aws:VpcSourceIp", KeyType::IpAddress),
    ("aws:ResourceAccount", KeyType::String),
    ("aws:ResourceOrgID", KeyType::String),
    ("aws:ResourceOrgPaths", KeyType::ArrayOfString),
    ("aws:ResourceTag/${TagKey}", KeyType::String),
    ("aws:CalledVia", KeyType::ArrayOfString),
    ("aws:CalledViaFirst", KeyType::String),
    ("aws:CalledViaLast", KeyType::String),
    ("aws:CalledViaAWSMCP", KeyType::String),
    ("aws:ViaAWSMCPService", KeyType::Bool),
    ("aws:ViaAWSService", KeyType::Bool),
    ("aws:CurrentTime", KeyType::Date),
    ("aws:EpochTime", KeyType::Date),
    ("aws:referer", KeyType::String),
    ("aws:RequestedRegion", KeyType::String),
    ("aws:RequestTag/${TagKey}", KeyType::String),
    ("aws:TagKeys", KeyType::ArrayOfString),
    ("aws:SecureTransport", KeyType::Bool),
    ("aws:SourceAccount", KeyType::String),
    ("aws:SourceArn", KeyType::Arn),
    ("aws:SourceOwner", KeyType::String),
    ("aws:SourceOrgID", KeyType::String),
    ("aws:SourceOrgPaths", KeyType::ArrayOfString),
    ("aws:UserAgent", KeyType::String),
    ("aws:IsMcpServiceAction", KeyType::Bool),
    ("aws:SignInSessionArn", KeyType::Arn),
];

/// The key, whatever its case; a variable part stands for any text that is not empty.
pub(super) fn find(key: &str) -> Option<(&'static str, KeyType)> {
    const VARIABLE: &str = "${TagKey}";
    let same = |name: &str| {
        if name.as_bytes().last() != Some(&b'}') {
            return name.eq_ignore_ascii_case(key);
        }
        begins_like(key, name.strip_suffix(VARIABLE).unwrap_or(name))
    };
    KEYS.iter().find(|(name, _)| same(name)).copied()
}
