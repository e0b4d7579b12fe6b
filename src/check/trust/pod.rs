//! EKS Pod Identity: the service assumes the role for the pod, with session tags that say which (EKS User
//! Guide, *EKS Pod Identity role*).

use crate::eval::{Decision, Tri};
use crate::karpenter::rules::trust::PodIdentity;
use crate::policy::request::{Context, Key, Otherwise, Presence, Status, Values};
use crate::policy::symbolic::Symbolic;
use crate::words::nearest_word;

use super::super::words::code;
use super::asked::{Account, Answer, Taker, Trust};
use super::fault::{self, Fault};
use super::{Accounts, Way};

/// The type of principal.
pub(super) const SERVICE: &str = "Service";

/// Whether a service's name is, or was probably meant as, that of Pod Identity.
pub(super) fn is_meant(name: &Symbolic, rules: &PodIdentity) -> bool {
    match name.as_literal() {
        None => name.same(&Symbolic::literal(&rules.service), false) != Tri::False,
        Some(name) => {
            let of_eks = |name: &str| name.starts_with("pods.eks.") || name == "eks.amazonaws.com";
            of_eks(name) || nearest_word(name, std::iter::once(&*rules.service)).is_some()
        }
    }
}

/// The way by Pod Identity, if the policy means to open it.
pub(super) fn way(trust: &Trust<'_>, rules: &PodIdentity, accounts: &Accounts<'_>) -> Option<Way> {
    let services = trust.principals(SERVICE);
    let meant: Vec<_> = services.iter().filter(|(_, _, name)| is_meant(name, rules)).collect();
    let (_, text, name) = meant.first()?;
    let service = Symbolic::literal(&rules.service);
    let mut way = Way { open: Tri::True, faults: Vec::new(), by: String::new() };
    if meant.iter().all(|(_, _, name)| name.same(&service, false) == Tri::False) {
        let written = name.display(&trust.symbols);
        let message = format!(
            "{} is not the service that hands roles to pods: that is `{}`",
            code(&written),
            &*rules.service
        );
        let mut fault = Fault::new(text.span, message, format!("write `{}`", &*rules.service));
        fault.written = Some(written);
        let action = rules.actions.first().map_or("", |action| action);
        return Some(Way::closed(vec![fault.denying(action)]));
    }
    let mut passed: Option<Answer> = None;
    for action in &rules.actions {
        let taker = Taker { kind: SERVICE, name: &service };
        let ask = |account: &Account| trust.ask(action, taker, context(trust, rules, account));
        let found = accounts.ask(&ask);
        match found.decision() {
            Decision::Allowed => {}
            decision if decision.is_denied() => {
                way.open = Tri::False;
                let mut faults = faults(trust, rules, action, &found.answer, passed.as_ref());
                if found.assumed {
                    accounts.assume(&mut faults, trust);
                }
                // What keeps out one call keeps out the next.
                faults.retain(|fault| way.faults.iter().all(|known| known.span != fault.span));
                way.faults.extend(faults);
            }
            _ => way.open = way.open.and(Tri::Unknown),
        }
        let account = found.account.display(&trust.symbols);
        way.by = format!("the service account {account} by EKS Pod Identity");
        passed = Some(found.answer);
    }
    Some(way)
}

/// The tags of the session. Who calls, and for which cluster, stands in keys that nobody knows here.
fn context(trust: &Trust<'_>, rules: &PodIdentity, account: &Account) -> Context {
    let mut context = Context::new(Otherwise::new(Presence::Unknown, Vec::new()));
    let mut tag = |name: &str, status: Status| {
        context.set(Key::from(format!("aws:RequestTag/{name}").as_str()), status);
    };
    let one = |value: &Symbolic| Status::Known(Values::One(value.clone()));
    tag(&rules.cluster, one(&trust.settings().cluster));
    tag(&rules.namespace, one(&account.namespace));
    tag(&rules.service_account, one(&account.name));
    for name in &rules.other_tags {
        tag(name, Status::Present);
    }
    let own = [&rules.cluster, &rules.namespace, &rules.service_account];
    let names = own.into_iter().chain(&rules.other_tags).map(|name| Symbolic::literal(name));
    context.set(Key::from("aws:TagKeys"), Status::Known(Values::Many(names.collect())));
    context
}

/// What keeps the pod out; `passed` is the answer to the call before.
fn faults(
    trust: &Trust<'_>,
    rules: &PodIdentity,
    action: &str,
    answer: &Answer,
    passed: Option<&Answer>,
) -> Vec<Fault> {
    let mut out = fault::denying(trust, answer, action);
    if !out.is_empty() {
        return out;
    }
    let statement = |at: usize| trust.policy().statements.get(at);
    // The statement that lets in the call before is the one to extend.
    let open = passed
        .filter(|answer| !answer.decision.is_denied())
        .and_then(|answer| answer.statements.iter().find(|traced| traced.matches != Tri::False));
    if let Some(statement) = open.and_then(|traced| statement(traced.statement)) {
        let mut fault = fault::action(statement, action, "EKS Pod Identity");
        if fault.written.is_none() {
            let missing = code(action);
            fault.message = format!(
                "EKS Pod Identity also calls {missing}, which no statement lets it: no pod gets the role"
            );
            fault.label = format!("add {missing} here");
            let all: Vec<String> = rules.actions.iter().map(|one| format!("\"{one}\"")).collect();
            fault.fix = Some(format!("\"Action\": [{}]", all.join(", ")));
        }
        return vec![fault];
    }
    for traced in fault::nearest(answer) {
        let Some(statement) = statement(traced.statement) else { continue };
        if traced.action == Tri::False {
            out.push(fault::action(statement, action, "EKS Pod Identity"));
        }
        for (condition, line) in statement.conditions.iter().zip(&traced.conditions) {
            if line.holds == Tri::False {
                let what = format!(
                    "`{}` of the session",
                    super::super::words::cut(&condition.key.display())
                );
                out.push(fault::condition(trust, condition, line, &what).denying(action));
            }
        }
    }
    out
}
