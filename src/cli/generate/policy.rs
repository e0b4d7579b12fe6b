//! `karplint generate policy`: the least policy for an installation, in the form that deploys it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args as ClapArgs, ValueEnum};

use crate::check::{managed_policy_limit, number, words};
use crate::error::Error;
use crate::generate::write::{self, HclStyle, Name, Names};
use crate::generate::{
    Document, DocumentKind, Generated, Trust, generate, node_role, queue_policy, trust_policy,
};
use crate::karpenter::Rules;
use crate::policy::symbolic::{Class, Shape, Symbolic};
use crate::report::escape;
use crate::settings::infer::Resolved;
use crate::source::SourceMap;

use super::super::Status;
use super::super::args::{CheckArgs, ConfigArgs, SettingsArgs};
use super::super::check::fail;
use super::super::plan::whole;
use super::installation::{Installation, settle};
use super::{against, files};

/// Arguments of `generate policy`.
#[derive(Debug, Clone, ClapArgs)]
pub struct PolicyArgs {
    /// Karpenter version: 1.4 (its newest patch), 1.4.2, v1.4.2, latest [default: from the
    /// manifests, else latest]
    #[arg(long, value_name = "VERSION", help_heading = "Installation")]
    pub karpenter: Option<String>,
    /// The installation.
    #[command(flatten)]
    pub settings: SettingsArgs,

    /// The form to write
    #[arg(long, value_enum, default_value_t, value_name = "FORM", help_heading = "Output")]
    pub format: Form,
    /// Several managed policies, with the names of upstream's template
    #[arg(long, help_heading = "Output")]
    pub split: bool,
    /// Also who may take the controller's role
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Output")]
    pub trust: Option<How>,
    /// Issuer of the cluster's tokens, or the provider's ARN, for `--trust irsa`
    #[arg(long, value_name = "URL|ARN", help_heading = "Output")]
    pub oidc_provider: Option<String>,
    /// Service account of the controller [default: that of Karpenter's documentation]
    #[arg(long, value_name = "NAMESPACE/NAME", help_heading = "Output")]
    pub service_account: Option<String>,
    /// Also the role of nodes, or the policy of the interruption queue (repeatable)
    #[arg(long, value_enum, value_name = "PART", help_heading = "Output")]
    pub with: Vec<Part>,
    /// Write files into this folder, one for each document, in place of standard output
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    pub dir: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long, help_heading = "Output", requires = "dir")]
    pub force: bool,
    /// Show what the policies of a file or folder lack of it, and what they allow beyond it (repeatable)
    #[arg(
        long,
        value_name = "PATH",
        help_heading = "Output",
        conflicts_with_all = ["split", "trust", "with", "dir", "format"]
    )]
    pub against: Vec<String>,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Forms of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// IAM JSON; a list with names, if there are several documents
    #[default]
    Json,
    /// A CloudFormation template in YAML
    Cloudformation,
    /// Terraform, with aws_iam_policy_document
    Terraform,
    /// Terraform, with jsonencode
    TerraformJsonencode,
}

/// How the controller's pod takes its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// IAM roles for service accounts
    Irsa,
    /// EKS Pod Identity
    PodIdentity,
}

/// What else can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The role of nodes, with the policies of AWS that it needs
    NodeRole,
    /// The policy of the interruption queue
    Queue,
}

/// Runs the command.
///
/// # Errors
/// Whatever the writers return.
pub(super) fn run(
    args: &PolicyArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    let sources = SourceMap::new();
    let as_check = CheckArgs {
        paths: args.against.clone(),
        karpenter: args.karpenter.clone(),
        settings: args.settings.clone(),
        config: args.config.clone(),
        ..CheckArgs::default()
    };
    let (rules, mut plan) = match whole(&as_check, &sources) {
        Ok(all) => all,
        Err(errors) => return fail(&errors, &sources, err),
    };
    if !args.against.is_empty() {
        return against::run(&as_check, &mut plan, &rules, &sources, out, err);
    }
    plan.settle_version(&[], &rules, &sources);
    let installation = match settle(plan.version, &plan.given) {
        Ok(installation) => installation,
        Err(error) => return fail(&[error], &sources, err),
    };
    let Installation { mut resolved, notes } = installation;
    for note in plan.notes.iter().chain(&notes) {
        writeln!(err, "{}", escape::line(note))?;
    }
    let (issuer, service_account) = match given(args, &mut resolved) {
        Ok(given) => given,
        Err(error) => return fail(&[error], &sources, err),
    };
    let names = Names::new(&resolved.settings, &issuer);
    let mut documents = policies(args, &rules, &resolved, &names, err)?;
    if let Some(how) = args.trust {
        let how = match how {
            How::Irsa => Trust::Irsa,
            How::PodIdentity => Trust::PodIdentity,
        };
        let account = service_account.as_ref().map(|(space, name)| (space.as_str(), name.as_str()));
        documents.push(trust_policy(&rules, &resolved.settings, how, &issuer, account));
    }
    if args.with.contains(&Part::NodeRole) {
        documents.push(node_role(&rules, &resolved.settings));
    }
    if args.with.contains(&Part::Queue) {
        match queue_policy(&resolved.settings) {
            Some(document) => documents.push(document),
            None => {
                let error = Error::usage("there is no interruption queue to make a policy for")
                    .with_help("--interruption-queue takes its name or ARN");
                return fail(&[error], &sources, err);
            }
        }
    }
    let open = names.asked_by(&documents);
    if args.format == Form::Json && documents.len() > 1 && !open.is_empty() && args.dir.is_none() {
        let flags: Vec<String> = open.iter().map(|name| name.flag().to_owned()).collect();
        let error = Error::usage("in a list of several documents nothing can be left open")
            .with_help(format!("give {}, or --dir for a file each", words::list(&flags, 5)));
        return fail(&[error], &sources, err);
    }
    placeholders(args.format, &open, err)?;
    let head = format!(
        "The least policy for Karpenter {}, made by karplint {}",
        plan.version,
        env!("CARGO_PKG_VERSION")
    );
    if args.format == Form::Json && args.dir.is_none() && documents.len() > 1 {
        out.write_all(write::json_list(&documents, &names).as_bytes())?;
        return Ok(Status::Clean);
    }
    let written = write(args.format, &documents, &names, &[head]);
    let Some(folder) = &args.dir else {
        for (_, text) in written {
            out.write_all(text.as_bytes())?;
        }
        return Ok(Status::Clean);
    };
    let files: Vec<(PathBuf, String)> =
        written.into_iter().map(|(name, text)| (folder.join(name), text)).collect();
    match files::write(&files, args.force) {
        Ok(()) => {
            for (path, _) in &files {
                writeln!(out, "{}", escape::line(&path.display().to_string()))?;
            }
            Ok(Status::Clean)
        }
        Err(error) => fail(&[error], &sources, err),
    }
}

