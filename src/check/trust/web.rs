//! IAM roles for service accounts: a pod shows the token of its service account, signed by the OIDC
//! provider of the cluster (IAM User Guide, *Create a role for OpenID Connect federation*).

use crate::eval::{Decision, StatementTrace, Tri};
use crate::karpenter::rules::trust::WebIdentity;
use crate::policy::request::{Context, Key, Otherwise, Presence, Status, Values};
use crate::policy::symbolic::{Piece, Symbolic};
use crate::policy::{Condition, Effect};
use crate::source::Span;
use crate::words::nearest_word;

use super::super::words::{code, cut};
use super::asked::{Account, Answer, Taker, Trust};
use super::fault::{self, Cost, Fault};
use super::{Accounts, Way};

/// The type of principal.
const FEDERATED: &str = "Federated";

/// A trusted provider.
struct Provider {
    name: Symbolic,
    /// What stands in front of `:aud` and `:sub`; `None` if the provider's name does not tell.
    issuer: Option<Symbolic>,
    span: Span,
}

/// What a condition key asks of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Claim {
    Audience,
    Subject,
    /// A key that such a token does not fill, and what was meant.
    Nothing(Option<&'static str>),
    /// A key of another provider.
    Foreign(&'static str),
    /// No key of a token.
    Other,
}

/// Every provider that the policy trusts, asked in turn.
pub(super) fn ways(trust: &Trust<'_>, rules: &WebIdentity, accounts: &Accounts<'_>) -> Vec<Way> {
    let mut seen: Vec<Symbolic> = Vec::new();
    let mut ways = Vec::new();
    for (_, text, name) in trust.principals(FEDERATED) {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name.clone());
        let provider = Provider { issuer: issuer(&name, rules), name, span: text.span };
        ways.push(way(trust, rules, accounts, &provider));
    }
    ways
}

fn way(
    trust: &Trust<'_>,
    rules: &WebIdentity,
    accounts: &Accounts<'_>,
    provider: &Provider,
) -> Way {
    if let Some(fault) = shape(provider, rules) {
        return Way::closed(vec![fault.denying(&rules.action)]);
    }
    let ask = |account: &Account| ask(trust, rules, provider, &account.subject(&rules.subject));
    let found = accounts.ask(&ask);
    let by = |who: &str| format!("{who} by the OIDC provider");
    let account = format!("the service account {}", found.account.display(&trust.symbols));
    let mut way = match (&found.answer, found.decision()) {
        (_, decision) if decision.is_denied() && found.assumed && names_own(trust, accounts) => {
            Way {
                open: Tri::Unknown,
                faults: Vec::new(),
                by: by("the service account that it names"),
            }
        }
        (answer, decision) if decision.is_denied() => {
            let mut faults = faults(trust, rules, provider, answer);
            if found.assumed {
                accounts.assume(&mut faults, trust);
            }
            Way::closed(faults)
        }
        (_, decision) => {
            let open = if decision == Decision::Allowed { Tri::True } else { Tri::Unknown };
            Way { open, faults: wide(trust, rules, provider, accounts), by: by(&account) }
        }
    };
    if let Some(fault) = stranger(trust, rules, provider) {
        if fault.cost == Cost::Denies {
            way.open = Tri::False;
        }
        way.faults.push(fault);
    }
    way
}

/// What stands behind `oidc-provider/`.
fn issuer(name: &Symbolic, rules: &WebIdentity) -> Option<Symbolic> {
    let mut pieces = name.pieces().iter();
    let mut out = Symbolic::default();
    loop {
        if let Piece::Literal(text) = pieces.next()?
            && let Some((_, rest)) = text.split_once(&*rules.provider)
        {
            out.push_str(rest);
            break;
        }
    }
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Symbol(symbol) => out.push_symbol(*symbol),
        }
    }
    Some(out)
}

fn ask(trust: &Trust<'_>, rules: &WebIdentity, provider: &Provider, subject: &Symbolic) -> Answer {
    let taker = Taker { kind: FEDERATED, name: &provider.name };
    let audiences = rules.audiences.iter().filter(|known| known.holds_in(trust.partition()));
    let mut first: Option<Answer> = None;
    for audience in audiences {
        let context = context(trust, provider, subject, &audience.name);
        let answer = trust.ask(&rules.action, taker, context);
        if !answer.decision.is_denied() {
            return answer;
        }
        first.get_or_insert(answer);
    }
    first.unwrap_or_else(|| trust.ask(&rules.action, taker, Context::default()))
}

