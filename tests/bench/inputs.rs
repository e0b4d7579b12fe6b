//! Inputs of any size, the same for the same seed.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::Path;

/// The numbers of one seed (SplitMix64).
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// The shipped policy of one release, for a cluster, account and region of its own.
pub(crate) fn policy(template: &str, numbers: &mut Numbers) -> String {
    const REGIONS: [&str; 6] =
        ["us-west-2", "us-east-1", "eu-central-1", "eu-west-1", "ap-south-1", "sa-east-1"];
    let name = format!("{:08x}-{}", numbers.below(1 << 32), numbers.below(100));
    let account = format!("{:012}", 100_000_000_000 + numbers.below(800_000_000_000));
    let region = REGIONS[numbers.below(6) as usize];
    template.replace("demo", &name).replace("111122223333", &account).replace("us-west-2", region)
}

/// `count` folders with a policy each, and among them `others` files that hold none; gives the bytes.
pub(crate) fn policies(folder: &Path, template: &str, count: usize, others: usize) -> u64 {
    let mut numbers = Numbers::new(7);
    let mut bytes = 0;
    for at in 0..count {
        let text = policy(template, &mut numbers);
        bytes += text.len() as u64;
        let own = folder.join(format!("team-{:02}/cluster-{at:05}", at % 50));
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("policy.json"), text).unwrap();
    }
    for at in 0..others {
        let own = folder.join(format!("team-{:02}/charts/{}", at % 50, at / 50 % 20));
        fs::create_dir_all(&own).unwrap();
        let text = match at % 3 {
            0 => format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{at}\ndata:\n  a: b\n"
            ),
            1 => format!("{{\"name\": \"p{at}\", \"dependencies\": {{\"x\": \"^1.{at}\"}}}}\n"),
            _ => format!("replicas: {at}\nimage:\n  tag: v{at}\n"),
        };
        let name = if at % 3 == 1 { "json" } else { "yaml" };
        fs::write(own.join(format!("{at}.{name}")), text).unwrap();
    }
    bytes
}

/// `count` Terraform modules, each with a policy of its own.
pub(crate) fn modules(folder: &Path, template: &str, count: usize) {
    let mut numbers = Numbers::new(8);
    for at in 0..count {
        let own = folder.join(format!("module-{at:04}"));
        fs::create_dir_all(&own).unwrap();
        let text = policy(template, &mut numbers).replace("${", "$${");
        let main = format!(
            "resource \"aws_iam_role\" \"karpenter\" {{\n  name = \"KarpenterController-{at}\"\n}}\n\n\
             resource \"aws_iam_role_policy\" \"karpenter\" {{\n  role   = aws_iam_role.karpenter.name\n  \
             policy = <<-EOT\n{text}  EOT\n}}\n"
        );
        fs::write(own.join("main.tf"), main).unwrap();
    }
}

/// A plan of about `bytes` bytes on one line, with ten policies in it.
pub(crate) fn plan(path: &Path, template: &str, bytes: u64) {
    let mut numbers = Numbers::new(9);
    let mut out = BufWriter::new(fs::File::create(path).unwrap());
    out.write_all(br#"{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{"root_module":{"resources":["#)
        .unwrap();
    let mut written = 0;
    let mut text = String::new();
    let mut policies = 0;
    let mut at = 0_u64;
    while written < bytes || policies < 10 {
        text.clear();
        if at > 0 {
            text.push(',');
        }
        if policies < 10 && written >= bytes / 10 * policies {
            let quoted = serde_json::to_string(&policy(template, &mut numbers)).unwrap();
            write!(
                text,
                r#"{{"address":"aws_iam_policy.karpenter_{policies}","mode":"managed","type":"aws_iam_policy","name":"karpenter_{policies}","provider_name":"registry.terraform.io/hashicorp/aws","schema_version":0,"values":{{"name":"KarpenterControllerPolicy-{policies}","policy":{quoted}}}}}"#
            )
            .unwrap();
            policies += 1;
        } else {
            write!(
                text,
                r#"{{"address":"aws_ssm_parameter.p[{at}]","mode":"managed","type":"aws_ssm_parameter","name":"p","index":{at},"provider_name":"registry.terraform.io/hashicorp/aws","schema_version":0,"values":{{"name":"/app/{:016x}","type":"String","value":"{:016x}{:016x}","tags":{{"team":"t{}","env":"prod"}},"tier":"Standard"}}}}"#,
                numbers.next(),
                numbers.next(),
                numbers.next(),
                numbers.below(40)
            )
            .unwrap();
        }
        out.write_all(text.as_bytes()).unwrap();
        written += text.len() as u64;
        at += 1;
    }
    out.write_all(b"]}},\"resource_changes\":[]}").unwrap();
    out.flush().unwrap();
}

/// `count` requests for `karplint simulate`, one a line, each with the whole policy.
pub(crate) fn requests(path: &Path, template: &str, count: usize) {
    let mut numbers = Numbers::new(10);
    let document: serde_json::Value =
        serde_json::from_str(&policy(template, &mut numbers)).unwrap();
    let mut out = BufWriter::new(fs::File::create(path).unwrap());
    for at in 0..count {
        let request = serde_json::json!({
            "PolicyInputList": [document],
            "ActionNames": ["ec2:RunInstances"],
            "ResourceArns": [format!("arn:aws:ec2:us-west-2:111122223333:subnet/subnet-{at:08x}")],
        });
        serde_json::to_writer(&mut out, &request).unwrap();
        out.write_all(b"\n").unwrap();
    }
    out.flush().unwrap();
}
