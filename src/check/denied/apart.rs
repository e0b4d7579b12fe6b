//! Statements that mix what needs different resources or conditions: where a change for one action would
//! allow another more than it needs, or take from it what it has, the one gets a statement of its own.

use std::sync::Arc;

use crate::aws::authorization;
use crate::eval::{Compiled, Decision, Layer, Layers, Readings, decide_plainly};
use crate::fix::Edit;
use crate::policy::request::{Request, Target};
use crate::policy::{Effect, Policy, Statement};
use crate::syntax::Text;

use super::super::cause::{Member, StatementId};
use super::super::judge::Asked;
use super::super::least::{self, tighten};
use super::super::{Answer, Judgement};
use super::mend::Change;
use super::{Teller, grant, render, spelling};

impl<'a, 'n, 'r> Teller<'a, 'n, 'r, '_> {
    /// Whether the change gives the other actions of its statements nothing, and takes nothing from them.
    pub(super) fn is_for_these_alone(&self, change: &Change<'_>) -> bool {
        change.after.iter().all(|(id, after)| self.is_for_these(*id, after))
    }

    fn is_for_these(&self, id: StatementId, after: &Statement) -> bool {
        let Some(policy) = self.judged.policy(id.layer, id.document) else { return false };
        let Some(before) = policy.statements.get(id.statement) else { return false };
        let members = || self.members_of(id);
        let own = |action: &str| members().any(|m| &*m.asked.entry.request.action == action);
        let exact = before.action.values.iter().filter_map(Text::as_literal);
        let mut others = exact.filter(|action| !action.contains(['*', '?']) && !own(action));
        let mut others: Vec<&str> = others.by_ref().collect();
        others.sort_unstable();
        if others.is_empty() {
            return true;
        }
        let alone = |statement: &Statement| self.alone(policy, statement);
        let (had, has) = (alone(before), alone(after));
        // What limits the others may be too little for these.
        let asks = has.identity.first().map(|own| least::asks_enough(&self.judged.case, own));
        if !asks.is_some_and(|asks| members().all(|member| is_limited(member, &asks))) {
            return false;
        }
        let is_new = |request: &Request| {
            decide_plainly(&had, request).is_denied() && !decide_plainly(&has, request).is_denied()
        };
        let widens = |other: &&str, member: &Member<'_, '_, '_>| {
            let entry = member.asked.entry;
            let Some((_, action)) = authorization(other) else { return false };
            let mut request = Request { action: (**other).into(), ..entry.request.clone() };
            if action.rows().is_empty() {
                request.resource = Target::Any;
            }
            let is_made = action.rows().is_empty() || action.row(entry.resource_type).is_some();
            let asked = self.judged.all_asked().iter().map(|asked| &asked.entry.request);
            let mut asked = asked.filter(|request| *request.action == **other).peekable();
            // What nobody asks for is there for a reason of its own.
            is_made && asked.peek().is_some() && is_new(&request) && !asked.any(is_new)
        };
        if members().any(|member| others.iter().any(|other| widens(other, member))) {
            return false;
        }
        let loses = |request: &Request| {
            decide_plainly(&had, request) == Decision::Allowed
                && decide_plainly(&has, request) != Decision::Allowed
        };
        let mut allowed = self.allowed().filter(|request| loses(request)).peekable();
        if allowed.peek().is_none() {
            return true;
        }
        let changed = self.with(id, |policy| {
            if let Some(own) = policy.statements.get_mut(id.statement) {
                *own = after.clone();
            }
        });
        changed.is_some_and(|layers| {
            allowed.all(|request| decide_plainly(&layers, request) == Decision::Allowed)
        })
    }

    /// The members in a statement of their own; their actions leave the one that they stand in, unless it
    /// is of use for something else.
    pub(super) fn apart(&self) -> Option<Change<'a>> {
        let mut change = Change { look: true, ..Change::default() };
        let members: Vec<&Member<'a, 'n, 'r>> = self.group.members.iter().collect();
        self.statements(&members, &mut change)?;
        let mut places: Vec<StatementId> = Vec::new();
        for near in members.iter().filter_map(|member| member.nearest) {
            if !near.fails.action && !places.contains(&near.id()) && self.open(near).is_some() {
                places.push(near.id());
            }
        }
        for id in places {
            self.leave(id, &mut change);
        }
        Some(change)
    }

    /// Takes the actions of the members out of the statement.
    fn leave(&self, id: StatementId, change: &mut Change<'a>) -> Option<()> {
        let policy = self.judged.policy(id.layer, id.document)?;
        let statement = policy.statements.get(id.statement)?;
        let values = &statement.action.values;
        let is_own = |value: &Text| {
            let mut all = self.members_of(id).map(|member| &member.asked.entry.request.action);
            value.as_literal().is_some_and(|literal| all.any(|action| **action == *literal))
        };
        let gone: Vec<usize> = (0..values.len())
            .filter(|at| !statement.action.negated && values.get(*at).is_some_and(is_own))
            .collect();
        if gone.is_empty() {
            return None;
        }
        let edits = tighten::without_values(statement, values, &gone)?;
        let layers = self.with(id, |policy| {
            let added = change.added.iter().map(|grant| grant.statement(statement));
            policy.statements.extend(added);
            if let Some(own) = policy.statements.get_mut(id.statement) {
                own.action.values.retain(|value| !is_own(value));
            }
        })?;
        let kept =
            self.allowed().all(|request| decide_plainly(&layers, request) == Decision::Allowed);
        if kept {
            change.edits.extend(edits);
        }
        Some(())
    }

    fn members_of(&self, id: StatementId) -> impl Iterator<Item = &'a Member<'a, 'n, 'r>> {
        let own =
            move |member: &&Member<'_, '_, '_>| member.nearest.is_some_and(|near| near.id() == id);
        self.group.members.iter().filter(own)
    }

    /// What Karpenter asks and is allowed.
    fn allowed(&self) -> impl Iterator<Item = &'a Request> {
        let asked = self.judged.all_asked().iter();
        asked.filter(|asked| asked.answer == Answer::Allowed).map(|asked| &asked.entry.request)
    }

    /// A statement as a policy of its own.
    fn alone(&self, policy: &Policy, statement: &Statement) -> Layers {
        let statement = Statement { effect: Effect::Allow, ..statement.clone() };
        let statements = vec![statement];
        let policy = Policy { statements, unknown: Vec::new(), ..policy.clone() };
        Layers { identity: vec![self.compiled(&policy)], ..Layers::default() }
    }

    fn compiled(&self, policy: &Policy) -> Arc<Compiled> {
        let bind = |hole: &str| self.judged.case.resolved.resolve(hole);
        Arc::new(Compiled::with_readings(policy, &bind, Readings::Open))
    }

    /// All layers, with another text of one identity policy.
    fn with(&self, id: StatementId, edit: impl Fn(&mut Policy)) -> Option<Layers> {
        if id.layer != Layer::Identity {
            return None;
        }
        let mut policy = self.judged.policy(id.layer, id.document)?.clone();
        edit(&mut policy);
        let mut layers = super::super::layers(&self.judged.case);
        *layers.identity.get_mut(id.document)? = self.compiled(&policy);
        Some(layers)
    }
}

