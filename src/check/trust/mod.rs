//! Rule `trust-policy`: who may take the role of the controller, and that of the nodes. A policy that
//! grants everything is worth nothing to a pod that never gets the role.
//!
//! The trust policy is asked what AWS STS would ask it; this room says what is asked, and why the answer is
//! no. It knows nothing of output formats.

mod asked;
mod fault;
mod node;
mod pod;
mod web;

use crate::controller::{Document, mentions};
use crate::eval::{Decision, Tri};
use crate::finding::Finding;
use crate::karpenter::Rules;
use crate::order;
use crate::policy::Effect;
use crate::settings::infer::Resolved;

use super::words::code;
use asked::{Account, Answer, Trust};
use fault::{Cost, Fault};

pub use node::{NodeRole, nodes};

/// A trust policy, and what it is held against.
#[derive(Debug, Clone, Copy)]
pub struct TrustCase<'a> {
    /// The trust policy.
    pub document: &'a Document,
    /// The settings of the controller.
    pub resolved: &'a Resolved,
    /// What is known of Karpenter.
    pub rules: &'a Rules,
    /// `namespace/name`, if somebody said so.
    pub service_account: Option<&'a str>,
}

/// What came out.
#[derive(Debug, Clone, Default)]
pub struct TrustChecked {
    /// The findings, in the order of the policy.
    pub findings: Vec<Finding>,
    /// Who takes the role and how, for people: `the service account kube-system/karpenter, by the OIDC
    /// provider`; nothing if nobody does.
    pub by: Option<String>,
    /// Whether that hangs on something that nobody can know.
    pub unsettled: bool,
}

/// One way to the role.
struct Way {
    /// Whether it is open.
    open: Tri,
    faults: Vec<Fault>,
    /// Who comes by it and how, for people.
    by: String,
}

impl Way {
    fn closed(faults: Vec<Fault>) -> Self {
        Self { open: Tri::False, faults, by: String::new() }
    }
}

/// The service accounts that may be the controller's.
struct Accounts<'a> {
    given: Option<Account>,
    /// Those of the documentation, the most likely first.
    proposed: Vec<Account>,
    /// One of which nothing is known.
    unknown: Account,
    rules: &'a Rules,
}

/// The answer to the service account that fits best.
struct Found {
    answer: Answer,
    /// Which one it is.
    account: Account,
    /// Whether a denial rests on the assumption that it is one of the documentation.
    assumed: bool,
}

impl Found {
    fn decision(&self) -> Decision {
        self.answer.decision
    }
}

impl<'a> Accounts<'a> {
    fn new(trust: &mut Trust<'_>, case: &TrustCase<'a>) -> Self {
        let given = case.service_account.and_then(|text| text.split_once('/'));
        let version = case.resolved.settings.karpenter;
        let proposed = case.rules.trust.proposed(version);
        Self {
            given: given.map(|(namespace, name)| Account::known(namespace, name)),
            proposed: proposed.map(|one| Account::known(&one.namespace, &one.name)).collect(),
            unknown: trust.any_account(),
            rules: case.rules,
        }
    }

    /// Which one is expected.
    fn expected(&self) -> &Account {
        self.given.as_ref().or(self.proposed.first()).unwrap_or(&self.unknown)
    }

    /// One of which nothing is known.
    fn any(&self) -> &Account {
        &self.unknown
    }

    /// The answer to the one that was given; else a denial of all of them is certain, and one of those of
    /// the documentation is good enough.
    fn ask(&self, ask: &dyn Fn(&Account) -> Answer) -> Found {
        if let Some(given) = &self.given {
            return self.found(ask(given), given);
        }
        let open = ask(&self.unknown);
        if open.decision != Decision::Unsettled {
            return self.found(open, self.expected());
        }
        let mut denied = None;
        for account in &self.proposed {
            let answer = ask(account);
            if !answer.decision.is_denied() {
                return self.found(answer, account);
            }
            denied.get_or_insert(answer);
        }
        match denied {
            Some(answer) => Found { assumed: true, ..self.found(answer, self.expected()) },
            None => self.found(open, &self.unknown),
        }
    }

    fn found(&self, answer: Answer, account: &Account) -> Found {
        Found { answer, account: account.clone(), assumed: false }
    }

    /// Whether a subject names a service account of its own that is plausibly the controller's: it
    /// speaks of Karpenter and is no misspelling of what the documentation proposes.
    fn is_named(&self, subject: &str) -> bool {
        let prefix = &*self.rules.trust.web_identity.subject;
        let Some(name) = subject.strip_prefix(prefix) else { return false };
        let known: Vec<String> = self
            .proposed
            .iter()
            .filter_map(|account| account.subject("").as_literal().map(str::to_owned))
            .collect();
        let misspelt = crate::words::nearest_word(name, known.iter().map(String::as_str))
            .is_some_and(|near| !name.contains(near));
        mentions(name) && !misspelt
    }
}

impl Accounts<'_> {
    /// What is wrong only if the service account is one of the documentation.
    fn assume(&self, faults: &mut [Fault], trust: &Trust<'_>) {
        let expected = self.expected().display(&trust.symbols);
        for fault in faults.iter_mut() {
            if fault.cost == Cost::Denies && fault.condition.is_some() {
                fault.cost = Cost::MayDeny;
                fault.settles = Some(format!(
                    "service-account = \"{expected}\" of [[controller]] in karplint.toml"
                ));
            }
        }
    }
}

