//! What the server knows, and what it does with each message.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::thread;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::project::{Project, project_of};
use super::protocol::{
    ContentChange, DidChange, DidChangeFolders, DidOpen, OfDocument, Publish, WatchedFiles,
};
use super::text::{Buffer, Encoding};
use super::wire::Malformed;
use super::works::Works;
use super::{actions, complete, hover, uri};
use crate::cli::session::{Pinned, Session, pinned};
use crate::config;

/// What happens.
#[derive(Debug)]
pub(super) enum Event {
    Message(Message),
    /// Something that is no message.
    Malformed(Malformed),
    /// The client hung up.
    Closed,
    /// The version that the files below a folder pin.
    Pinned(PathBuf, Pinned),
}

/// What the client can do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Client {
    pub(super) encoding: Encoding,
    /// Whether edits can name the version that they are for.
    pub(super) versioned_edits: bool,
    pub(super) related: bool,
    watches: bool,
}

/// The open documents, and the folders they belong to.
pub(super) struct Server {
    sender: Box<dyn Fn(Message)>,
    events: Sender<Event>,
    pub(super) client: Client,
    folders: Vec<PathBuf>,
    pub(super) buffers: BTreeMap<String, Buffer>,
    pub(super) projects: BTreeMap<PathBuf, Project>,
    /// What was published for files that are not open, as it was sent.
    published: HashMap<String, Value>,
    /// What Karpenter asks for: of the project that was asked for last, and its state then.
    works: Option<(Whose, Works)>,
}

/// A project, and its state.
type Whose = (Option<PathBuf>, Option<u64>);

/// The answer to a request.
type Answer = Result<Value, (ErrorCode, &'static str)>;

fn read<T: DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}

impl Server {
    pub(super) fn new(sender: Box<dyn Fn(Message)>, events: Sender<Event>) -> Self {
        let client = Client {
            encoding: Encoding::Utf16,
            versioned_edits: false,
            related: false,
            watches: false,
        };
        Self {
            sender,
            events,
            client,
            folders: Vec::new(),
            buffers: BTreeMap::new(),
            projects: BTreeMap::new(),
            published: HashMap::new(),
            works: None,
        }
    }

    pub(super) fn send(&self, message: Message) {
        (self.sender)(message);
    }

