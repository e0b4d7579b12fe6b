//! A controller with all the answers of one version.

use std::cell::Cell;

use crate::eval::{Layer, Open, SEVERAL};
use crate::extract::Unseen;
use crate::finding::Label;
use crate::karpenter::{Impact, Need, Phase};
use crate::policy::symbolic::{Symbol, Symbolic, Symbols};
use crate::policy::{Policy, Statement};
use crate::settings::Settings;
use crate::source::Span;
use crate::syntax::{Part, Text, When};

use super::judge::{Answer, Asked};
use super::{Case, RequestAnswer, cause, mismatch, nearest};

/// A controller with all its answers.
pub(crate) struct Judgement<'j, 'n, 'r> {
    /// What is judged.
    pub(super) case: Case<'j, 'r>,
    symbols: &'j Symbols,
    needs: &'n [Need<'r>],
    asked: Vec<&'j Asked<'n, 'r>>,
    /// Whether somebody looked at all that is asked.
    looked: Cell<bool>,
}

impl<'j> cause::Ground<'j> for Judgement<'j, '_, '_> {
    fn policy(&self, layer: Layer, document: usize) -> Option<&'j Policy> {
        Judgement::policy(self, layer, document)
    }

    fn is_error(&self, asked: &Asked<'_, '_>) -> bool {
        Judgement::is_error(self, asked)
    }

    fn elsewhere(
        &self,
        near: &nearest::Candidate,
        statement: &Statement,
        asked: &Asked<'_, '_>,
    ) -> Vec<mismatch::Elsewhere> {
        let found = mismatch::elsewhere(near, statement, asked, self.settings(), self.symbols);
        let mut places: Vec<_> =
            found.unwrap_or_default().into_iter().map(|(elsewhere, _)| elsewhere).collect();
        places.dedup();
        places
    }
}

