//! What a fixed policy must still allow, and what it must not: decided by evaluation, on the policy as
//! it is read from the file in whatever form.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::naive::installation;
use karplint::controller::load;
use karplint::eval::{Compiled, Decision, Layers, decide};
use karplint::extract::terraform::Terraform;
use karplint::extract::{Extracted, Supplied, extract};
use karplint::karpenter::{Rules, needs};
use karplint::policy::request::{Context, Key, Request, Status, Target, Values};
use karplint::policy::symbolic::{Piece, Symbolic, Symbols};
use karplint::source::{ModuleFile, ModuleFolder, SourceId, SourceMap, is_module_file};

/// Requests of one version in the installation of the tests.
pub(crate) struct Probes {
    /// What Karpenter asks.
    needed: Vec<Request>,
    /// What it does not: each differs from a need in one thing, or does harm.
    others: Vec<(String, Request)>,
}

/// Decisions on all of [`Probes`].
pub(crate) struct Decisions {
    needed: Vec<Decision>,
    others: Vec<Decision>,
}

impl Probes {
    pub(crate) fn of(version: &str) -> Self {
        let rules = Rules::builtin();
        let resolved = installation(rules, version);
        let mut symbols = resolved.symbols.clone();
        let all = needs(rules, &resolved.settings, Arc::make_mut(&mut symbols));
        let mut needed: Vec<Request> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for entry in all.iter().flat_map(|need| &need.entries) {
            let request = known(&entry.request, &symbols);
            if seen.insert(format!("{} {:?}", shown(&request), request.context)) {
                needed.push(request);
            }
        }
        let mut others = Vec::new();
        for request in &needed {
            altered(request, &mut others);
        }
        // Every action on what another is asked for.
        for one in &needed {
            for other in &needed {
                let mixed = Request { action: one.action.clone(), ..other.clone() };
                others.push((format!("as {} is asked", other.action), mixed));
            }
        }
        harms(&mut others);
        Self { needed, others }
    }

    /// Decides everything on the policies of these files.
    pub(crate) fn decide(&self, files: &[PathBuf]) -> Decisions {
        let layers = Layers { identity: read(files), ..Layers::default() };
        Decisions {
            needed: self.needed.iter().map(|request| decide(&layers, request)).collect(),
            others: self.others.iter().map(|(_, request)| decide(&layers, request)).collect(),
        }
    }

    /// What `before` allows of the needs and `after` does not.
    pub(crate) fn lost(&self, before: &Decisions, after: &Decisions) -> Option<String> {
        let pairs = before.needed.iter().zip(&after.needed).zip(&self.needed);
        let mut lost = pairs.filter(|((before, after), _)| {
            **before == Decision::Allowed && **after != Decision::Allowed
        });
        lost.next().map(|(_, request)| shown(request))
    }

    /// What all of `known` deny for certain and `after` does not.
    pub(crate) fn beyond(&self, known: &[&Decisions], after: &Decisions) -> Option<String> {
        let mut all = self.others.iter().zip(&after.others).enumerate();
        let denied = |at: usize| known.iter().all(|one| one.others[at].is_denied());
        all.find(|(at, (_, after))| !after.is_denied() && denied(*at))
            .map(|(_, ((what, request), _))| format!("{what}: {}", shown(request)))
    }

    /// The first need of which the decision is `such`.
    pub(crate) fn denied(
        &self,
        decisions: &Decisions,
        such: impl Fn(&Decision) -> bool,
    ) -> Option<String> {
        let mut all = decisions.needed.iter().zip(&self.needed);
        all.find(|(decision, _)| such(decision)).map(|(_, request)| shown(request))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.needed.len() + self.others.len()
    }
}

fn shown(request: &Request) -> String {
    let resource = match &request.resource {
        Target::Any => "*".to_owned(),
        Target::Arn(arn) => arn.display(&Symbols::new()),
    };
    let keys = request.context.iter().map(|(key, status)| {
        let key = key.text().display(&Symbols::new());
        match status {
            Status::Known(Values::One(one)) => format!("{key}={}", one.display(&Symbols::new())),
            Status::Absent => format!("no {key}"),
            _ => key,
        }
    });
    let keys: Vec<String> = keys.filter(|key| key.contains("tag")).collect();
    format!("{} on {resource} with {}", request.action, keys.join(", "))
}

