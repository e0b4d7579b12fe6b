//! A client of the language server: the real program, spoken to over its pipes.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use lsp_server::{Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

/// No answer takes this long, whatever else the machine does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    pub(crate) child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Message>,
    next: i32,
    /// The last diagnostics of each file.
    pub(crate) diagnostics: BTreeMap<String, Value>,
    pub(crate) logged: Vec<String>,
}

pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

impl Client {
    /// Starts the server without a word.
    pub(crate) fn silent() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_karplint"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let (sender, output) = channel();
        thread::spawn(move || {
            while let Ok(Some(message)) = Message::read(&mut reader) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Self { child, input, output, next: 0, diagnostics: BTreeMap::new(), logged: Vec::new() }
    }

    /// Starts the server for folders, with what the client can do.
    pub(crate) fn start(folders: &[&Path], capabilities: Value) -> (Self, Value) {
        let mut client = Self::silent();
        let listed: Vec<Value> =
            folders.iter().map(|folder| json!({ "uri": uri(folder), "name": "x" })).collect();
        let params = json!({
            "processId": null, "rootUri": null,
            "workspaceFolders": listed, "capabilities": capabilities,
        });
        let answer = client.ask("initialize", params).unwrap();
        client.tell("initialized", json!({}));
        (client, answer)
    }

    pub(crate) fn send(&mut self, message: Message) {
        let input = self.input.as_mut().unwrap();
        message.write(input).unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn tell(&mut self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params }.into());
    }

    /// Asks without waiting for the answer.
    pub(crate) fn ask_only(&mut self, method: &str, params: Value) -> RequestId {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.send(Request { id: id.clone(), method: method.to_owned(), params }.into());
        id
    }

    /// The answer, or the code of the error.
    pub(crate) fn ask(&mut self, method: &str, params: Value) -> Result<Value, i32> {
        let id = self.ask_only(method, params);
        self.answer(&id)
    }

    pub(crate) fn answer(&mut self, id: &RequestId) -> Result<Value, i32> {
        loop {
            match self.receive() {
                Message::Response(Response { id: own, response_result }) if own == *id => {
                    return response_result.map_err(|error| error.code);
                }
                other => self.take(other),
            }
        }
    }

    pub(crate) fn receive(&mut self) -> Message {
        self.output.recv_timeout(PATIENCE).expect("the server says something in time")
    }

    fn take(&mut self, message: Message) {
        let Message::Notification(told) = message else { return };
        match told.method.as_str() {
            "textDocument/publishDiagnostics" => {
                let uri = told.params["uri"].as_str().unwrap().to_owned();
                self.diagnostics.insert(uri, told.params);
            }
            "window/logMessage" => self.logged.push(told.params.to_string()),
            _ => {}
        }
    }

    pub(crate) fn open(&mut self, path: &Path, version: i32, text: &str) {
        let item = json!({ "uri": uri(path), "languageId": "x", "version": version, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": item }));
    }

    pub(crate) fn change(&mut self, path: &Path, version: i32, changes: Value) {
        self.tell(
            "textDocument/didChange",
            json!({
                "textDocument": { "uri": uri(path), "version": version },
                "contentChanges": changes,
            }),
        );
    }

    /// Puts a new text in the place of all.
    pub(crate) fn replace(&mut self, path: &Path, version: i32, text: &str) {
        self.change(path, version, json!([{ "text": text }]));
    }

    /// What is said of a version of a file.
    pub(crate) fn told(&mut self, path: &Path, version: i32) -> Vec<Value> {
        let uri = uri(path);
        loop {
            if let Some(known) = self.diagnostics.get(&uri)
                && known["version"] == version
            {
                return known["diagnostics"].as_array().unwrap().clone();
            }
            let message = self.receive();
            self.take(message);
        }
    }

    /// What is said of a file in the end: when all that was asked is answered.
    pub(crate) fn settled(&mut self, path: &Path) -> Vec<Value> {
        // Twice: the version that the tree pins may come between.
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(150));
            let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
            let params = json!({ "textDocument": { "uri": uri(path) }, "range": range, "context": { "diagnostics": [] } });
            self.ask("textDocument/codeAction", params).unwrap();
        }
        self.said(path)
    }

    /// What was last said of a file.
    pub(crate) fn said(&self, path: &Path) -> Vec<Value> {
        let known = self.diagnostics.get(&uri(path));
        known.map(|known| known["diagnostics"].as_array().unwrap().clone()).unwrap_or_default()
    }

    pub(crate) fn actions(&mut self, path: &Path, only: Option<&str>) -> Vec<Value> {
        let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9999, "character": 0 } });
        let mut context = json!({ "diagnostics": [] });
        if let Some(only) = only {
            context["only"] = json!([only]);
        }
        let params =
            json!({ "textDocument": { "uri": uri(path) }, "range": range, "context": context });
        self.ask("textDocument/codeAction", params).unwrap().as_array().unwrap().clone()
    }

    pub(crate) fn at(&mut self, method: &str, path: &Path, line: u32, character: u32) -> Value {
        let position = json!({ "line": line, "character": character });
        let params = json!({ "textDocument": { "uri": uri(path) }, "position": position });
        self.ask(method, params).unwrap()
    }

    /// Says goodbye; gives the exit code.
    pub(crate) fn leave(mut self) -> i32 {
        assert_eq!(self.ask("shutdown", Value::Null), Ok(Value::Null));
        self.tell("exit", Value::Null);
        self.hang_up()
    }

    /// Closes the pipe; gives the exit code.
    pub(crate) fn hang_up(&mut self) -> i32 {
        self.input = None;
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rules of diagnostics, in the order of the text; `-` where there is none.
pub(crate) fn rules(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().map(|one| one["code"].as_str().unwrap_or("-")).collect()
}

/// A text with the edits of a `WorkspaceEdit` for one file, whose columns are ASCII.
pub(crate) fn applied(text: &str, edits: &[Value]) -> String {
    let offset = |at: &Value| {
        let (line, character) = (at["line"].as_u64().unwrap(), at["character"].as_u64().unwrap());
        let start: usize = text.split_inclusive('\n').take(line as usize).map(str::len).sum();
        start + character as usize
    };
    let mut edits: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (offset(&range["start"]), offset(&range["end"]), edit["newText"].as_str().unwrap())
        })
        .collect();
    edits.sort();
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, new);
    }
    out
}