/// The keys that come with a token. Only those that the policy asks for matter.
fn context(trust: &Trust<'_>, provider: &Provider, subject: &Symbolic, audience: &str) -> Context {
    let mut context = Context::new(Otherwise::new(Presence::Unknown, Vec::new()));
    let one = |value: &Symbolic| Status::Known(Values::One(value.clone()));
    context.set(Key::from("aws:FederatedProvider"), one(&provider.name));
    for condition in trust.policy().statements.iter().flat_map(|s| &s.conditions) {
        let key = trust.bind(&condition.key);
        let status = match claim(&key, provider) {
            Claim::Audience => one(&Symbolic::literal(audience)),
            Claim::Subject => one(subject),
            Claim::Nothing(_) | Claim::Foreign(_) => Status::Absent,
            Claim::Other => continue,
        };
        context.set(Key::new(&key), status);
    }
    context
}

/// What a key asks for. A placeholder in front of it that may be the issuer is taken to be it.
fn claim(key: &Symbolic, provider: &Provider) -> Claim {
    let Some((Piece::Literal(last), before)) = key.pieces().split_last() else {
        return Claim::Other;
    };
    let Some((rest, name)) = last.rsplit_once(':') else { return Claim::Other };
    let mut front = Symbolic::default();
    for piece in before {
        match piece {
            Piece::Literal(text) => front.push_str(text),
            Piece::Symbol(symbol) => front.push_symbol(*symbol),
        }
    }
    front.push_str(rest);
    let meant = match name.to_ascii_lowercase().as_str() {
        "aud" | "audience" | "client_id" => Some("aud"),
        "sub" | "subject" => Some("sub"),
        other => nearest_word(other, ["aud", "sub"].into_iter())
            .map(|near| if near == "aud" { "aud" } else { "sub" }),
    };
    if let Some(text) = front.as_literal() {
        // `aws:RequestTag/a:b` is no key of a token, `oidc.eks…/id/A:sub` is one.
        let global = text.starts_with("aws:") || !text.contains(['.', '/', '_']);
        if global && !(text.contains("oidc") || matches!(name, "aud" | "sub")) {
            return Claim::Other;
        }
    }
    let same = provider.issuer.as_ref().map_or(Tri::Unknown, |issuer| {
        // Whatever a placeholder stands for, an issuer is written without its scheme.
        match front.as_literal() {
            Some(text) if text.contains("://") => Tri::False,
            _ => front.same(issuer, true),
        }
    });
    match (same, name.to_ascii_lowercase().as_str()) {
        (Tri::False, _) => Claim::Foreign(meant.unwrap_or("sub")),
        (_, "aud") => Claim::Audience,
        (_, "sub") => Claim::Subject,
        (_, "amr" | "oaud" | "email") => Claim::Nothing(None),
        _ => Claim::Nothing(meant),
    }
}

/// A principal that cannot be the provider of a cluster.
fn shape(provider: &Provider, rules: &WebIdentity) -> Option<Fault> {
    let name = provider.name.as_literal()?;
    let shown = code(name);
    let form = "arn:aws:iam::ACCOUNT:oidc-provider/ISSUER";
    let fault = |message: String, label: &str| {
        let mut fault = Fault::new(provider.span, message, label.to_owned());
        fault.written = Some(name.to_owned());
        Some(fault)
    };
    let Some((front, issuer)) = name.split_once(&*rules.provider) else {
        return match name {
            _ if name.contains(":saml-provider/") => fault(
                format!(
                    "{shown} is a SAML provider; the token of a service account comes from an OIDC provider"
                ),
                form,
            ),
            _ if name.starts_with("arn:") => {
                fault(format!("{shown} is not an OIDC provider"), form)
            }
            _ => fault(
                format!(
                    "{shown} is not the ARN of an OIDC provider, as which a cluster is trusted"
                ),
                form,
            ),
        };
    };
    let mut parts = front.split(':');
    let (scheme, _, service) = (parts.next(), parts.next(), parts.next());
    let (region, account, more) = (parts.next(), parts.next(), parts.next());
    let digits = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if scheme != Some("arn") || service != Some("iam") || region != Some("") || more.is_some() {
        return fault(format!("{shown} is not the ARN of an OIDC provider"), form);
    }
    if !account.is_some_and(digits) {
        let account = account.unwrap_or_default();
        return fault(
            format!(
                "the OIDC provider is in the account {}, which has not twelve digits",
                code(account)
            ),
            form,
        );
    }
    if issuer.contains("://") {
        let bare = issuer.rsplit("://").next().unwrap_or(issuer);
        return fault(
            "an OIDC provider is called by its issuer without `https://`".to_owned(),
            &format!("write oidc-provider/{}", cut(bare)),
        );
    }
    if issuer.starts_with("oidc.eks.") && !issuer.contains("/id/") {
        return fault(
            format!("{} is not the issuer of an EKS cluster: the id is missing", code(issuer)),
            "oidc.eks.REGION.amazonaws.com/id/ID",
        );
    }
    None
}

