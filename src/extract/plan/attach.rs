//! Which policies of a plan or state bind which of its roles: by name and ARN where these are known,
//! else by what the configuration refers to.

use super::config::{Config, Found, Reference, strip_indices};
use super::resources::Resource;
use crate::extract::{Attached, Extracted, Role, Unseen};
use crate::source::Span;
use crate::syntax::SyntaxError;
use crate::syntax::json::Lazy;

/// What has been found so far.
pub(super) struct Attachments<'a> {
    config: Config<'a>,
    roles: Vec<(Resource<'a>, usize)>,
    policies: Vec<(Resource<'a>, Option<usize>)>,
    links: Vec<Link<'a>>,
}

/// One attachment as written.
struct Link<'a> {
    /// The resource that says it.
    by: Resource<'a>,
    role: End<'a>,
    what: What<'a>,
}

/// One end of an attachment.
enum End<'a> {
    /// The role itself says it.
    Role(usize),
    /// A value that may be known, and the attribute it stands in.
    Value(Option<Lazy<'a>>, &'static str),
}

/// What is attached.
enum What<'a> {
    Document(usize),
    Policy(Option<Lazy<'a>>, &'static str),
    Boundary(Option<Lazy<'a>>),
    /// Several policies in one attribute, none of which is known.
    Policies(&'static str),
}

impl<'a> Attachments<'a> {
    pub(super) fn new(config: Config<'a>) -> Self {
        Self { config, roles: Vec::new(), policies: Vec::new(), links: Vec::new() }
    }

    /// `aws_iam_policy`.
    pub(super) fn policy(&mut self, resource: &Resource<'a>, document: Option<usize>) {
        self.policies.push((resource.clone(), document));
    }

    /// `aws_iam_role_policy`.
    pub(super) fn inline(&mut self, resource: &Resource<'a>, document: Option<usize>) {
        let what = match document {
            Some(document) => What::Document(document),
            // It binds the role though nobody can read it.
            None => What::Policy(None, ""),
        };
        self.link(resource, End::Value(resource.get("role"), "role"), what);
    }

    /// `aws_iam_role_policy_attachment`.
    pub(super) fn managed(&mut self, resource: &Resource<'a>) {
        let what = What::Policy(resource.get("policy_arn"), "policy_arn");
        self.link(resource, End::Value(resource.get("role"), "role"), what);
    }

    /// `aws_iam_role_policy_attachments_exclusive`: all managed policies of a role in one list.
    pub(super) fn exclusive(&mut self, resource: &Resource<'a>) -> Result<(), SyntaxError> {
        let role = || End::Value(resource.get("role_name"), "role_name");
        let policies = match resource.get("policy_arns") {
            Some(policies) => policies.items()?,
            None => Vec::new(),
        };
        for policy in policies.iter().filter(|policy| policy.is_string()) {
            self.link(resource, role(), What::Policy(Some(*policy), "policy_arns"));
        }
        if policies.is_empty() || !policies.iter().all(Lazy::is_string) {
            self.link(resource, role(), What::Policies("policy_arns"));
        }
        Ok(())
    }

    /// `aws_iam_policy_attachment`.
    pub(super) fn everywhere(&mut self, resource: &Resource<'a>) -> Result<(), SyntaxError> {
        let roles = match resource.get("roles") {
            Some(roles) => roles.items()?,
            None => Vec::new(),
        };
        let known: Vec<_> = roles.into_iter().filter(Lazy::is_string).collect();
        if known.is_empty() {
            let what = What::Policy(resource.get("policy_arn"), "policy_arn");
            self.link(resource, End::Value(None, "roles"), what);
        }
        for role in known {
            let what = What::Policy(resource.get("policy_arn"), "policy_arn");
            self.link(resource, End::Value(Some(role), "roles"), what);
        }
        Ok(())
    }

    /// `aws_iam_role`, whose entry is at `index`.
    pub(super) fn role(
        &mut self,
        resource: &Resource<'a>,
        index: usize,
    ) -> Result<(), SyntaxError> {
        self.roles.push((resource.clone(), index));
        let boundary = What::Boundary(resource.get("permissions_boundary"));
        self.link(resource, End::Role(index), boundary);
        if let Some(list) = resource.get("managed_policy_arns") {
            let items = list.items()?;
            for policy in items.iter().filter(|item| item.is_string()) {
                let what = What::Policy(Some(*policy), "managed_policy_arns");
                self.link(resource, End::Role(index), what);
            }
            if items.iter().all(Lazy::is_string) {
                return Ok(());
            }
        }
        self.link(resource, End::Role(index), What::Policies("managed_policy_arns"));
        Ok(())
    }

    fn link(&mut self, by: &Resource<'a>, role: End<'a>, what: What<'a>) {
        self.links.push(Link { by: by.clone(), role, what });
    }

    /// Follows all attachments, once every resource is known.
    pub(super) fn follow(&self, out: &mut Extracted) -> Result<(), SyntaxError> {
        for link in &self.links {
            let mut attached = Vec::new();
            match &link.what {
                What::Document(document) => attached.push(Attached::Document(*document)),
                What::Policy(None, "") => {
                    let unseen = Unseen::inline(link.by.address.clone(), link.by.span);
                    attached.push(Attached::Unseen(unseen));
                }
                What::Policy(value, attribute) => {
                    attached.extend(self.find_policy(&link.by, *value, attribute)?);
                }
                What::Boundary(value) => {
                    let found = self.find_policy(&link.by, *value, "permissions_boundary")?;
                    if let (Some(boundary), End::Role(index)) = (found, &link.role)
                        && let Some(role) = out.roles.get_mut(*index)
                    {
                        role.boundary = Some(boundary);
                    }
                    continue;
                }
                What::Policies(attribute) => {
                    let found = self.refer(&link.by, attribute, "aws_iam_policy")?;
                    for reference in &found.resources {
                        attached.push(self.referred(&link.by, reference));
                    }
                }
            }
            if attached.is_empty() {
                continue;
            }
            let index = match &link.role {
                End::Role(index) => *index,
                End::Value(value, attribute) => self.find_role(&link.by, *value, attribute, out)?,
            };
            let Some(role) = out.roles.get_mut(index) else {
                continue;
            };
            for policy in attached {
                match policy {
                    Attached::Document(document) if role.documents.contains(&document) => {}
                    Attached::Document(document) => role.documents.push(document),
                    // A state lists under the role what is attached elsewhere as well.
                    Attached::Unseen(policy) => {
                        if !role.unseen.iter().any(|unseen| unseen.name == policy.name) {
                            role.unseen.push(policy);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The policy that an attribute names by ARN or refers to. `None` if it names nothing.
    fn find_policy(
        &self,
        by: &Resource<'a>,
        value: Option<Lazy<'a>>,
        attribute: &str,
    ) -> Result<Option<Attached>, SyntaxError> {
        if let Some(value) = value.filter(Lazy::is_string) {
            let arn = value.as_str().unwrap_or_default();
            if arn.is_empty() {
                return Ok(None);
            }
            let known = |r: &Resource<'_>| r.get("arn").is_some_and(|found| found.is_text(&arn));
            let found = self.policies.iter().find(|(resource, _)| known(resource));
            // The text, without its quotes.
            let quoted = value.span();
            let span = Span::new(quoted.source, quoted.start + 1, quoted.end.saturating_sub(1));
            let unseen = Unseen::managed(arn.to_string(), span);
            return Ok(Some(match found {
                Some((_, Some(document))) => Attached::Document(*document),
                Some(_) | None => Attached::Unseen(unseen),
            }));
        }
        let found = self.refer(by, attribute, "aws_iam_policy")?;
        match found.resources.as_slice() {
            [reference] => Ok(Some(self.referred(by, reference))),
            // One of several, or none that is here.
            _ => Ok(found.named.map(|name| Attached::Unseen(Unseen::managed(name, by.span)))),
        }
    }

    /// The policy behind a reference.
    fn referred(&self, by: &Resource<'a>, reference: &Reference) -> Attached {
        let candidates = self.policies.iter().map(|(resource, document)| (resource, *document));
        match pick(by, reference, candidates) {
            Some((_, Some(document))) => Attached::Document(document),
            Some((resource, None)) => {
                Attached::Unseen(Unseen::managed(resource.address.clone(), by.span))
            }
            None => {
                let name = format!("aws_iam_policy.{}{}", reference.name, reference.index);
                Attached::Unseen(Unseen::managed(name, by.span))
            }
        }
    }

    /// The role that an attribute names or refers to. One that is not here is added by its name.
    fn find_role(
        &self,
        by: &Resource<'a>,
        value: Option<Lazy<'a>>,
        attribute: &str,
        out: &mut Extracted,
    ) -> Result<usize, SyntaxError> {
        let found = self.refer(by, attribute, "aws_iam_role")?;
        if let [reference] = found.resources.as_slice() {
            let candidates = self.roles.iter().map(|(resource, index)| (resource, *index));
            if let Some((_, index)) = pick(by, reference, candidates) {
                return Ok(index);
            }
        }
        let name = value.and_then(super::text);
        let shown = match (&name, found.named) {
            (Some(name), _) => name.display(),
            (None, Some(named)) if by.module.is_empty() => named,
            (None, Some(named)) => format!("{}.{named}", by.module),
            (None, None) => format!("the role of {}", by.address),
        };
        let same = |role: &Role| {
            role.address == shown
                || (name.is_some() && role.name.as_ref().is_some_and(|n| n.display() == shown))
        };
        Ok(out.roles.iter().position(same).unwrap_or_else(|| {
            out.roles.push(Role { address: shown, name, ..Role::default() });
            out.roles.len() - 1
        }))
    }

    fn refer(
        &self,
        by: &Resource<'a>,
        attribute: &str,
        wanted: &str,
    ) -> Result<Found, SyntaxError> {
        let resource = format!("{}.{}", by.kind, by.name);
        self.config.references(&strip_indices(&by.module), &resource, attribute, wanted)
    }
}

/// The instance that a reference means, seen from `by`: in the same instance of a module where they
/// share one, with the same index where the expression says none. `None` if that leaves several.
fn pick<'r, 'a: 'r, T: Copy>(
    by: &Resource<'a>,
    reference: &Reference,
    candidates: impl Iterator<Item = (&'r Resource<'a>, T)>,
) -> Option<(&'r Resource<'a>, T)> {
    let all: Vec<_> = candidates
        .filter(|(resource, _)| {
            resource.name == reference.name
                && strip_indices(&resource.module) == reference.module
                && (resource.module.starts_with(&by.module)
                    || by.module.starts_with(&resource.module))
        })
        .collect();
    let one = |index: &str| {
        let mut found = all.iter().filter(|(resource, _)| resource.index == index);
        found.next().filter(|_| found.next().is_none()).copied()
    };
    let index = if reference.index.is_empty() { &by.index } else { &reference.index };
    match all.as_slice() {
        [only] if reference.index.is_empty() || only.0.index == reference.index => Some(*only),
        _ => one(index),
    }
}
