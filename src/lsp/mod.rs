//! `karplint lsp`: the language server on standard input and output. It knows the protocol and the texts of
//! an editor; what there is to say of them comes from a session of the command line.

mod actions;
mod complete;
mod hover;
mod project;
mod protocol;
mod server;
mod text;
mod token;
mod uri;
mod wire;
mod works;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::Value;

use server::{Event, Server};

/// What is typed without a pause is judged all the same after this long.
const PATIENCE: Duration = Duration::from_millis(150);

/// Where a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was said yet.
    Fresh,
    Running,
    /// The client said goodbye, and is to hang up.
    Leaving,
}

/// Speaks until the client hangs up; gives the exit code: 0 if it said goodbye first. What the client says
/// that is no message is told on `err` as well.
#[must_use]
pub(crate) fn run(err: &mut dyn Write) -> u8 {
    let (events, inbox) = mpsc::channel();
    let (sender, outgoing) = mpsc::channel();
    let writer = thread::spawn(move || {
        let mut out = io::stdout().lock();
        // Who does not listen any more has hung up, which is told by other means.
        for message in outgoing {
            if wire::write(&mut out, &message).is_err() {
                return;
            }
        }
    });
    let forward = events.clone();
    // Messages wait here and not in the pipe, so that it can be seen which of them are out of date.
    let reader = thread::spawn(move || listen(&forward));
    let refuse = sender.clone();
    let mut refuse = move |wrong: wire::Malformed| {
        let _ = writeln!(err, "karplint lsp: {}", crate::report::escape::line(&wrong.message));
        let _ = err.flush();
        drop(refuse.send(wire::Outgoing::Refusal(wrong)));
    };
    let send = Box::new(move |message| drop(sender.send(wire::Outgoing::Message(message))));
    let code = serve(&mut Server::new(send, events), &inbox, &mut refuse);
    drop((inbox, refuse));
    // What is left to write is written; who hung up has no use for it.
    if reader.join().is_ok() {
        let _ = writer.join();
    }
    code
}

/// Hands on what the client says, until it hangs up or is not understood any more.
fn listen(forward: &Sender<Event>) {
    let mut from = io::stdin().lock();
    while let Some(read) = wire::read(&mut from) {
        let is_last = match &read {
            Ok(Message::Notification(told)) => told.method == "exit",
            Ok(_) => false,
            Err(wrong) => wrong.is_last,
        };
        let event = read.map_or_else(Event::Malformed, Event::Message);
        if forward.send(event).is_err() || is_last {
            break;
        }
    }
    let _ = forward.send(Event::Closed);
}

fn serve(
    server: &mut Server,
    inbox: &Receiver<Event>,
    refuse: &mut dyn FnMut(wire::Malformed),
) -> u8 {
    let mut stage = Stage::Fresh;
    let mut queue: VecDeque<Event> = VecDeque::new();
    let mut since: Option<Instant> = None;
    loop {
        queue.extend(inbox.try_iter());
        let late = since.is_some_and(|since| since.elapsed() > PATIENCE);
        if (queue.is_empty() || late) && server.judge_next() {
            since = None;
            continue;
        }
        let event = match queue.pop_front() {
            Some(event) => event,
            // Nothing is out of date, and nothing is to be read: wait.
            None => match inbox.recv() {
                Ok(event) => event,
                Err(_) => return 1,
            },
        };
        match event {
            Event::Closed => return u8::from(stage != Stage::Leaving),
            Event::Malformed(wrong) => refuse(wrong),
            Event::Pinned(folder, pinned) => server.pinned(&folder, pinned),
            Event::Message(Message::Response(_)) => {}
            Event::Message(Message::Notification(told)) => match (told.method.as_str(), stage) {
                ("exit", stage) => return u8::from(stage != Stage::Leaving),
                (_, Stage::Running) => server.notified(told),
                _ => {}
            },
            Event::Message(Message::Request(request)) => {
                let response = match (request.method.as_str(), stage) {
                    ("initialize", Stage::Fresh) => {
                        stage = Stage::Running;
                        Ok(server.initialize(&request.params))
                    }
                    (_, Stage::Fresh) => {
                        Err((ErrorCode::ServerNotInitialized, "`initialize` comes first"))
                    }
                    ("shutdown", Stage::Running) => {
                        stage = Stage::Leaving;
                        Ok(Value::Null)
                    }
                    ("initialize", _) | (_, Stage::Leaving) => {
                        Err((ErrorCode::InvalidRequest, "this cannot be asked now"))
                    }
                    _ => {
                        queue.extend(inbox.try_iter());
                        if queue.iter().any(|event| cancels(event, &request.id)) {
                            Err((ErrorCode::RequestCanceled, "cancelled"))
                        } else {
                            server.asked(&request)
                        }
                    }
                };
                server.respond(request, response);
            }
        }
        if server.is_dirty() {
            since.get_or_insert_with(Instant::now);
        }
    }
}

/// Whether an event takes a request back.
fn cancels(event: &Event, id: &RequestId) -> bool {
    let Event::Message(Message::Notification(Notification { method, params })) = event else {
        return false;
    };
    let is = |given: &Value| serde_json::to_value(id).is_ok_and(|own| own == *given);
    method == "$/cancelRequest" && params.get("id").is_some_and(is)
}

impl Server {
    fn respond(&self, request: Request, response: Result<Value, (ErrorCode, &str)>) {
        let response = match response {
            Ok(value) => Response::new_ok(request.id, value),
            Err((code, message)) => Response::new_err(request.id, code as i32, message.to_owned()),
        };
        self.send(response.into());
    }
}