/// A likely value for everything that is not known.
fn fill(text: &Symbolic, symbols: &Symbols) -> Symbolic {
    let mut out = String::new();
    for piece in text.pieces() {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Symbol(symbol) => out.push_str(match symbols.name(*symbol) {
                "hash" => "12345678901234567890",
                "nodeclass_uid" => "0a1b2c3d-1111-2222-3333-444455556666",
                _ => "0123456789abcdef0",
            }),
        }
    }
    Symbolic::literal(&out)
}

/// The request with all its values.
fn known(request: &Request, symbols: &Symbols) -> Request {
    map(request, &|text| fill(text, symbols))
}

/// The request with every text of it changed.
fn map(request: &Request, change: &dyn Fn(&Symbolic) -> Symbolic) -> Request {
    let mut context = Context::new(Arc::clone(&request.context.otherwise));
    for (key, status) in request.context.iter() {
        let status = match status {
            Status::Known(Values::One(one)) => Status::Known(Values::One(change(one))),
            Status::Known(Values::OneOf(some)) => {
                Status::Known(Values::OneOf(some.iter().map(change).collect()))
            }
            Status::Known(Values::Many(all)) => {
                Status::Known(Values::Many(all.iter().map(change).collect()))
            }
            other => other.clone(),
        };
        context.set(Key::new(&change(key.text())), status);
    }
    let resource = match &request.resource {
        Target::Any => Target::Any,
        Target::Arn(arn) => Target::Arn(change(arn)),
    };
    Request { action: request.action.clone(), resource, context }
}

/// The request from elsewhere, without each tag, with another value of each key, on another resource.
fn altered(request: &Request, out: &mut Vec<(String, Request)>) {
    let swapped = |from: &'static str, to: &'static str| {
        map(request, &|text: &Symbolic| match text.as_literal() {
            Some(text) => Symbolic::literal(&text.replace(from, to)),
            None => text.clone(),
        })
    };
    for (what, from, to) in [
        ("another region", "us-west-2", "eu-west-1"),
        ("another cluster", "demo", "other"),
        ("another account", "111122223333", "999988887777"),
        ("another partition", "arn:aws:", "arn:aws-cn:"),
    ] {
        let mut elsewhere = swapped(from, to);
        // What belongs to another cluster has its tag in the place of ours.
        for (key, _) in request.context.iter() {
            if elsewhere.context.listed(key).is_none() {
                elsewhere.context.set(key.clone(), Status::Absent);
            }
        }
        out.push((what.to_owned(), elsewhere));
    }
    let mut bare = request.clone();
    for (key, status) in request.context.iter() {
        let name = key.text().as_literal().unwrap_or_default().to_owned();
        let mut without = request.clone();
        without.context.set(key.clone(), Status::Absent);
        out.push((format!("without {name}"), without));
        if let Status::Known(values) = status {
            let other = Symbolic::literal("somebody-elses");
            let values = match values {
                Values::Many(_) => Values::Many(vec![other]),
                _ => Values::One(other),
            };
            let mut changed = request.clone();
            changed.context.set(key.clone(), Status::Known(values));
            out.push((format!("another {name}"), changed));
        }
        if name.contains("tag") {
            bare.context.set(key.clone(), Status::Absent);
        }
    }
    out.push(("without tags".to_owned(), bare));
    if let Target::Arn(arn) = &request.resource
        && let Some(arn) = arn.as_literal()
    {
        let head = arn.rsplit_once(['/', ':']).map_or(arn, |(head, _)| head);
        let mut changed = request.clone();
        changed.resource = Target::Arn(Symbolic::literal(&format!("{head}/somebody-elses")));
        out.push(("another resource".to_owned(), changed));
        let bucket = Target::Arn(Symbolic::literal("arn:aws:s3:::bucket/key"));
        out.push(("a bucket".to_owned(), Request { resource: bucket, ..request.clone() }));
    }
    let (service, name) = request.action.split_once(':').unwrap();
    for action in [
        format!("s3:{name}"),
        format!("{service}:Get{name}"),
        format!("{service}:CreateSomething"),
        format!("{service}:GetSomething"),
        format!("{name}:{service}"),
        "iam:CreateUser".to_owned(),
        "ec2:DeleteVolume".to_owned(),
        "s3:GetObject".to_owned(),
    ] {
        let changed = Request { action: action.into(), ..request.clone() };
        out.push(("another action".to_owned(), changed));
    }
}

