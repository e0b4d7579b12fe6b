//! What is wrong with a text that `serde_json` refuses, said for people.
//!
//! `serde_json` names a place but not the habit behind the mistake: a comment, a trailing comma,
//! single quotes, a placeholder outside of quotes. This reader runs only once a text is known to be
//! wrong, keeps its own stack, and stops at the first mistake.

use super::string::{control_message, unescape};

/// What is wrong, in bytes from the start of the text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

/// The first mistake of `text`; `None` if it is JSON.
pub(super) fn diagnose(text: &str) -> Option<Mistake> {
    let mut reader = Reader { text, bytes: text.as_bytes(), at: 0 };
    reader.run().err()
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Result<(), Mistake> {
        // What is open, and where the last comma stood.
        let mut open: Vec<u8> = Vec::new();
        let mut comma = 0;
        let mut expect = Expect::Value;
        loop {
            self.skip_space();
            let Some(byte) = self.peek(0) else {
                return self.ended(&open, expect);
            };
            if expect == Expect::CommaOrEnd && open.is_empty() {
                self.refuse_foreign()?;
                let end = self.text.len();
                return Err(self.wrong(self.at, end, "unexpected text after the end of the JSON"));
            }
            expect = match (expect, byte) {
                (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') => {
                    self.at += 1;
                    open.pop();
                    Expect::CommaOrEnd
                }
                (Expect::Value, b']') | (Expect::Key, b'}') => {
                    let message = format!("trailing comma before `{}`", char::from(byte));
                    return Err(self.wrong(comma, comma + 1, &message));
                }
                (Expect::Value | Expect::ValueOrEnd, b'{') => {
                    // `{{ x }}` where a value should stand is a template's placeholder.
                    if matches!(self.peek(1), Some(b'{' | b'%')) {
                        self.refuse_foreign()?;
                    }
                    self.at += 1;
                    open.push(b'{');
                    Expect::KeyOrEnd
                }
                (Expect::Value | Expect::ValueOrEnd, b'[') => {
                    self.at += 1;
                    open.push(b'[');
                    Expect::ValueOrEnd
                }
                (Expect::Value | Expect::ValueOrEnd, _) => {
                    self.scalar()?;
                    Expect::CommaOrEnd
                }
                (Expect::Key | Expect::KeyOrEnd, b'"') => {
                    self.string()?;
                    Expect::Colon
                }
                (Expect::Key | Expect::KeyOrEnd, _) => {
                    self.refuse_foreign()?;
                    let message = if expect == Expect::KeyOrEnd {
                        "expected a key in double quotes, or `}`"
                    } else {
                        "expected a key in double quotes"
                    };
                    return Err(self.wrong_word(message));
                }
                (Expect::Colon, b':') => {
                    self.at += 1;
                    Expect::Value
                }
                (Expect::Colon, _) => {
                    self.refuse_foreign()?;
                    return Err(self.wrong_char("expected `:` after this key"));
                }
                (Expect::CommaOrEnd, b',') => {
                    comma = self.at;
                    self.at += 1;
                    if open.last() == Some(&b'{') { Expect::Key } else { Expect::Value }
                }
                (Expect::CommaOrEnd, b'}' | b']') if open.last() == Some(&(byte - 2)) => {
                    self.at += 1;
                    open.pop();
                    Expect::CommaOrEnd
                }
                (Expect::CommaOrEnd, _) => {
                    self.refuse_foreign()?;
                    let end = if open.last() == Some(&b'{') { '}' } else { ']' };
                    let message = format!("expected `,` or `{end}` after this value");
                    return Err(self.wrong_char(&message));
                }
            };
        }
    }

    /// The text is over; is the value?
    fn ended(&self, open: &[u8], expect: Expect) -> Result<(), Mistake> {
        let message = match (open.last(), expect) {
            (None, Expect::CommaOrEnd) => return Ok(()),
            (None, _) => "the text is empty".to_owned(),
            (Some(_), Expect::Colon) => "the text ends after a key, before its value".to_owned(),
            (Some(b'{'), _) => "the text ends before the `}` that closes an object".to_owned(),
            (Some(_), _) => "the text ends before the `]` that closes a list".to_owned(),
        };
        let mut mistake = self.wrong(self.at, self.at, &message);
        if !open.is_empty() {
            mistake.help = Some("the file may have been cut off");
        }
        Err(mistake)
    }

    fn scalar(&mut self) -> Result<(), Mistake> {
        match self.peek(0) {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for word in ["true", "false", "null"] {
                    if self.rest().starts_with(word) && self.word().len() == word.len() {
                        self.at += word.len();
                        return Ok(());
                    }
                }
                self.refuse_foreign()?;
                Err(self.wrong_word("expected a value"))
            }
        }
    }

    fn string(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or(&[]);
            let Some(found) = rest.iter().position(|b| *b < 0x20 || matches!(b, b'"' | b'\\'))
            else {
                self.at = self.bytes.len();
                let mut mistake = self.wrong(start, self.at, "this string is not closed");
                mistake.help = Some("the file may have been cut off");
                return Err(mistake);
            };
            self.at += found;
            match self.peek(0) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    let rest = self.bytes.get(self.at..).unwrap_or(&[]);
                    match unescape(rest) {
                        Ok((_, length)) => self.at += length,
                        Err(_) if self.at + 1 == self.bytes.len() => self.at += 1,
                        Err(message) => {
                            let end = self.boundary(self.at + 2);
                            return Err(self.wrong(self.at, end, message));
                        }
                    }
                }
                Some(byte @ (b'\n' | b'\r')) => {
                    return Err(self.wrong(start, self.at, control_message(byte)));
                }
                byte => return Err(self.wrong_char(control_message(byte.unwrap_or(0)))),
            }
        }
    }

    /// RFC 8259, section 6.
    fn number(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        let bad = |reader: &Self| {
            let end = reader.boundary(reader.at + 1);
            reader.wrong(start, end, "this is not a JSON number")
        };
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        if self.peek(0) == Some(b'0') {
            self.at += 1;
        } else if self.digits() == 0 {
            return Err(bad(self));
        }
        if self.peek(0).is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.wrong(start, self.at, "a JSON number has no leading zero"));
        }
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(bad(self));
            }
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(0), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(bad(self));
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// What people write that JSON does not know.
    fn refuse_foreign(&self) -> Result<(), Mistake> {
        let rest = self.rest();
        let two = self.boundary(self.at + 2);
        let (end, message, help) = if rest.starts_with("//") || rest.starts_with("/*") {
            (two, "JSON has no comments".to_owned(), "remove the comment")
        } else if rest.starts_with('#') {
            (self.at + 1, "JSON has no comments".to_owned(), "remove the comment")
        } else if rest.starts_with("${") || rest.starts_with("{{") {
            let message = "a placeholder stands where JSON wants a value, outside of quotes";
            (two, message.to_owned(), "fill it in first, or check what the template renders")
        } else if rest.starts_with("%{") || rest.starts_with("{%") {
            let message = "a template's directive stands in the JSON, outside of quotes".to_owned();
            (two, message, "check what the template renders")
        } else if rest.starts_with('\'') {
            let message = "JSON strings take double quotes".to_owned();
            (self.at + 1, message, "replace the single quotes")
        } else if rest.starts_with('\0') {
            let message = "a NUL byte stands where JSON wants a value".to_owned();
            (self.at + 1, message, "the file looks like UTF-16: save it as UTF-8")
        } else if matches!(
            self.word(),
            "NaN" | "Infinity" | "undefined" | "None" | "True" | "False" | "nil"
        ) {
            let word = self.word();
            (
                self.at + word.len(),
                format!("`{word}` is not a JSON value"),
                "use `null` or a string",
            )
        } else {
            return Ok(());
        };
        Err(Mistake { start: self.at, end, message, help: Some(help) })
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(0), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The letters and digits from here on.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end).unwrap_or("")
    }

    /// The first character boundary at or after `at`.
    fn boundary(&self, at: usize) -> usize {
        (at..)
            .find(|at| self.text.is_char_boundary(*at) || *at >= self.text.len())
            .unwrap_or(at)
            .min(self.text.len())
    }

    fn wrong(&self, start: usize, end: usize, message: &str) -> Mistake {
        Mistake { start, end, message: message.to_owned(), help: None }
    }

    fn wrong_char(&self, message: &str) -> Mistake {
        self.wrong(self.at, self.boundary(self.at + 1), message)
    }

    fn wrong_word(&self, message: &str) -> Mistake {
        let end = self.boundary(self.at + self.word().len().max(1));
        self.wrong(self.at, end, message)
    }
}