/// Whether a statement that others share, and that `asks` for what it does, limits the member to what it
/// needs.
fn is_limited(member: &Member<'_, '_, '_>, asks: &dyn Fn(&Asked<'_, '_>) -> bool) -> bool {
    let specific = member.nearest.is_some_and(|near| near.specific || near.fails.resource);
    (specific || grant::is_without_resource(member.asked.entry)) && asks(member.asked)
}

/// Statements that grant what was asked and no more, and the edits that put them beside the other ones
/// of a policy; `None` if they cannot be written there.
pub(in crate::check) fn own_statements(
    asked: &[&Asked<'_, '_>],
    judged: &Judgement<'_, '_, '_>,
    policy: &Policy,
) -> Option<(Vec<Statement>, Vec<Edit>)> {
    let sids = policy.statements.iter().filter_map(|own| own.sid.as_ref().map(Text::display));
    let grants = grant::grants(asked, judged, &sids.collect::<Vec<_>>())?;
    let like = policy.statements.first()?;
    let statements: Vec<Statement> = grants.iter().map(|grant| grant.statement(like)).collect();
    if !least::harmless(&judged.case, policy, statements.clone()) {
        return None;
    }
    let edits = render::add(judged.case.sources, policy, &grants)?;
    Some((statements, spelling::there(judged, edits)?))
}

impl Change<'_> {
    /// What a statement is after the change.
    pub(super) fn after(
        &mut self,
        id: StatementId,
        statement: &Statement,
    ) -> Option<&mut Statement> {
        if !self.after.iter().any(|(known, _)| *known == id) {
            self.after.push((id, statement.clone()));
        }
        self.after.iter_mut().find(|(known, _)| *known == id).map(|(_, after)| after)
    }

    /// Another key, operator or value over a line, as the statement is after the change.
    pub(super) fn line(
        &mut self,
        (id, statement, line): (StatementId, &Statement, usize),
        edit: impl FnOnce(&mut crate::policy::Condition, &dyn Fn(&str) -> Text),
    ) {
        let like = |value: &str| grant::text(value, statement);
        if let Some(condition) =
            self.after(id, statement).and_then(|after| after.conditions.get_mut(line))
        {
            edit(condition, &like);
        }
    }
}
