//! The outer shape of a request, found by skimming: where its fields and the documents in them begin
//! and end. What was skimmed is read, and so checked, where it is used.

/// A part of a text, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slice<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
}

/// A field of an object: its key as written with the quotes, its value, and the items of that if it is a
/// list.
pub(super) type Field<'a> = (Slice<'a>, Slice<'a>, Option<Vec<Slice<'a>>>);

/// The fields of an object; `None` if the text has not that shape.
pub(super) fn fields(whole: Slice<'_>) -> Option<Vec<Field<'_>>> {
    let mut skimmer = Skimmer { whole, at: 0 };
    let mut out = Vec::with_capacity(8);
    skimmer.expect(b'{')?;
    if !skimmer.eat(b'}') {
        loop {
            let key = skimmer.value()?;
            if !key.text.starts_with('"') {
                return None;
            }
            skimmer.expect(b':')?;
            skimmer.space();
            if skimmer.bytes().get(skimmer.at) == Some(&b'[') {
                let start = skimmer.at;
                let items = skimmer.items()?;
                let text = whole.text.get(start..skimmer.at)?;
                out.push((key, Slice { text, start: whole.start + start }, Some(items)));
            } else {
                out.push((key, skimmer.value()?, None));
            }
            if skimmer.eat(b'}') {
                break;
            }
            skimmer.expect(b',')?;
        }
    }
    skimmer.end().then_some(out)
}

/// The items of a list.
pub(super) fn items(whole: Slice<'_>) -> Option<Vec<Slice<'_>>> {
    let mut skimmer = Skimmer { whole, at: 0 };
    let out = skimmer.items()?;
    skimmer.end().then_some(out)
}

struct Skimmer<'a> {
    whole: Slice<'a>,
    at: usize,
}

impl<'a> Skimmer<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.whole.text.as_bytes()
    }

    fn space(&mut self) {
        while matches!(self.bytes().get(self.at), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    fn end(&mut self) -> bool {
        self.space();
        self.at == self.whole.text.len()
    }

    /// The items of the list that begins here.
    fn items(&mut self) -> Option<Vec<Slice<'a>>> {
        let mut out = Vec::new();
        self.expect(b'[')?;
        if self.eat(b']') {
            return Some(out);
        }
        loop {
            out.push(self.value()?);
            if self.eat(b']') {
                return Some(out);
            }
            self.expect(b',')?;
        }
    }

    /// Skips one value.
    fn value(&mut self) -> Option<Slice<'a>> {
        self.space();
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match *self.bytes().get(self.at)? {
                b'"' => self.string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ if depth == 0 => self.scalar(start)?,
                _ => self.at += 1,
            }
            if depth == 0 {
                let text = self.whole.text.get(start..self.at)?;
                return Some(Slice { text, start: self.whole.start + start });
            }
        }
    }

    /// Skips a string, from its first quote.
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = self.bytes().get(self.at..)?;
            self.at += memchr::memchr2(b'"', b'\\', rest)? + 1;
            if self.bytes().get(self.at - 1) == Some(&b'"') {
                return Some(());
            }
            self.at += 1;
        }
    }

    fn scalar(&mut self, start: usize) -> Option<()> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        while self.bytes().get(self.at).is_some_and(plain) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}
