//! The change that takes a finding away, as edits: into what is there where that fits, else as a
//! statement of its own. Nothing is taken from a Deny, and nothing is written that allows more.

use crate::controller::Document;
use crate::eval::Layer;
use crate::finding::{Applicability, Finding, Fix};
use crate::fix::{Edit, carry, in_order, plain};
use crate::policy::{Effect, Statement};
use crate::source::{SourceMap, Span};
use crate::syntax::{Style, Text};

use super::super::cause::{Cause, Member, StatementId};
use super::super::judge::Asked;
use super::super::nearest::{Candidate, service_of};
use super::super::{least, size, words};
use super::slot::{Slot, inner};
use super::{Teller, grant, render, spelling};

/// Edits, and whether somebody should look at them.
#[derive(Default)]
pub(super) struct Change<'t> {
    pub(super) edits: Vec<Edit>,
    pub(super) look: bool,
    /// What goes into lists.
    pub(super) lists: Vec<(Slot<'t>, Vec<String>)>,
    /// What statements of their own are for.
    pub(super) apart: Vec<String>,
    /// The statements of their own.
    pub(super) added: Vec<grant::Grant>,
    /// What statements are after the change.
    pub(super) after: Vec<(StatementId, Statement)>,
}

impl<'t> Change<'t> {
    /// Puts a value down for a list.
    pub(super) fn put(&mut self, slot: Slot<'t>, item: &str) {
        match self.lists.iter_mut().find(|(known, _)| known.place() == slot.place()) {
            Some((_, items)) if items.iter().any(|known| known == item) => {}
            Some((_, items)) => items.push(item.to_owned()),
            None => self.lists.push((slot, vec![item.to_owned()])),
        }
    }

    /// Makes edits of what was put down.
    fn fill(mut self, sources: &SourceMap) -> Option<Self> {
        for (slot, items) in std::mem::take(&mut self.lists) {
            self.edits.extend(slot.take(sources, &items)?);
        }
        Some(self)
    }
}