/// The issuer of the cluster's tokens, and the service account.
type Given = (Symbolic, Option<(String, String)>);

fn given(args: &PolicyArgs, resolved: &mut Resolved) -> Result<Given, Error> {
    let account = match &args.service_account {
        None => None,
        Some(text) => {
            let parts = text.split_once('/').filter(|(space, name)| {
                !space.is_empty() && !name.is_empty() && !name.contains('/')
            });
            let Some((space, name)) = parts else {
                return Err(Error::usage(format!("`{text}` is not a service account"))
                    .with_help("write NAMESPACE/NAME: kube-system/karpenter"));
            };
            Some((space.to_owned(), name.to_owned()))
        }
    };
    let issuer = match &args.oidc_provider {
        Some(text) => {
            let issuer = text.strip_prefix("https://").unwrap_or(text);
            let issuer = issuer.split_once(":oidc-provider/").map_or(issuer, |(_, issuer)| issuer);
            let issuer = issuer.trim_end_matches('/');
            let host = issuer.split(['/', ':']).next().unwrap_or_default();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_/:".contains(c);
            if !host.contains('.') || !issuer.chars().all(is_plain) {
                let error = Error::usage(format!("`{text}` is not an OIDC provider"));
                return Err(error.with_help(
                    "write its address or its ARN: oidc.eks.us-west-2.amazonaws.com/id/EXAMPLE",
                ));
            }
            Symbolic::literal(issuer)
        }
        None => {
            let shape = Shape::new(Class::Path, 1, 200);
            Symbolic::symbol(Arc::make_mut(&mut resolved.symbols).fresh("oidc-provider", shape))
        }
    };
    Ok((issuer, account))
}

/// The policies of the controller: in parts where that is wanted, or one would be too long.
fn policies(
    args: &PolicyArgs,
    rules: &Rules,
    resolved: &Resolved,
    names: &Names,
    err: &mut dyn Write,
) -> io::Result<Vec<Document>> {
    let limit = managed_policy_limit();
    let make =
        |split| -> Generated<'_> { generate(rules, &resolved.settings, &resolved.symbols, split) };
    let size = |document: &Document| {
        write::compact(document, names, &|name| {
            usize::try_from(limit.likely(name.setting())).unwrap_or(0)
        })
        .chars()
        .count() as u64
    };
    let mut documents = make(args.split).documents;
    if !args.split
        && let Some(size) = documents.iter().map(size).max().filter(|size| *size > limit.most)
    {
        let (size, most) = (number(size), number(limit.most));
        writeln!(err, "split: one policy would have {size} characters, and AWS takes {most}")?;
        documents = make(true).documents;
    }
    if documents.len() > 1 {
        for document in &documents {
            let name = escape::line(&document.name.display(&resolved.symbols));
            let (size, most) = (number(size(document)), number(limit.most));
            writeln!(err, "{name}: {size} of {most} characters")?;
        }
    }
    Ok(documents)
}

/// Tells what has to be filled in.
fn placeholders(form: Form, open: &[Name], err: &mut dyn Write) -> io::Result<()> {
    for &name in open {
        let written = match form {
            Form::Json => format!("${{{}}}", name.shell()),
            Form::Cloudformation => format!("${{{}}}", name.parameter()),
            Form::Terraform | Form::TerraformJsonencode => format!("var.{}", name.variable().0),
        };
        // CloudFormation knows where it deploys.
        if form == Form::Cloudformation && written.contains("::") {
            continue;
        }
        if name != Name::Other {
            writeln!(err, "left open: {written}; {} gives it", name.flag())?;
        }
    }
    Ok(())
}

/// Files by name, or what takes their place on standard output.
fn write(
    form: Form,
    documents: &[Document],
    names: &Names,
    head: &[String],
) -> Vec<(String, String)> {
    let hcl =
        |style| vec![("karpenter.tf".to_owned(), write::module(documents, names, style, head))];
    match form {
        Form::Json => json(documents, names),
        Form::Cloudformation => {
            vec![("karpenter.yaml".to_owned(), write::template(documents, names, head))]
        }
        Form::Terraform => hcl(HclStyle::Document),
        Form::TerraformJsonencode => hcl(HclStyle::Jsonencode),
    }
}

fn json(documents: &[Document], names: &Names) -> Vec<(String, String)> {
    documents
        .iter()
        .map(|document| {
            let suffix = match document.kind {
                DocumentKind::Controller => "",
                DocumentKind::Trust | DocumentKind::Node => "-trust",
                DocumentKind::Queue => "KarpenterInterruptionQueuePolicy",
            };
            (format!("{}{suffix}.json", document.stem), write::json(document, names))
        })
        .collect()
}