    fn notify(&self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params }.into());
    }

    pub(super) fn initialize(&mut self, params: &Value) -> Value {
        let at = |path: &str| params.pointer(path);
        let is = |path: &str| at(path).and_then(Value::as_bool).unwrap_or(false);
        let encodings = at("/capabilities/general/positionEncodings").and_then(Value::as_array);
        let utf8 = encodings.is_some_and(|known| known.iter().any(|one| one == "utf-8"));
        self.client = Client {
            encoding: if utf8 { Encoding::Utf8 } else { Encoding::Utf16 },
            versioned_edits: is("/capabilities/workspace/workspaceEdit/documentChanges"),
            related: is("/capabilities/textDocument/publishDiagnostics/relatedInformation"),
            watches: is("/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration"),
        };
        let listed = at("/workspaceFolders").and_then(Value::as_array).map(Vec::as_slice);
        let uris = listed.unwrap_or_default().iter().filter_map(|folder| folder.get("uri"));
        let mut folders: Vec<PathBuf> =
            uris.filter_map(Value::as_str).filter_map(uri::path).collect();
        if folders.is_empty() {
            folders.extend(at("/rootUri").and_then(Value::as_str).and_then(uri::path));
        }
        self.folders = folders.iter().map(|folder| uri::canonical(folder)).collect();
        json!({
            "capabilities": {
                "positionEncoding": if utf8 { "utf-8" } else { "utf-16" },
                "textDocumentSync": {
                    "openClose": true,
                    "change": 2,
                    "save": { "includeText": false },
                },
                "hoverProvider": true,
                "completionProvider": { "triggerCharacters": [":", "\"", "/"] },
                "codeActionProvider": { "codeActionKinds": [actions::QUICK_FIX, actions::FIX_ALL] },
                "workspace": {
                    "workspaceFolders": { "supported": true, "changeNotifications": true },
                },
            },
            "serverInfo": { "name": "karplint", "version": env!("CARGO_PKG_VERSION") },
        })
    }

    /// Where a text stands that has no file yet: in a folder of its own, which nobody else is in.
    fn unsaved(&self, uri: &str) -> Option<PathBuf> {
        let name = uri.strip_prefix("untitled:")?;
        let own: String = uri.chars().map(|c| if "/\\".contains(c) { '_' } else { c }).collect();
        let folder = self.folders.first().cloned().or_else(|| std::env::current_dir().ok())?;
        let name = name.rsplit(['/', '\\']).next().filter(|name| !name.is_empty());
        Some(folder.join(own).join(name.unwrap_or("untitled")))
    }

    /// What cannot be read, or is not known, is passed over: nobody waits for an answer.
    pub(super) fn notified(&mut self, told: Notification) {
        match told.method.as_str() {
            "initialized" => self.watch(),
            "textDocument/didOpen" => {
                if let Some(DidOpen { text_document: item }) = read(told.params) {
                    let path = uri::path(&item.uri).map(|path| uri::canonical(&path));
                    let path = path.or_else(|| self.unsaved(&item.uri));
                    let buffer = Buffer::new(item.uri.clone(), path, item.version, item.text);
                    self.buffers.insert(item.uri.clone(), buffer);
                    self.look_at(&item.uri);
                }
            }
            "textDocument/didChange" => {
                if let Some(params) = read::<DidChange>(told.params) {
                    let version = params.text_document.version;
                    self.change(&params.text_document.uri, version, params.content_changes);
                }
            }
            "textDocument/didSave" => {
                if let Some(OfDocument { text_document, .. }) = read(told.params) {
                    self.touched(&text_document.uri);
                }
            }
            "textDocument/didClose" => {
                if let Some(OfDocument { text_document, .. }) = read(told.params) {
                    self.close(&text_document.uri);
                }
            }
            "workspace/didChangeWatchedFiles" => {
                let params: Option<WatchedFiles> = read(told.params);
                for change in params.into_iter().flat_map(|params| params.changes) {
                    self.touched(&change.uri);
                }
            }
            "workspace/didChangeWorkspaceFolders" => {
                if let Some(DidChangeFolders { event }) = read(told.params) {
                    let paths = |listed: &[super::protocol::Identifier]| -> Vec<PathBuf> {
                        let paths = listed.iter().filter_map(|folder| uri::path(&folder.uri));
                        paths.map(|path| uri::canonical(&path)).collect()
                    };
                    let gone = paths(&event.removed);
                    self.folders.retain(|folder| !gone.contains(folder));
                    self.folders.extend(paths(&event.added));
                    self.start_over();
                }
            }
            "workspace/didChangeConfiguration" => self.start_over(),
            _ => {}
        }
    }

    pub(super) fn asked(&mut self, request: &Request) -> Answer {
        const WRONG: (ErrorCode, &str) =
            (ErrorCode::InvalidParams, "the parameters are not those of the protocol");
        let method = request.method.as_str();
        if !["textDocument/hover", "textDocument/completion", "textDocument/codeAction"]
            .contains(&method)
        {
            return Err((ErrorCode::MethodNotFound, "karplint does not know this request"));
        }
        let params: OfDocument = read(request.params.clone()).ok_or(WRONG)?;
        let uri = params.text_document.uri;
        if !self.buffers.contains_key(&uri) {
            return Ok(Value::Null);
        }
        if method == "textDocument/codeAction" {
            self.judge_now(&uri);
            let range = params.range.ok_or(WRONG)?;
            let only = params.context.unwrap_or_default().only;
            return Ok(to_value(&actions::actions(self, &uri, range, only.as_deref())));
        }
        let position = params.position.ok_or(WRONG)?;
        let works = self.works(&uri);
        let Some(buffer) = self.buffers.get(&uri) else { return Ok(Value::Null) };
        let answer = if method == "textDocument/hover" {
            to_value(&hover::hover(buffer, position, self.client.encoding, &works))
        } else {
            to_value(&complete::complete(buffer, position, self.client.encoding, &works))
        };
        self.keep(&uri, works);
        Ok(answer)
    }

    /// What Karpenter asks for under the settings of a document's project.
    fn works(&mut self, uri: &str) -> Works {
        let folder = self.folder_of(uri);
        let project = folder.as_ref().and_then(|folder| self.projects.get(folder));
        let state = project.map(|project| project.session.state());
        match self.works.take() {
            Some((known, works)) if known == (folder, state) => works,
            _ => {
                let (rules, resolved) = match project {
                    Some(project) => project.session.settings(),
                    None => Session::new(PathBuf::new()).settings(),
                };
                Works::new(rules, resolved)
            }
        }
    }

    fn keep(&mut self, uri: &str, works: Works) {
        let folder = self.folder_of(uri);
        let project = folder.as_ref().and_then(|folder| self.projects.get(folder));
        let state = project.map(|project| project.session.state());
        self.works = Some(((folder, state), works));
    }

    /// Asks the client to say when files change.
    fn watch(&self) {
        if !self.client.watches {
            return;
        }
        let globs =
            ["**/karplint.toml", "**/*.{json,yaml,yml,template,tf,tofu,tfvars,tfstate,tpl,tftpl}"];
        let watchers: Vec<Value> =
            globs.iter().map(|glob| json!({ "globPattern": glob })).collect();
        let registration = json!({
            "id": "karplint-files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        });
        let params = json!({ "registrations": [registration] });
        let id = RequestId::from("karplint-watch".to_owned());
        self.send(Request { id, method: "client/registerCapability".to_owned(), params }.into());
    }

    /// The folder of the project that a document belongs to.
    pub(super) fn folder_of(&self, uri: &str) -> Option<PathBuf> {
        let path = self.buffers.get(uri)?.path.as_ref()?;
        Some(project_of(path, &self.folders))
    }

    /// The uri of a file: the client's own where it is open.
    pub(super) fn uri_of(&self, path: &Path) -> String {
        let open = self.buffers.values().find(|buffer| buffer.path.as_deref() == Some(path));
        open.map_or_else(|| uri::of(path), |buffer| buffer.uri.clone())
    }

    /// From now on a document is looked at.
    fn look_at(&mut self, uri: &str) {
        let Some(folder) = self.folder_of(uri) else { return };
        let Some(path) = self.buffers.get(uri).and_then(|buffer| buffer.path.clone()) else {
            return;
        };
        if !self.projects.contains_key(&folder) {
            let (events, below) = (self.events.clone(), folder.clone());
            // A whole tree may take its time; until then the newest version is taken.
            thread::spawn(move || {
                let found = pinned(&below);
                let _ = events.send(Event::Pinned(below, found));
            });
            self.projects.insert(folder.clone(), Project::new(folder.clone()));
        }
        if let Some(project) = self.projects.get_mut(&folder) {
            project.open(&path);
        }
    }

    pub(super) fn pinned(&mut self, folder: &Path, found: Pinned) {
        if let Some(project) = self.projects.get_mut(folder) {
            project.pinned(found);
        }
    }

    fn change(&mut self, uri: &str, version: Option<i32>, changes: Vec<ContentChange>) {
        let encoding = self.client.encoding;
        let folder = self.folder_of(uri);
        let Some(buffer) = self.buffers.get_mut(uri) else { return };
        buffer.version = version.unwrap_or(buffer.version);
        let mut project = folder.and_then(|folder| self.projects.get_mut(&folder));
        for change in changes {
            let changed = buffer.change(change, encoding);
            if let (Some(project), Some(path)) = (&mut project, &buffer.path) {
                project.shift(path, changed);
            }
        }
        if let (Some(project), Some(path)) = (project, &buffer.path) {
            project.changed(path, false);
        }
    }

    /// A file may not be on disk as it was.
    fn touched(&mut self, uri: &str) {
        let Some(path) = uri::path(uri).map(|path| uri::canonical(&path)) else { return };
        if path.file_name().is_some_and(|name| name == config::FILE_NAME) {
            return self.start_over();
        }
        for project in self.projects.values_mut() {
            project.changed(&path, true);
        }
    }

    fn close(&mut self, uri: &str) {
        let folder = self.folder_of(uri);
        let Some(Buffer { path: Some(path), .. }) = self.buffers.remove(uri) else { return };
        // What is said of it from now on is said of a file.
        self.notify_diagnostics(Publish {
            uri: uri.to_owned(),
            version: None,
            diagnostics: vec![],
        });
        let Some(folder) = folder else { return };
        let beside = path.parent();
        let open = self.buffers.values().filter_map(|buffer| buffer.path.as_deref());
        let is_last = !open.map(Path::parent).any(|folder| folder == beside);
        if let Some(project) = self.projects.get_mut(&folder) {
            let files = project.close(&path, is_last);
            self.publish(&folder, &files);
        }
    }

    /// Reads everything again: a configuration or the folders changed.
    fn start_over(&mut self) {
        self.projects.clear();
        self.works = None;
        for uri in std::mem::take(&mut self.published).into_keys() {
            if !self.buffers.contains_key(&uri) {
                self.notify_diagnostics(Publish { uri, version: None, diagnostics: Vec::new() });
            }
        }
        for buffer in self.buffers.values_mut() {
            buffer.is_given = false;
        }
        let uris: Vec<String> = self.buffers.keys().cloned().collect();
        uris.iter().for_each(|uri| self.look_at(uri));
    }

    /// Whether something is out of date.
    pub(super) fn is_dirty(&self) -> bool {
        self.projects.values().any(Project::is_dirty)
    }

    /// Judges one folder that is out of date; says whether there was one.
    pub(super) fn judge_next(&mut self) -> bool {
        let mut projects = self.projects.iter_mut();
        let Some((folder, judged)) = projects.find_map(|(folder, project)| {
            Some((folder.clone(), project.judge_next(&mut self.buffers)?))
        }) else {
            return false;
        };
        self.told(&folder, judged);
        true
    }

    /// Judges what an open document stands in, if that is out of date.
    fn judge_now(&mut self, uri: &str) {
        let Some(folder) = self.folder_of(uri) else { return };
        let Some(path) = self.buffers.get(uri).and_then(|buffer| buffer.path.clone()) else {
            return;
        };
        let project = self.projects.get_mut(&folder);
        if let Some(judged) = project.and_then(|known| known.judge_of(&path, &mut self.buffers)) {
            self.told(&folder, judged);
        }
    }

    fn told(&mut self, folder: &Path, (files, errors): (Vec<PathBuf>, Vec<String>)) {
        self.publish(folder, &files);
        for message in errors {
            self.notify("window/logMessage", json!({ "type": 2, "message": message }));
        }
    }

    /// Publishes what there is to say of files.
    fn publish(&mut self, folder: &Path, files: &[PathBuf]) {
        for path in files {
            let uri = self.uri_of(path);
            let Some(project) = self.projects.get(folder) else { return };
            let diagnostics = actions::diagnostics(self, project, path);
            let open = self.buffers.get(&uri);
            let version = open.map(|buffer| buffer.version);
            let value = to_value(&diagnostics);
            // An editor wants an answer to every change; of a file that is not open, what is new.
            let known = self.published.insert(uri.clone(), value.clone());
            if version.is_some() || known.map_or(!diagnostics.is_empty(), |known| known != value) {
                self.notify_diagnostics(Publish { uri, version, diagnostics });
            }
        }
    }

    fn notify_diagnostics(&self, publish: Publish) {
        self.notify("textDocument/publishDiagnostics", to_value(&publish));
    }
}

/// Own structs, without maps whose keys are no text: that cannot fail.
fn to_value<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
