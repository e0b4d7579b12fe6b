//! Messages as they come and go: a head that says how long each is, and JSON (LSP 3.17, *Base Protocol*). What
//! is no message is told, and never ends the process by itself.

use std::io::{self, BufRead, Read, Write};

use lsp_server::{ErrorCode, Message, RequestId};
use serde_json::{Value, json};

/// No text that somebody edits comes near; a length that is none at all does.
const LONGEST: u64 = 256 << 20;

/// The longest line of a head.
const LONGEST_LINE: u64 = 4096;

/// Something that is no message.
#[derive(Debug)]
pub(super) struct Malformed {
    /// What is wrong.
    pub(super) message: String,
    pub(super) code: ErrorCode,
    /// Of what was asked, where that could be read.
    pub(super) id: Option<RequestId>,
    /// Whether nobody knows where the next message starts.
    pub(super) is_last: bool,
}

/// What is sent.
#[derive(Debug)]
pub(super) enum Outgoing {
    Message(Message),
    /// The answer to what could not be read.
    Refusal(Malformed),
}

/// The next message; `None` where the client hung up between two.
///
/// # Errors
/// What is there instead.
pub(super) fn read(from: &mut dyn BufRead) -> Option<Result<Message, Malformed>> {
    let length = match head(from) {
        Ok(length) => length?,
        Err(message) => return Some(Err(lost(message))),
    };
    if length > LONGEST {
        let message =
            format!("a message of {length} bytes is too long: at most {LONGEST} are read");
        return Some(Err(lost(message)));
    }
    let mut bytes = Vec::new();
    match from.take(length).read_to_end(&mut bytes) {
        Err(error) => return Some(Err(lost(format!("cannot be read: {error}")))),
        Ok(read) if (read as u64) < length => {
            let message = format!("the message ends after {read} of {length} bytes");
            return Some(Err(lost(message)));
        }
        Ok(_) => {}
    }
    Some(message(&bytes))
}

fn message(bytes: &[u8]) -> Result<Message, Malformed> {
    let wrong = |message: String, code: ErrorCode, id: Option<RequestId>| Malformed {
        message,
        code,
        id,
        is_last: false,
    };
    let parsed = serde_json::from_slice::<Value>(bytes).map_err(|error| {
        wrong(format!("the message is not JSON: {error}"), ErrorCode::ParseError, None)
    })?;
    let id = parsed.get("id").and_then(|id| serde_json::from_value(id.clone()).ok());
    serde_json::from_value(parsed).map_err(|_| {
        let message = "the message is no request, notification or response".to_owned();
        wrong(message, ErrorCode::InvalidRequest, id)
    })
}

/// Where a message ends is not known.
fn lost(message: String) -> Malformed {
    Malformed { message, code: ErrorCode::ParseError, id: None, is_last: true }
}

/// The length that a head says; `None` where nothing comes any more.
fn head(from: &mut dyn BufRead) -> Result<Option<u64>, String> {
    let mut length = None;
    let mut is_first = true;
    loop {
        let mut line = Vec::new();
        let read = from.take(LONGEST_LINE).read_until(b'\n', &mut line);
        match read {
            Err(error) => return Err(format!("cannot be read: {error}")),
            Ok(0) if is_first => return Ok(None),
            Ok(_) if line.last() != Some(&b'\n') => {
                return Err("the head of a message has no end".to_owned());
            }
            Ok(_) => {}
        }
        is_first = false;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            return length.map(Some).ok_or_else(|| "a message has no `Content-Length`".to_owned());
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(format!("`{line}` is no line of the head of a message"));
        };
        if name.trim().eq_ignore_ascii_case("Content-Length") {
            let value = value.trim();
            let parsed =
                value.parse().map_err(|_| format!("`{value}` is no length of a message"))?;
            length = Some(parsed);
        }
    }
}

/// Writes one message.
///
/// # Errors
/// The client does not listen.
pub(super) fn write(to: &mut dyn Write, outgoing: &Outgoing) -> io::Result<()> {
    match outgoing {
        Outgoing::Message(message) => {
            let mut text = serde_json::to_value(message)?;
            if let Value::Object(fields) = &mut text {
                fields.insert("jsonrpc".to_owned(), "2.0".into());
            }
            framed(to, &text)
        }
        Outgoing::Refusal(Malformed { message, code, id, .. }) => {
            let error = json!({ "code": *code as i32, "message": message });
            framed(to, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
        }
    }
}

fn framed(to: &mut dyn Write, message: &Value) -> io::Result<()> {
    let text = message.to_string();
    write!(to, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<Result<Message, (i32, bool)>> {
        let mut out = Vec::new();
        while let Some(read) = read(&mut bytes) {
            let read = read.map_err(|wrong| (wrong.code as i32, wrong.is_last));
            let is_last = matches!(read, Err((_, true)));
            out.push(read);
            if is_last {
                break;
            }
        }
        out
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn what_is_no_message_hides_none_behind_it() {
        let good = framed(r#"{"jsonrpc":"2.0","method":"x"}"#);
        for (bad, code) in [("{", -32700), ("[1]", -32600), ("{\"id\":1}", -32600)] {
            let read = all(format!("{}{good}", framed(bad)).as_bytes());
            assert_eq!(read[0].as_ref().unwrap_err(), &(code, false), "{bad}");
            assert!(matches!(&read[1], Ok(Message::Notification(_))), "{bad}");
        }
    }

    #[test]
    fn a_head_that_cannot_be_true_is_refused_before_anything_is_read() {
        for head in [
            "Content-Length: 99999999999999\r\n\r\n{}",
            "Content-Length: 4000000000\r\n\r\n{}",
            "Content-Length: -1\r\n\r\n{}",
            "Content-Length: 9\r\n\r\n{}",
            "Content-Type: x\r\n\r\n{}",
            "hello\r\n\r\n{}",
            "hello",
        ] {
            let read = all(head.as_bytes());
            assert!(matches!(read.as_slice(), [Err((-32700, true))]), "{head}: {read:?}");
        }
        assert!(all(b"").is_empty());
    }
}