/// What no grant may allow, by the list of the rules.
fn harms(out: &mut Vec<(String, Request)>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/karpenter/harm.toml");
    let table: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    let filled = |text: &str| {
        text.replace("${partition}", "aws")
            .replace("${region}", "us-west-2")
            .replace("${account}", "111122223333")
            .replace("${cluster}", "demo")
    };
    for harm in table["harm"].as_array().unwrap() {
        for action in harm["actions"].as_array().unwrap() {
            let mut request =
                Request::new(action.as_str().unwrap(), &filled(harm["resource"].as_str().unwrap()))
                    .with("aws:RequestedRegion", "us-west-2")
                    .with("ec2:Region", "us-west-2");
            let entries = |name: &str| {
                let table = harm.get(name).and_then(toml::Value::as_table);
                table
                    .cloned()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(key, value)| (filled(&key), filled(value.as_str().unwrap())))
            };
            for (tag, value) in entries("tags") {
                request = request
                    .with(&format!("aws:ResourceTag/{tag}"), &value)
                    .with(&format!("ec2:ResourceTag/{tag}"), &value);
            }
            let sent: Vec<(String, String)> = entries("request_tags").collect();
            for (tag, value) in &sent {
                request = request.with(&format!("aws:RequestTag/{tag}"), value);
            }
            if !sent.is_empty() {
                request =
                    request.with_values("aws:TagKeys", sent.iter().map(|(tag, _)| tag.as_str()));
            }
            for (key, value) in entries("context") {
                request = request.with(&key, &value);
            }
            out.push((harm["id"].as_str().unwrap().to_owned(), request));
        }
    }
}

/// What files hold, whatever their form, with the file of a source.
pub(crate) fn extracted<'s>(
    sources: &'s SourceMap,
    files: &[PathBuf],
) -> Vec<(Extracted, impl Fn(SourceId) -> PathBuf + use<'s>)> {
    let mut known: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut modules: Vec<ModuleFolder> = Vec::new();
    let mut out = Vec::new();
    for path in files {
        let name = path.display().to_string();
        known.insert(name.clone(), path.clone());
        let file = path.file_name().unwrap().to_str().unwrap();
        if file.ends_with(".tftpl") {
            continue;
        }
        let source = sources.add_file(name, fs::read_to_string(path).unwrap());
        if !is_module_file(file) {
            out.push(extract(sources, source, true, &Supplied::default()).unwrap());
            continue;
        }
        let folder = path.parent().unwrap().to_owned();
        let place = modules.iter().position(|module| module.path == folder).unwrap_or_else(|| {
            let (named, shown) = (modules.is_empty(), String::new());
            modules.push(ModuleFolder { path: folder, shown, files: Vec::new(), named, given: 0 });
            modules.len() - 1
        });
        modules[place].files.push(ModuleFile { path: path.clone(), source });
    }
    let folders: Vec<PathBuf> = modules.iter().map(|module| module.path.clone()).collect();
    if let Some(base) = folders.first() {
        let terraform = Terraform::new(&folders, base, &[]);
        let found = terraform.evaluate(sources, &modules);
        out.extend(found.into_iter().map(|(_, found)| found.extracted));
    }
    let file_of = move |source: SourceId| {
        let name = sources.get(source).name().to_owned();
        let end = Path::new(&name).to_owned();
        known
            .get(&name)
            .or_else(|| known.values().find(|path| path.ends_with(&end)))
            .cloned()
            .unwrap_or(end)
    };
    out.into_iter().map(|found| (found, file_of.clone())).collect()
}

/// The policies of files.
fn read(files: &[PathBuf]) -> Vec<Arc<Compiled>> {
    let sources = SourceMap::new();
    let bind = |hole: &str| {
        let hole = hole.to_lowercase();
        Symbolic::literal(match hole.as_str() {
            _ if hole.contains("role") => "arn:aws:iam::111122223333:role/KarpenterNodeRole-demo",
            _ if hole.contains("queue") && hole.ends_with("arn") => {
                "arn:aws:sqs:us-west-2:111122223333:demo"
            }
            _ if hole.contains("partition") => "aws",
            _ if hole.contains("region") => "us-west-2",
            _ if hole.contains("account") => "111122223333",
            _ if hole.contains("cluster") || hole.contains("queue") => "demo",
            _ => panic!("what is {hole}?"),
        })
    };
    let found = extracted(&sources, files);
    let documents = found.iter().flat_map(|(found, _)| load(&sources, found));
    documents.map(|document| Arc::new(Compiled::new(&document.policy, &bind))).collect()
}