/// A provider of another partition or account than that of the role.
fn stranger(trust: &Trust<'_>, rules: &WebIdentity, provider: &Provider) -> Option<Fault> {
    let name = provider.name.as_literal()?;
    let mut parts = name.split(':');
    let (partition, account) = (parts.nth(1)?, parts.nth(2)?);
    let settings = trust.settings();
    let wrong = [
        ("partition", partition, settings.partition.as_literal()),
        ("account", account, settings.account.as_literal()),
    ];
    let (what, written, own) = wrong.into_iter().find_map(|(what, written, own)| {
        Some((what, written, own.filter(|own| *own != written)?))
    })?;
    let message = format!(
        "the OIDC provider is in the {what} `{written}`, the role in `{own}`: they have to be in one"
    );
    let mut fault = Fault::new(provider.span, message, format!("`{own}` belongs here"));
    if trust.resolved.assumptions.iter().any(|assumption| assumption.symbol == what) {
        fault.cost = Cost::MayDeny;
        fault.settles = Some(format!("--{what} VALUE"));
    }
    Some(fault.denying(&rules.action))
}

/// What keeps the pod out.
fn faults(
    trust: &Trust<'_>,
    rules: &WebIdentity,
    provider: &Provider,
    answer: &Answer,
) -> Vec<Fault> {
    let mut out = fault::denying(trust, answer, &rules.action);
    if !out.is_empty() {
        return out;
    }
    for traced in fault::nearest(answer) {
        let Some(statement) = trust.policy().statements.get(traced.statement) else { continue };
        if traced.action == Tri::False {
            out.push(fault::action(statement, &rules.action, "a pod with a token"));
        }
        for (condition, line) in statement.conditions.iter().zip(&traced.conditions) {
            if line.holds != Tri::False {
                continue;
            }
            let key = trust.bind(&condition.key);
            let found = match claim(&key, provider) {
                Claim::Nothing(meant) => wrong_key(trust, condition, provider, meant),
                Claim::Foreign(meant) => foreign_key(trust, condition, provider, meant),
                Claim::Audience => {
                    fault::condition(trust, condition, line, "the audience of the token")
                }
                Claim::Subject => subject(trust, condition, line, rules),
                Claim::Other => fault::condition(trust, condition, line, "the value"),
            };
            out.push(found.denying(&rules.action));
        }
    }
    out
}

/// A subject that is not the controller's.
fn subject(
    trust: &Trust<'_>,
    condition: &Condition,
    line: &crate::eval::LineTrace,
    rules: &WebIdentity,
) -> Fault {
    let mut fault = fault::condition(trust, condition, line, "the subject of the token");
    let form = format!("{}NAMESPACE:NAME", &*rules.subject);
    let texts: Vec<&str> = condition.values.iter().filter_map(|value| value.as_literal()).collect();
    let shaped = |text: &&str| {
        text.strip_prefix(&*rules.subject)
            .is_some_and(|rest| rest.split(':').count() == 2 && !rest.contains('/'))
    };
    if let [one] = texts.as_slice()
        && !shaped(one)
        && !one.contains(['*', '?'])
        && !condition.operator.display().contains("Not")
    {
        fault.message = format!("{} is not the subject of a service account", code(one));
        fault.label = format!("write {form}");
        fault.span = fault::value_span(condition);
        fault.written = Some((*one).to_owned());
    }
    fault
}