/// Whether the controller can take its role.
#[must_use]
pub fn controller(case: TrustCase<'_>) -> TrustChecked {
    let mut trust = Trust::new(case.document, case.resolved);
    let accounts = Accounts::new(&mut trust, &case);
    let rules = &case.rules.trust;
    let mut ways = web::ways(&trust, &rules.web_identity, &accounts);
    ways.extend(pod::way(&trust, &rules.pod_identity, &accounts));
    let mut faults = shape(&trust);
    let works = ways.iter().any(|way| way.open != Tri::False);
    if !works {
        faults.extend(strangers(&trust, case.rules, ways.is_empty() && faults.is_empty()));
    }
    let open = ways.iter().find(|way| way.open == Tri::True);
    let open = open.or_else(|| ways.iter().find(|way| way.open == Tri::Unknown));
    let by = open.map(|way| way.by.clone());
    let unsettled = open.is_some_and(|way| way.open == Tri::Unknown);
    for way in ways {
        // Another way is open: that this one may be closed to the controller need not trouble anybody.
        let matters = |fault: &Fault| !works || fault.cost != Cost::MayDeny;
        faults.extend(way.faults.into_iter().filter(matters));
    }
    if !works && faults.is_empty() {
        faults.extend(denying(&trust, case.rules));
    }
    TrustChecked { findings: findings(&trust, faults, works), by, unsettled }
}

fn findings(trust: &Trust<'_>, mut faults: Vec<Fault>, works: bool) -> Vec<Finding> {
    order::by_key(&mut faults, |fault| fault.span.start);
    faults.dedup();
    faults.into_iter().map(|fault| fault.finding(trust, works)).collect()
}

/// What AWS takes in no trust policy (IAM User Guide, *AWS JSON policy elements: Principal*, *Resource*).
fn shape(trust: &Trust<'_>) -> Vec<Fault> {
    let mut out = Vec::new();
    for statement in &trust.policy().statements {
        if let Some(resource) = &statement.resource {
            let message = "a trust policy has no `Resource`: it is about its own role".to_owned();
            out.push(Fault::new(resource.key, message, "take this element out".to_owned()));
        }
        match &statement.principal {
            None => {
                let message = "this statement of a trust policy names no `Principal`".to_owned();
                let label = "who takes the role belongs into this statement".to_owned();
                out.push(Fault::new(statement.effect_span, message, label));
            }
            Some(principal) if principal.negated => {
                let message = "a trust policy takes no `NotPrincipal`".to_owned();
                out.push(Fault::new(principal.key, message, "write `Principal`".to_owned()));
            }
            Some(_) => {}
        }
    }
    for fault in &mut out {
        fault.action = Some("sts:AssumeRole".to_owned());
    }
    out
}

/// A Deny, where it alone keeps the controller out.
fn denying(trust: &Trust<'_>, rules: &Rules) -> Option<Fault> {
    let mut statements = trust.document.policy.statements.iter();
    let deny = statements.find(|own| own.is_surely(Effect::Deny))?;
    let action = rules.trust.pod_identity.actions.first().map_or("", |action| action);
    let message = "no pod can take the controller's role: this Deny keeps it out".to_owned();
    Some(Fault::new(deny.effect_span, message, "denies".to_owned()).denying(action))
}

/// Principals that no pod has; where nobody else is trusted, these are what is wrong.
fn strangers(trust: &Trust<'_>, rules: &Rules, alone: bool) -> Vec<Fault> {
    let (web, pod) = (&rules.trust.web_identity, &rules.trust.pod_identity);
    let mut out = Vec::new();
    for kind in ["AWS", pod::SERVICE] {
        for (_, text, name) in trust.principals(kind) {
            let Some(name) = name.as_literal() else { continue };
            let (meant, action) = match name {
                _ if name.contains(&*web.provider) => ("Federated", &*web.action),
                _ if kind == "AWS" && *name == *pod.service => (pod::SERVICE, "sts:AssumeRole"),
                _ => continue,
            };
            let message = format!("{} is a principal of type `{meant}`, not `{kind}`", code(name));
            let fault = Fault::new(text.span, message, format!("belongs under `{meant}`"));
            out.push(fault.denying(action));
        }
    }
    if !alone || !out.is_empty() {
        return out;
    }
    let action = pod.actions.first().map_or("", |action| action);
    let belongs = format!("`{}` or an OIDC provider belongs here", &*pod.service);
    let services = trust.principals(pod::SERVICE);
    let users = trust.principals("AWS");
    let unknown = services.iter().chain(&users).any(|(_, _, name)| name.as_literal().is_none());
    let everyone = users
        .iter()
        .chain(&trust.principals("*"))
        .any(|(_, _, name)| name.as_literal().is_none_or(|name| name == "*"));
    if unknown || everyone {
        return out;
    }
    if let Some((_, text, name)) = services.first() {
        let who = code(name.as_literal().unwrap_or_default());
        let message = format!(
            "{who} is trusted with the controller's role: a pod comes from an OIDC provider or `{}`",
            &*pod.service
        );
        let mut fault = Fault::new(text.span, message, belongs);
        fault.written = name.as_literal().map(str::to_owned);
        out.push(fault.denying(action));
    } else if let Some((_, text, name)) = users.first() {
        let who = code(name.as_literal().unwrap_or_default());
        let message =
            format!("only {who} can take the controller's role: no statement lets in a pod");
        let mut fault = Fault::new(text.span, message, belongs).denying(action);
        // Somebody may hand credentials on.
        fault.cost = Cost::MayDeny;
        out.push(fault);
    }
    out
}