impl<'a, 'n, 'r> Teller<'a, 'n, 'r, '_> {
    /// The fix of a finding: one that can only be told where no edit is sure to be right.
    pub(super) fn mend(&self, finding: &Finding) -> Option<Fix> {
        let title = finding.help.clone()?;
        let told = Fix { title, applicability: Applicability::Display, edits: Vec::new() };
        let change = match &self.group.cause {
            Cause::Deny(_) => None,
            Cause::Elsewhere(_) => self.here(),
            Cause::Misspelt { .. } => self.spell(),
            Cause::Condition { .. } | Cause::Operator(..) => {
                let here = self.values().filter(|change| self.is_for_these_alone(change));
                here.or_else(|| self.apart())
            }
            Cause::Resource(_) => self.more_resources(),
            Cause::Action(_) | Cause::Nothing { .. } => self.actions_and_statements(),
        };
        let sources = self.judged.case.sources;
        let lists: Vec<String> = change
            .iter()
            .flat_map(|change| &change.lists)
            .flat_map(|(_, items)| items.iter().map(|item| format!("\"{item}\"")))
            .collect();
        let change = change.and_then(|change| change.fill(sources));
        let Some(Change { edits, look, apart, .. }) = change else { return Some(told) };
        let Some(mut edits) = spelling::there(self.judged, edits) else { return Some(told) };
        in_order(&mut edits);
        edits.dedup();
        let whole = !edits.is_empty() && edits.iter().all(|edit| carry(sources, edit).is_some());
        if !whole {
            return Some(told);
        }
        let assumed = self.group.members.iter().any(|member| member.asked.entry.assumed.is_some());
        let outgrown = self.outgrown(&edits);
        let applicability = match look || assumed || outgrown.is_some() {
            true => Applicability::Unsafe,
            false => Applicability::Safe,
        };
        let alone = format!("allow {} in a statement of its own", words::list(&apart, 3));
        let title = match (apart.is_empty(), lists.is_empty()) {
            (true, _) => told.title,
            (false, true) => alone,
            (false, false) => {
                let lists = words::list(&words::distinct(lists.into_iter()), 3);
                format!("add {lists} where all else fits, and {alone}")
            }
        };
        let title = match outgrown.map(size::number) {
            Some(most) => format!(
                "{title}; the policy is then longer than the {most} characters that AWS takes"
            ),
            None => title,
        };
        let title = spelling::told(self.judged, &edits, title);
        Some(Fix { title, applicability, edits })
    }

    /// What AWS takes of a document that the edits make longer than that.
    fn outgrown(&self, edits: &[Edit]) -> Option<u64> {
        let case = &self.judged.case;
        let mut documents =
            case.controller.all_documents().filter_map(|index| case.documents.get(index));
        documents.find_map(|document| size::outgrown(case, document, edits))
    }

    /// Why a person has to write it: a key of a map in a template holds no name that only the deployment
    /// knows.
    pub(super) fn by_hand(&self) -> Option<String> {
        let near = self.group.members.iter().find_map(|member| member.nearest)?;
        let (document, statement) = self.open(near)?;
        let sources = self.judged.case.sources;
        if document.origin.address.is_none() || least::is_text(sources, statement) {
            return None;
        }
        let mut wanted = self.group.members.iter().filter_map(|member| {
            grant::wanted(member.asked, self.judged)?.keys().find(|key| key.contains("${"))
        });
        wanted.next().map(|key| words::no_key(key))
    }

    /// The document of a layer, if its file may be changed.
    fn document(&self, layer: Layer, document: usize) -> Option<&'a Document> {
        let controller = self.judged.case.controller;
        let index = match layer {
            Layer::Identity => *controller.identity.get(document)?,
            Layer::Boundary => controller.boundary?,
            Layer::Session => return None,
            Layer::ServiceControl(level) => {
                *controller.service_control.get(level)?.get(document)?
            }
        };
        let found = self.judged.case.documents.get(index)?;
        (!found.origin.generated && !found.is_filled_in).then_some(found)
    }

    /// The statement that a candidate stands for, if it may be changed.
    pub(super) fn open(&self, near: &Candidate) -> Option<(&'a Document, &'a Statement)> {
        let document = self.document(near.layer, near.document)?;
        let statement = document.policy.statements.get(near.statement)?;
        let open = statement.is_surely(Effect::Allow) && !document.has_element_twice(statement);
        open.then_some((document, statement))
    }

    fn spell(&self) -> Option<Change<'a>> {
        let sources = self.judged.case.sources;
        let mut change = Change::default();
        for member in &self.group.members {
            let near = member.nearest?;
            self.open(near)?;
            let found = near.fails.misspelt.as_ref()?;
            if sources.slice(found.span) != found.written {
                // The token with its quotes, or one that stands elsewhere.
                let bare = sources.slice(found.span);
                let inner = bare.trim_matches(['"', '\'']);
                if inner != found.written || bare.len() != inner.len() + 2 {
                    return None;
                }
                let Span { source, start, end } = found.span;
                let span = Span::new(source, start + 1, end - 1);
                change.edits.push(Edit { span, text: found.meant.clone() });
                continue;
            }
            change.edits.push(Edit { span: found.span, text: found.meant.clone() });
        }
        Some(change)
    }

    /// The place of a text without its quotes, if it stands there as it is.
    pub(super) fn bare(&self, text: &Text) -> Option<Span> {
        let sources = self.judged.case.sources;
        let span = inner(sources, text.span);
        (sources.slice(span) == text.display()).then_some(span)
    }

    /// Another text in the place of one, as it may stand without the quotes that are not there.
    pub(super) fn instead(&self, text: &Text, new: String) -> Option<Edit> {
        let span = self.bare(text)?;
        let text = if text.style == Style::Plain { plain::scalar(&new) } else { new };
        Some(Edit { span, text })
    }

    fn more_resources(&self) -> Option<Change<'a>> {
        let mut change = Change { look: true, ..Change::default() };
        let mut apart = Vec::new();
        for member in &self.group.members {
            let near = member.nearest?;
            let (_, statement) = self.open(near)?;
            let entry = member.asked.entry;
            let item = grant::resource(member.asked, self.judged);
            let element = statement.resource.as_ref().filter(|element| !element.negated);
            let fits = self.limits(statement, member.asked) && near.fails.lines.is_empty();
            match element {
                // What AWS authorises on no resource at all stands beside none.
                Some(element)
                    if item == "*" && near.fails.lines.is_empty() && self.is_bare(statement) =>
                {
                    let [value] = element.values.as_slice() else { return None };
                    change.edits.push(self.instead(value, item)?);
                }
                Some(element) if fits && item != "*" && !entry.request.action.is_empty() => {
                    change.put(Slot::of(element), &item);
                    let value = grant::text(&item, statement);
                    if let Some(after) = change.after(near.id(), statement) {
                        after.resource.iter_mut().for_each(|own| own.values.push(value.clone()));
                    }
                }
                _ => apart.push(member),
            }
        }
        if !self.is_for_these_alone(&change) {
            return self.apart();
        }
        self.statements(&apart, &mut change)?;
        Some(change)
    }

    fn actions_and_statements(&self) -> Option<Change<'a>> {
        let sources = self.judged.case.sources;
        let mut change = Change::default();
        let mut apart: Vec<&Member<'a, 'n, 'r>> = Vec::new();
        for member in &self.group.members {
            let action = &*member.asked.entry.request.action;
            let fit = member.nearest.filter(|near| self.takes(near, member));
            let Some((_, statement)) = fit.and_then(|near| self.open(near)) else {
                apart.push(member);
                continue;
            };
            let list = Slot::of(&statement.action);
            match list.take(sources, &[action.to_owned()]) {
                Some(_) => {
                    change.look |= fit.is_some_and(|near| near.fails.unknown);
                    change.put(list, action);
                }
                None => apart.push(member),
            }
        }
        self.statements(&apart, &mut change)?;
        Some(change)
    }

    /// Whether the action may stand in this statement: all else fits, the tags that limit the entry
    /// limit the statement, and nothing harmful comes along.
    fn takes(&self, near: &Candidate, member: &Member<'_, '_, '_>) -> bool {
        let fails = &near.fails;
        let unknown = fails.unknown && !fails.meant;
        let alone = fails.action && !fails.resource && fails.lines.is_empty() && !unknown;
        let Some((document, statement)) = self.open(near) else { return false };
        let service = service_of(&member.asked.entry.request.action);
        let mut actions = statement.action.values.iter().filter_map(Text::as_literal);
        let same = |action: &str| service_of(action).eq_ignore_ascii_case(service);
        alone
            && (statement.action.values.is_empty() || actions.any(same))
            && !statement.action.negated
            && statement.resource.as_ref().is_some_and(|resource| {
                let any = || resource.values.iter().any(|value| value.as_literal() == Some("*"));
                !resource.negated && (!grant::is_without_resource(member.asked.entry) || any())
            })
            && self.limits(statement, member.asked)
            && !self.means_another_thing(statement, &member.asked.entry.request.action)
            && (near.layer != Layer::Identity
                || least::harmless(
                    &self.judged.case,
                    &document.policy,
                    vec![grant::with_action(statement, &member.asked.entry.request.action)],
                ))
    }

    /// Whether a statement is limited by what limits the entry, and speaks of no tags that it does not send.
    fn limits(&self, statement: &Statement, asked: &Asked<'_, '_>) -> bool {
        let rule = asked.entry.rule;
        let keys: Vec<String> =
            statement.conditions.iter().map(|line| line.key.display().to_lowercase()).collect();
        let has = |part: &str| keys.iter().any(|key| key.contains(part));
        let Some(wanted) = grant::wanted(asked, self.judged) else { return false };
        let mut purposes =
            wanted.keys().filter(|key| !key.contains("Tag/") && *key != grant::REGION);
        let tags = match rule.request_tags {
            Some(_) => has("requesttag/"),
            None => !has("requesttag/") && !has("aws:tagkeys"),
        };
        tags && (rule.resource_tags.is_none() || has("resourcetag/"))
            && purposes.all(|key| keys.contains(&key.to_lowercase()))
    }

    /// Whether the action creates what the statement is about, and the statement does not limit what is
    /// created: there it would allow what nobody asks for.
    fn means_another_thing(&self, statement: &Statement, action: &str) -> bool {
        if statement.conditions.iter().any(|line| is_request_tag(&line.key)) {
            return false;
        }
        let resources = statement.resource.iter().flat_map(|element| &element.values);
        resources.into_iter().any(|value| {
            let text = value.display();
            let own = text.rsplit(':').next().and_then(|rest| rest.split('/').next());
            let entries = self.judged.all_asked().iter().map(|asked| asked.entry);
            let mut of_type = entries
                .filter(|entry| {
                    &*entry.request.action == action && own == Some(entry.resource_type)
                })
                .peekable();
            of_type.peek().is_some() && of_type.all(|entry| entry.rule.request_tags.is_some())
        })
    }

    /// Whether no action of the statement is authorised on single resources, and one value stands there.
    fn is_bare(&self, statement: &Statement) -> bool {
        let has_resource = |action: &str| {
            let mut asked = self.judged.all_asked().iter().map(|asked| asked.entry);
            asked.any(|entry| {
                entry.request.action.eq_ignore_ascii_case(action)
                    && !grant::is_without_resource(entry)
            })
        };
        let bare = |action: &str| grant::has_no_resource(action) && !has_resource(action);
        statement.resource.as_ref().is_some_and(|element| element.values.len() == 1)
            && statement.action.values.iter().all(|value| value.as_literal().is_some_and(bare))
    }

    /// Statements of their own for what has no place.
    pub(super) fn statements(
        &self,
        apart: &[&Member<'a, 'n, 'r>],
        change: &mut Change<'a>,
    ) -> Option<()> {
        if apart.is_empty() {
            return Some(());
        }
        change.look = true;
        let identity = |member: &&&Member<'_, '_, '_>| {
            let trace = member.asked.trace.as_ref();
            trace.and_then(super::failing_layer).is_none_or(|layer| layer.layer == Layer::Identity)
        };
        if !apart.iter().all(|member| identity(&member)) {
            return None;
        }
        let controller = self.judged.case.controller;
        let near = apart.iter().filter_map(|member| member.nearest);
        let own =
            near.filter(|near| near.layer == Layer::Identity).map(|near| near.document).next();
        let size = |document: &&Document| {
            document.policy.statements.iter().map(|s| s.action.values.len()).sum::<usize>()
        };
        let documents = (0..controller.identity.len())
            .filter_map(|document| self.document(Layer::Identity, document));
        let document = own
            .and_then(|own| self.document(Layer::Identity, own))
            .or_else(|| documents.max_by_key(size))?;
        let sids: Vec<String> = document
            .policy
            .statements
            .iter()
            .filter_map(|statement| statement.sid.as_ref().map(Text::display))
            .collect();
        let asked: Vec<&Asked<'n, 'r>> = apart.iter().map(|member| member.asked).collect();
        let grants = grant::grants(&asked, self.judged, &sids)?;
        let like = document.policy.statements.first()?;
        let statements = || grants.iter().map(|grant| grant.statement(like)).collect();
        if !least::harmless(&self.judged.case, &document.policy, statements()) {
            return None;
        }
        let sources = self.judged.case.sources;
        change.edits.extend(render::add(sources, &document.policy, &grants)?);
        let actions = grants.iter().flat_map(|grant| &grant.actions);
        change.apart = words::distinct(actions.map(|action| words::code(action)));
        change.added.clone_from(&grants);
        Some(())
    }
}

fn is_request_tag(key: &Text) -> bool {
    key.display().to_lowercase().contains("requesttag/")
}