/// A key that no token of a service account fills.
fn wrong_key(
    trust: &Trust<'_>,
    condition: &Condition,
    provider: &Provider,
    meant: Option<&str>,
) -> Fault {
    let written = condition.key.display();
    let name = written.rsplit(':').next().unwrap_or_default();
    let message = format!(
        "the token of a service account has no `{}`: `aud` and `sub` can be asked",
        cut(name)
    );
    let label = match (meant, &provider.issuer) {
        (Some(meant), Some(issuer)) => {
            format!("write `{}:{meant}`", cut(&issuer.display(&trust.symbols)))
        }
        (Some(meant), None) => format!("write `{meant}`"),
        (None, _) => "take this line out".to_owned(),
    };
    let mut fault = Fault::new(condition.key.span, message, label);
    fault.written = Some(written);
    fault
}

/// A key of another provider than the one that is trusted.
fn foreign_key(
    trust: &Trust<'_>,
    condition: &Condition,
    provider: &Provider,
    meant: &str,
) -> Fault {
    let written = condition.key.display();
    let issuer = provider.issuer.as_ref().map(|issuer| issuer.display(&trust.symbols));
    let issuer = cut(&issuer.unwrap_or_else(|| "ISSUER".to_owned()));
    let message = if written.contains("://") {
        "condition keys begin with the issuer without `https://`".to_owned()
    } else {
        format!("{} is no key of the provider that this statement trusts", code(&written))
    };
    let mut fault = Fault::new(condition.key.span, message, format!("write `{issuer}:{meant}`"));
    fault.written = Some(written);
    fault
}

/// Whether the policy names a service account of its own that may well be the controller's.
fn names_own(trust: &Trust<'_>, accounts: &Accounts<'_>) -> bool {
    let conditions = trust.policy().statements.iter().flat_map(|statement| &statement.conditions);
    let subjects = conditions.filter(|c| c.key.display().to_ascii_lowercase().ends_with(":sub"));
    subjects
        .flat_map(|condition| &condition.values)
        .any(|value| value.as_literal().is_none_or(|subject| accounts.is_named(subject)))
}

/// Conditions that let in more than the controller.
fn wide(
    trust: &Trust<'_>,
    rules: &WebIdentity,
    provider: &Provider,
    accounts: &Accounts<'_>,
) -> Vec<Fault> {
    let own = accounts.expected();
    let any = accounts.any();
    let probes = [
        (any.clone(), "every service account of the cluster"),
        (
            Account { namespace: own.namespace.clone(), name: any.name.clone() },
            "every service account of the namespace",
        ),
        (
            Account { namespace: any.namespace.clone(), name: own.name.clone() },
            "a service account of this name in any namespace",
        ),
    ];
    for (account, who) in probes {
        let answer = ask(trust, rules, provider, &account.subject(&rules.subject));
        if answer.decision != Decision::Allowed {
            continue;
        }
        let opens = |traced: &&StatementTrace| {
            traced.effect == Effect::Allow && traced.matches == Tri::True
        };
        let Some(statement) = answer
            .statements
            .iter()
            .find(opens)
            .and_then(|traced| trust.policy().statements.get(traced.statement))
        else {
            continue;
        };
        let sub = statement
            .conditions
            .iter()
            .find(|condition| claim(&trust.bind(&condition.key), provider) == Claim::Subject);
        let wanted = own.subject(&rules.subject).display(&trust.symbols);
        let mut fault = match sub {
            Some(condition) => Fault::new(
                fault::value_span(condition),
                format!("{who} can take this role, not only the controller"),
                format!("`{wanted}` belongs here"),
            ),
            None => Fault::new(
                statement.principal.as_ref().map_or(statement.span, |principal| principal.key),
                format!("no condition on the subject: {who} can take this role"),
                format!("require `sub` to be `{wanted}`"),
            ),
        };
        fault.cost = Cost::Harmless;
        fault.action = Some(rules.action.to_string());
        return vec![fault];
    }
    Vec::new()
}
