//! Documents as text: JSON, CloudFormation, Terraform. What nobody gave is written as each form writes
//! what only the deployment knows.

mod cloudformation;
mod hcl;
mod json;
mod tree;
mod yaml;

pub use cloudformation::template;
pub use hcl::{Style as HclStyle, module};
pub(super) use json::numbered;
pub use json::{compact, document as json, documents as json_list};

use crate::order;
use crate::policy::symbolic::{Piece, Symbol, Symbolic};
use crate::settings::Settings;

use super::statement::{Document, arn_parts};

/// A value that a form has to name because nobody gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// The cluster's name.
    Cluster,
    /// The region.
    Region,
    /// The account.
    Account,
    /// The partition.
    Partition,
    /// The issuer of the cluster's tokens, without `https://`.
    Issuer,
    /// Something else that the settings hold.
    Other,
}

impl Name {
    /// All that can be asked for.
    pub const ALL: [Self; 5] =
        [Self::Cluster, Self::Region, Self::Account, Self::Partition, Self::Issuer];

    /// As a shell variable.
    #[must_use]
    pub fn shell(self) -> &'static str {
        match self {
            Self::Cluster => "CLUSTER_NAME",
            Self::Region => "AWS_REGION",
            Self::Account => "AWS_ACCOUNT_ID",
            Self::Partition => "AWS_PARTITION",
            Self::Issuer => "OIDC_PROVIDER",
            Self::Other => "UNKNOWN",
        }
    }

    /// As a Terraform variable, with what it is.
    #[must_use]
    pub fn variable(self) -> (&'static str, &'static str) {
        match self {
            Self::Cluster => ("cluster_name", "Name of the EKS cluster"),
            Self::Region => ("region", "Region of the cluster"),
            Self::Account => ("account_id", "Account of the cluster"),
            Self::Partition => ("partition", "Partition: aws, aws-cn, aws-us-gov, ..."),
            Self::Issuer => ("oidc_provider", "Issuer of the cluster's tokens, without https://"),
            Self::Other => ("unknown", ""),
        }
    }

    /// As CloudFormation knows it: its own, or a parameter.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Cluster => "ClusterName",
            Self::Region => "AWS::Region",
            Self::Account => "AWS::AccountId",
            Self::Partition => "AWS::Partition",
            Self::Issuer => "OidcProvider",
            Self::Other => "Unknown",
        }
    }

    /// The setting, as `rules/aws/quotas.toml` calls its length.
    #[must_use]
    pub fn setting(self) -> &'static str {
        match self {
            Self::Cluster => "cluster-name",
            Self::Region => "region",
            Self::Account => "account",
            Self::Partition => "partition",
            Self::Issuer | Self::Other => "name",
        }
    }

    /// The flag that gives it.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Cluster => "--cluster-name",
            Self::Region => "--region",
            Self::Account => "--account",
            Self::Partition => "--partition",
            Self::Issuer => "--oidc-provider",
            Self::Other => "karplint.toml",
        }
    }
}

/// What symbols stand for.
#[derive(Debug, Clone, Default)]
pub struct Names(Vec<(Symbol, Name)>);

impl Names {
    /// The symbols of the settings, and that of the issuer.
    #[must_use]
    pub fn new(settings: &Settings, issuer: &Symbolic) -> Self {
        let own = [
            (&settings.cluster, Name::Cluster),
            (&settings.region, Name::Region),
            (&settings.account, Name::Account),
            (&settings.partition, Name::Partition),
            (issuer, Name::Issuer),
        ];
        Self(own.iter().flat_map(|(text, name)| text.symbols().map(|one| (one, *name))).collect())
    }

    /// What a symbol stands for.
    #[must_use]
    pub fn of(&self, symbol: Symbol) -> Name {
        let found = self.0.iter().find(|(known, _)| known.id == symbol.id);
        found.map_or(Name::Other, |(_, name)| *name)
    }

    /// The text with each symbol as `write` says, and with `escape` around what is known.
    fn fill(
        &self,
        text: &Symbolic,
        escape: impl Fn(&str) -> String,
        write: impl Fn(Name) -> String,
    ) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => escape(text),
            Piece::Symbol(symbol) => write(self.of(*symbol)),
        };
        text.pieces().iter().map(piece).collect()
    }

    /// All that documents ask for, sorted.
    #[must_use]
    pub fn asked_by(&self, documents: &[Document]) -> Vec<Name> {
        let mut texts = Vec::new();
        documents.iter().for_each(|document| document.texts(&mut texts));
        self.asked(texts)
    }

    fn asked<'t>(&self, texts: impl IntoIterator<Item = &'t Symbolic>) -> Vec<Name> {
        let symbols = texts.into_iter().flat_map(Symbolic::symbols);
        let mut names: Vec<Name> = symbols.map(|symbol| self.of(symbol)).collect();
        order::sort(&mut names);
        names.dedup();
        names
    }
}

/// Queues go by their address, which is in their ARN.
fn queue_url(arn: &Symbolic) -> Symbolic {
    let parts = arn_parts(arn);
    let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
    let mut url = Symbolic::literal("https://sqs.");
    url.push(&part(3));
    let china = part(1).as_literal() == Some("aws-cn");
    url.push_str(if china { ".amazonaws.com.cn/" } else { ".amazonaws.com/" });
    url.push(&part(4));
    url.push_str("/");
    url.push(&part(5));
    url
}
