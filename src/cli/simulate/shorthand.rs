//! A context entry in the shorthand of AWS's command line (AWS CLI User Guide, *Using shorthand syntax*):
//! `ContextKeyName=aws:x,ContextKeyValues=a,b,ContextKeyType=string`. Values stand bare, in quotes, or as
//! a list in brackets; a value without a name belongs to the field in front of it.

use serde_json::{Map, Value, json};

const FIELDS: [&str; 3] = ["ContextKeyName", "ContextKeyValues", "ContextKeyType"];

/// What all fields begin with: a value that does too and goes on with `=` is meant as a field.
const FRONT: &str = "ContextKey";

/// Reads one entry.
pub(super) fn entry(text: &str) -> Result<Value, String> {
    read(text).map_err(|why| format!("`{}` is not a context entry: {why}", text.escape_debug()))
}

fn read(text: &str) -> Result<Value, String> {
    let mut fields: Vec<(&str, Vec<String>)> = Vec::new();
    let mut scanner = Scanner { rest: text };
    loop {
        if let Some(name) = scanner.field()? {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(format!("`{name}` stands twice"));
            }
            fields.push((name, Vec::new()));
        }
        let Some((_, values)) = fields.last_mut() else {
            return Err("it begins with `ContextKeyName=`".to_owned());
        };
        scanner.values(values)?;
        if scanner.rest.is_empty() {
            break;
        }
        scanner.comma()?;
    }
    let mut entry = Map::new();
    for (name, mut values) in fields {
        let value = match (name, values.pop(), values.is_empty()) {
            ("ContextKeyValues", last, _) => {
                values.extend(last);
                json!(values)
            }
            (_, Some(only), true) => json!(only),
            _ => return Err(format!("`{name}` has one value")),
        };
        entry.insert(name.to_owned(), value);
    }
    Ok(Value::Object(entry))
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, mark: char) -> bool {
        self.space();
        let after = self.rest.strip_prefix(mark);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn comma(&mut self) -> Result<(), String> {
        match self.rest.chars().next() {
            Some(',') => {
                self.rest = self.rest.get(1..).unwrap_or("");
                Ok(())
            }
            Some(other) => Err(format!("`{}` stands where a comma belongs", other.escape_debug())),
            None => Ok(()),
        }
    }

    /// The name of a field and the `=` behind it, if they stand here.
    fn field(&mut self) -> Result<Option<&'a str>, String> {
        self.space();
        if !self.rest.starts_with(FRONT) {
            return Ok(None);
        }
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let Some((name, after)) = self.rest.split_at_checked(end) else { return Ok(None) };
        let Some(after) = after.trim_start().strip_prefix('=') else { return Ok(None) };
        if !FIELDS.contains(&name) {
            return Err(format!("`{name}` is not a field of it"));
        }
        self.rest = after;
        Ok(Some(name))
    }

    /// A value, or all those of a list.
    fn values(&mut self, out: &mut Vec<String>) -> Result<(), String> {
        if !self.eat('[') {
            out.push(self.value(&[','])?);
            return Ok(());
        }
        if !self.eat(']') {
            loop {
                self.space();
                out.push(self.value(&[',', ']'])?);
                if self.eat(']') {
                    break;
                }
                if self.rest.is_empty() {
                    return Err("a list in it has no end".to_owned());
                }
                self.comma()?;
            }
        }
        self.space();
        Ok(())
    }

    /// A value that is in quotes, or that ends in front of one of `ends`. A backslash takes the meaning
    /// from what would end the value, and in quotes from a backslash; elsewhere it stands for itself.
    fn value(&mut self, ends: &[char]) -> Result<String, String> {
        self.space();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let own = quote.as_ref().map_or(ends, std::slice::from_ref);
        let mut chars = self.rest.char_indices().skip(quote.map_or(0, |_| 1)).peekable();
        let mut value = String::new();
        let mut end = self.rest.len();
        let mut closed = false;
        while let Some((at, c)) = chars.next() {
            let escaped = |(_, next): &(usize, char)| {
                own.contains(next) || (quote.is_some() && *next == '\\')
            };
            if c == '\\'
                && let Some((_, next)) = chars.next_if(escaped)
            {
                value.push(next);
            } else if own.contains(&c) {
                (end, closed) = (at, true);
                break;
            } else {
                value.push(c);
            }
        }
        let after = if quote.is_some() { end + 1 } else { end };
        self.rest = self.rest.get(after..).unwrap_or("");
        match quote {
            None => Ok(value.trim_end().to_owned()),
            Some(_) if closed => {
                self.space();
                Ok(value)
            }
            Some(quote) => Err(format!("the quote `{quote}` in it has no end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let text = format!("ContextKeyName=k,ContextKeyValues={text},ContextKeyType=stringList");
        let entry = entry(&text).unwrap();
        assert_eq!(
            (&entry["ContextKeyName"], &entry["ContextKeyType"]),
            (&json!("k"), &json!("stringList"))
        );
        serde_json::from_value(entry["ContextKeyValues"].clone()).unwrap()
    }

    #[test]
    fn values_stand_bare_in_quotes_and_in_brackets() {
        for (text, expected) in [
            ("a", &["a"][..]),
            ("a,b", &["a", "b"]),
            ("[a,b]", &["a", "b"]),
            ("[ a , 'b, c' ]", &["a", "b, c"]),
            ("[]", &[]),
            ("", &[""]),
            (r#""a,b""#, &["a,b"]),
            ("'a,b'", &["a,b"]),
            (r"a\,b", &["a,b"]),
            (r"'it\'s \\ \n',C:\\dir", &[r"it's \ \n", r"C:\\dir"]),
            (r#""say \"a\"",b"#, &[r#"say "a""#, "b"]),
            ("it's,team=blue", &["it's", "team=blue"]),
            ("a[1],b", &["a[1]", "b"]),
            ("é,ü", &["é", "ü"]),
        ] {
            assert_eq!(values(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        for (text, why) in [
            ("nonsense", "begins with"),
            ("", "begins with"),
            ("ContextKeyName=a,ContextKeyName=b", "stands twice"),
            ("ContextKeyName=a,b", "one value"),
            ("ContextKeyName=a,ContextKeyValue=b", "`ContextKeyValue` is not a field"),
            ("ContextKeyName=a,ContextKeyValues=[b", "no end"),
            ("ContextKeyName=a,ContextKeyValues='b", "no end"),
            ("ContextKeyName=a,ContextKeyValues='b'c", "where a comma belongs"),
            ("ContextKeyName=a,ContextKeyValues=[b]]", "where a comma belongs"),
        ] {
            let message = entry(text).unwrap_err();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
