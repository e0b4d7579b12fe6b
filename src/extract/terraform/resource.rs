//! What is known of a resource's attributes before anything is applied: what its block says, and what
//! the data sources that only read files or make text would give.

use std::rc::Rc;

use super::scope::{Resource, World, unknown};
use super::value::{Bit, Kind, Str, Val};
use crate::source::Span;

impl World<'_> {
    /// `resource.name`, worked out once.
    pub(super) fn resource_attribute(
        &self,
        resource: &Rc<Resource>,
        name: &str,
        span: Span,
    ) -> Val {
        // These are the same in every module, so one name stands for them in all.
        let everywhere = ["aws_partition", "aws_region", "aws_caller_identity"];
        let own = match everywhere.contains(&&*resource.declared.kind) {
            true => resource.declared.key(),
            false => resource.address.to_string(),
        };
        let hole = || unknown(span, &format!("{own}.{name}"));
        match self.known(&resource.memo, name) {
            Some(known) => known.unwrap_or_else(hole),
            None => self.keep(&resource.memo, name.to_owned(), || {
                self.made(resource, name, span).unwrap_or_else(hole)
            }),
        }
    }

    fn made(&self, resource: &Rc<Resource>, name: &str, span: Span) -> Option<Val> {
        let declared = &resource.declared;
        let scope = resource.scope();
        let body = &declared.body;
        match (declared.data, &*declared.kind, name) {
            (true, "aws_iam_policy_document", "json" | "minified_json") => {
                self.used.borrow_mut().insert(Rc::clone(&resource.address));
                let policy = self.document(resource);
                return Some(Val::new(declared.name.span, Kind::Json(Rc::new(policy))));
            }
            (true, "local_file", "content") => {
                let path = self.argument(body, "filename", &scope)?;
                let source = self.file(&scope, &path)?;
                return Some(self.whole(source));
            }
            (true, "template_file", "rendered") => {
                let text = self.argument(body, "template", &scope)?;
                let values = self.argument(body, "vars", &scope);
                let values = values.unwrap_or_else(|| Val::map(span, Vec::new()));
                return self.rendered(&text, &values, &scope);
            }
            (true, "aws_iam_policy", "arn" | "id") if body.get("arn").is_none() => {
                return self.policy_of_aws(resource, span);
            }
            // These are names of their own once the resource is there.
            (false, "aws_iam_role", "id") | (_, "aws_eks_cluster", "id") => {
                return self.argument(body, "name", &scope);
            }
            // What Terraform itself keeps.
            (false, "terraform_data", "output") => return self.argument(body, "input", &scope),
            // A queue's URL.
            (_, "aws_sqs_queue", "id") => return None,
            _ => {}
        }
        // A name that is not given is made by the provider.
        self.argument(body, name, &scope)
    }

    /// The ARN of a policy that is looked up by the one name whose policy everybody knows.
    fn policy_of_aws(&self, resource: &Rc<Resource>, span: Span) -> Option<Val> {
        const NAME: &str = "AdministratorAccess";
        let name = self.argument(&resource.declared.body, "name", &resource.scope())?;
        name.as_text().filter(|name| name == NAME)?;
        let text = |text: &str| Bit::Text(span, text.into());
        let partition = Bit::Hole(span, "data.aws_partition.current.partition".into());
        let bits = vec![text("arn:"), partition, text(&format!(":iam::aws:policy/{NAME}"))];
        Some(Val::new(span, Kind::Text(Rc::new(Str { span, bits }))))
    }
}