impl<'j, 'n, 'r> Judgement<'j, 'n, 'r> {
    /// A version with all that it asks.
    pub(super) fn new(
        case: Case<'j, 'r>,
        symbols: &'j Symbols,
        needs: &'n [Need<'r>],
        asked: Vec<&'j Asked<'n, 'r>>,
    ) -> Self {
        Self { case, symbols, needs, asked, looked: Cell::new(false) }
    }

    /// All that is asked. What is made with this hangs on all of it.
    pub(super) fn all_asked(&self) -> &[&'j Asked<'n, 'r>] {
        self.looked.set(true);
        &self.asked
    }

    /// The same, to tell versions apart.
    pub(super) fn asked(&self) -> &[&'j Asked<'n, 'r>] {
        &self.asked
    }

    /// What `make` makes, and whether it hangs on all that is asked.
    pub(super) fn watch<T>(&self, make: impl FnOnce() -> T) -> (T, bool) {
        let before = self.looked.replace(false);
        let made = make();
        let looked = self.looked.replace(before);
        (made, looked)
    }

    pub(super) fn settings(&self) -> &'j Settings {
        &self.case.resolved.settings
    }

    pub(super) fn symbols(&self) -> &'j Symbols {
        self.symbols
    }

    /// The policy of a layer.
    pub(super) fn policy(&self, layer: Layer, document: usize) -> Option<&'j Policy> {
        policy_of(&self.case, layer, document)
    }

    /// The places of manifests that make Karpenter ask this.
    pub(super) fn because<'a>(
        &self,
        asked: impl Iterator<Item = &'a Asked<'a, 'r>>,
        key: Option<&str>,
    ) -> Vec<Label>
    where
        'r: 'a,
    {
        let mut out: Vec<Label> = Vec::new();
        for because in asked.flat_map(|one| one.entry.because(one.need.rule, self.settings(), key))
        {
            if !out.iter().any(|known| known.span == because.span) {
                out.push(Label { span: because.span, message: because.field.to_owned() });
            }
        }
        out
    }

    /// Whether this denial stops nodes for certain.
    pub(super) fn is_error(&self, asked: &Asked<'_, '_>) -> bool {
        asked.answer.is_denied()
            && asked.is_must_have()
            && asked.need.rule.impact == Impact::Blocks
            && asked.entry.assumed.is_none()
    }

    /// The `Statement` key of the document with most actions: where a finding stands when no
    /// statement comes near.
    pub(super) fn fallback_span(&self, layer: Layer) -> Span {
        let controller = self.case.controller;
        let indices: Vec<usize> = match layer {
            Layer::Boundary => controller.boundary.into_iter().collect(),
            Layer::ServiceControl(level) => {
                controller.service_control.get(level).cloned().unwrap_or_default()
            }
            Layer::Identity | Layer::Session => controller.identity.clone(),
        };
        let policies =
            indices.iter().filter_map(|&index| Some(&self.case.documents.get(index)?.policy));
        let actions = |policy: &Policy| {
            policy.statements.iter().map(|s| s.action.values.len()).sum::<usize>()
        };
        policies.max_by_key(|policy| actions(policy)).map_or_else(
            || Span::new(crate::source::SourceId(0), 0, 0),
            |policy| policy.statement_key,
        )
    }

    /// Whether every entry of the validation that counts is allowed, and there is a validation.
    pub(super) fn validation_passes(&self) -> bool {
        let mut validation = self
            .asked
            .iter()
            .filter(|asked| asked.need.rule.phase == Phase::Validation && asked.counts())
            .peekable();
        validation.peek().is_some() && validation.all(|asked| asked.answer == Answer::Allowed)
    }

    /// The hole of the policies that stands for `symbol`, as written there.
    pub(super) fn hole_for(&self, symbol: Symbol) -> Option<String> {
        let value = Symbolic::symbol(symbol);
        let mut bindings = self.case.resolved.bindings();
        bindings.find(|(_, bound)| **bound == value).map(|(hole, _)| format!("${{{hole}}}"))
    }

    /// Whether the policies have a hole of this name.
    pub(super) fn is_hole(&self, name: &str) -> bool {
        self.case.resolved.bindings().any(|(hole, _)| hole == name)
    }

    /// The request at which the validation stops: its first that is denied.
    pub(super) fn stopping(&self) -> Option<&'r str> {
        let mut denied = self
            .asked
            .iter()
            .filter(|asked| asked.need.rule.phase == Phase::Validation)
            .filter(|asked| asked.is_must_have() && asked.answer.is_denied());
        denied.next().map(|asked| &*asked.need.rule.id)
    }

    /// What a text of the policies stands for.
    pub(super) fn bind(&self, text: &Text) -> Symbolic {
        let mut out = Symbolic::default();
        for part in &text.parts {
            match part {
                Part::Literal(_, text) => out.push_str(text),
                Part::Hole(_, expr) => out.push(&self.case.resolved.resolve(expr)),
            }
        }
        out
    }

    /// Address of the role whose policies are judged.
    pub(super) fn role(&self) -> Option<String> {
        self.case.controller.role.clone()
    }

    pub(super) fn unseen_policies(&self) -> impl Iterator<Item = &'j Unseen> {
        self.case.controller.unseen.iter()
    }

    pub(super) fn unseen_boundary(&self) -> Option<&'j Unseen> {
        self.case.controller.unseen_boundary.as_ref()
    }

    /// The condition of a template behind something that is open.
    pub(super) fn when(&self, open: &Open) -> Option<&'j When> {
        let Open::Key(key) = open else { return None };
        let key = key.as_literal().filter(|key| key.starts_with(When::KEY_PREFIX))?;
        let documents = self.case.controller.all_documents();
        let mut whens = documents
            .filter_map(|index| self.case.documents.get(index))
            .flat_map(|document| &document.policy.statements)
            .flat_map(|statement| &statement.when);
        whens.find(|when| when.key().eq_ignore_ascii_case(key))
    }

    /// What to call something that is open.
    pub(super) fn open_name(&self, open: &Open) -> String {
        match open {
            Open::Key(key) => match self.when(open) {
                Some(when) => when.name.to_string(),
                None => crate::aws::key_display(&key.display(self.symbols)),
            },
            Open::Contested(point) => (*point).to_owned(),
            Open::Symbol(symbol) => format!("${{{}}}", self.symbols.name(*symbol)),
        }
    }

    /// What to give to get an answer; `None` for what only a condition key can tell.
    pub(super) fn settles(&self, open: &Open) -> Option<String> {
        if let Some(when) = self.when(open) {
            let names: Vec<&str> = when.asks.iter().map(String::as_str).collect();
            let flag = when.flag;
            return Some(match names.as_slice() {
                [] if flag.is_empty() => "`Allow` or `Deny` as `Effect`".to_owned(),
                [] if flag == "--var" => "the plan: `terraform show -json`".to_owned(),
                [] => format!("{flag} NAME=VALUE"),
                names => format!("{flag} {}=VALUE", names.join(&format!("=VALUE {flag} "))),
            });
        }
        Some(match open {
            Open::Contested(SEVERAL) => "`ForAllValues:` in front of the operator".to_owned(),
            Open::Contested(_) => "a policy that does not rest on this point".to_owned(),
            Open::Key(_) => format!("--context {}=VALUE", self.open_name(open)),
            Open::Symbol(symbol) => match self.symbols.name(*symbol) {
                "nodepool" => {
                    "node-pools = [\"...\"] in karplint.toml, or --node-pool NAME".to_owned()
                }
                "nodeclass" => {
                    "node-classes = [\"...\"] in karplint.toml, or --node-class NAME".to_owned()
                }
                "node-role" => "--node-role ARN".to_owned(),
                name @ ("cluster-name" | "region" | "account" | "partition"
                | "interruption-queue") => format!("--{name} VALUE"),
                name if self.is_hole(name) => self.setting_of(name),
                _ => return None,
            },
        })
    }

    /// The flag for a symbol that is named after a hole.
    pub(super) fn setting_of(&self, name: &str) -> String {
        let settings = self.settings();
        let is = |value: &Symbolic| value.display(self.symbols) == format!("${{{name}}}");
        let flag = [
            ("cluster-name", &settings.cluster),
            ("region", &settings.region),
            ("account", &settings.account),
            ("partition", &settings.partition),
        ];
        match flag.iter().find(|(_, value)| is(value)) {
            Some((flag, _)) => format!("--{flag} VALUE"),
            None => format!("a policy without `${{{name}}}` in that place"),
        }
    }

    /// How to get around a dry run whose answer is in dispute.
    pub(super) fn way_around_dispute(&self) -> String {
        let version = self.settings().karpenter;
        match self.case.rules.newest_patch(version) {
            Some(newest) if newest > version => {
                format!("move to {newest}: its validation uses a real launch template")
            }
            _ => "move to a newer version of Karpenter".to_owned(),
        }
    }

    pub(super) fn requests(&self) -> Vec<RequestAnswer<'r>> {
        let version = self.settings().karpenter;
        let mut asked = self.asked.iter().peekable();
        self.needs
            .iter()
            .filter(|need| need.is_made(version))
            .map(|need| {
                // Both are in call order.
                let own = || asked.next_if(|asked| std::ptr::eq(asked.need, need));
                let answer = std::iter::from_fn(own)
                    .filter(|asked| asked.counts())
                    .map(|asked| asked.answer)
                    .max()
                    .unwrap_or(Answer::Allowed);
                RequestAnswer { rule: need.rule, answer }
            })
            .collect()
    }
}

/// A document of a layer.
pub(super) fn policy_of<'c>(
    case: &Case<'c, '_>,
    layer: Layer,
    document: usize,
) -> Option<&'c Policy> {
    let controller = case.controller;
    let index = match layer {
        Layer::Identity => controller.identity.get(document).copied(),
        Layer::Boundary => controller.boundary,
        Layer::Session => None,
        Layer::ServiceControl(level) => {
            controller.service_control.get(level)?.get(document).copied()
        }
    };
    case.documents.get(index?).map(|document| &document.policy)
}
