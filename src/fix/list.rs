//! Puts an item into a list as it is written: JSON on one line or on many, lists and blocks of YAML,
//! lists of Terraform's language; or makes a list of a single value.

use crate::source::Span;

use super::Edit;

/// A list of which each item stands in the text as it is.
#[derive(Debug, Clone)]
pub struct List<'a> {
    /// The whole text of the source.
    pub text: &'a str,
    /// The items, with their quotes.
    pub items: Vec<Span>,
    /// Whether it is written as a list, and not as a single value.
    pub is_list: bool,
}

/// `span` with the quotes around it.
#[must_use]
pub fn quoted(text: &str, span: Span) -> Span {
    let bytes = text.as_bytes();
    let (start, end) = (span.start as usize, span.end as usize);
    let first = bytes.get(start);
    if matches!(first, Some(b'"' | b'\'')) && end > start + 1 && bytes.get(end - 1) == first {
        return span;
    }
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    match before {
        Some(b'"' | b'\'') if bytes.get(end) == before => {
            Span::new(span.source, span.start - 1, span.end + 1)
        }
        _ => span,
    }
}

/// So much of a line, in bytes, is looked at on either side of a place: enough to see how a list is laid out.
/// A minified file is one line of megabytes, and each of its edits would look at all of it.
const NEAR: usize = 1 << 16;

/// The text of its line in front of `at`; the end of it, if that is very long.
#[must_use]
pub fn prefix(text: &str, at: u32) -> &str {
    let head = text.get(..at as usize).unwrap_or_default();
    let mut from = head.len().saturating_sub(NEAR);
    while !head.is_char_boundary(from) {
        from += 1;
    }
    let near = head.get(from..).unwrap_or_default();
    let line = memchr::memrchr(b'\n', near.as_bytes()).map_or(0, |line| line + 1);
    near.get(line..).unwrap_or_default()
}

/// What follows `at` in its line; the start of it, if that is very long.
fn rest(text: &str, at: u32) -> &str {
    let tail = text.get(at as usize..).unwrap_or_default();
    let mut to = tail.len().min(NEAR);
    while !tail.is_char_boundary(to) {
        to -= 1;
    }
    tail.get(..to).and_then(|near| near.lines().next()).unwrap_or_default()
}

/// How lines end here: as the first one does.
#[must_use]
pub fn newline(text: &str) -> &'static str {
    let head = text.as_bytes().get(..NEAR).unwrap_or(text.as_bytes());
    let end = memchr::memchr(b'\n', head);
    let before = end.and_then(|end| head.get(end.checked_sub(1)?));
    if before == Some(&b'\r') { "\r\n" } else { "\n" }
}

/// One level of indentation below the line of `at`.
#[must_use]
pub fn step(text: &str, at: u32) -> String {
    let own = indent(prefix(text, at));
    if own.is_empty() {
        return "  ".to_owned();
    }
    let head = text.get(..at as usize).unwrap_or_default();
    let outer = head.lines().rev().skip(1).filter(|line| !line.trim().is_empty()).map(indent);
    let outer = outer.take(200).find(|other| other.len() < own.len());
    outer.and_then(|outer| own.strip_prefix(outer)).unwrap_or("  ").to_owned()
}

/// The white space that a line starts with.
#[must_use]
pub fn indent(line: &str) -> &str {
    let rest = line.trim_start();
    line.strip_suffix(rest).unwrap_or_default()
}

/// What stands behind a comma or a colon: nothing where a program wrote the text without any blank.
#[must_use]
pub fn blank(text: &str) -> &'static str {
    let is_dense = text.starts_with('{') && !text.trim_end().contains('\n');
    if is_dense && text.contains("\":") && !text.contains("\": ") { "" } else { " " }
}

/// The start of the line of `at`, or of the remarks right above it: they belong to what stands there.
#[must_use]
pub fn with_remarks(text: &str, at: u32) -> usize {
    let head = text.as_bytes().get(..at as usize).unwrap_or_default();
    let mut start = memchr::memrchr(b'\n', head).map_or(0, |line| line + 1);
    for line in text.get(..start).unwrap_or_default().split_inclusive('\n').rev() {
        let bare = line.trim_start();
        if !bare.starts_with('#') && !bare.starts_with("//") {
            break;
        }
        start -= line.len();
    }
    start
}

/// Whether `prefix` is that of an item of a YAML block: `  - `.
fn is_dash(prefix: &str) -> bool {
    let trimmed = prefix.trim_start();
    trimmed.strip_prefix('-').is_some_and(|rest| !rest.is_empty() && rest.trim().is_empty())
}

impl List<'_> {
    /// Adds `items`, written as they are to stand there. A list in order stays so. `None` if the text is
    /// not of a form that is known.
    #[must_use]
    pub fn add(&self, items: &[String]) -> Option<Vec<Edit>> {
        if !self.is_list {
            return self.make(items).map(|edit| vec![edit]);
        }
        items.iter().map(|item| self.add_one(item)).collect()
    }

    fn add_one(&self, item: &str) -> Option<Edit> {
        let last = self.items.len().checked_sub(1)?;
        let place = self.place(item);
        let first = if place <= last { self.before(place, item) } else { self.after(last, item) };
        let rest = || self.after(last, item);
        let any = || (0..=last).rev().find_map(|at| self.before(at, item));
        first.or_else(rest).or_else(any)
    }

    /// Adds `item` at the end.
    #[must_use]
    pub fn append(&self, item: &str) -> Option<Edit> {
        let last = self.items.len().checked_sub(1)?;
        self.after(last, item).or_else(|| self.before(last, item))
    }

    /// Adds `item` in front of the last one, which works also where the end of an item is not known.
    #[must_use]
    pub fn before_last(&self, item: &str) -> Option<Edit> {
        self.before(self.items.len().checked_sub(1)?, item)
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Where an item belongs: by the alphabet, if the list is sorted, else at the end.
    fn place(&self, item: &str) -> usize {
        let plain = |text: &str| text.trim_matches(['"', '\'']).to_lowercase();
        let words: Vec<String> = self.items.iter().map(|span| plain(self.slice(*span))).collect();
        let new = plain(item);
        if words.is_sorted() {
            words.iter().position(|word| *word > new).unwrap_or(words.len())
        } else {
            words.len()
        }
    }

    /// The start of an item, a tag such as `!Sub` in front of it included.
    fn start(&self, span: Span) -> u32 {
        let line = prefix(self.text, span.start);
        let Some((head, tag)) = line.trim_end().rsplit_once(' ') else { return span.start };
        if tag.starts_with('!') && is_dash(&format!("{head} ")) {
            return span.start - u32::try_from(line.len() - head.len() - 1).unwrap_or(0);
        }
        span.start
    }

    fn before(&self, at: usize, item: &str) -> Option<Edit> {
        let span = *self.items.get(at)?;
        let start = self.start(span);
        let line = prefix(self.text, start);
        let place = Span::new(span.source, start, start);
        let text = if is_dash(line) {
            format!("{item}{}{line}", newline(self.text))
        } else if line.trim().is_empty() {
            format!("{item},{}{line}", newline(self.text))
        } else if line.trim_end().ends_with(['[', ',']) {
            format!("{item},{}", blank(self.text))
        } else {
            return None;
        };
        Some(Edit { span: place, text })
    }

    fn after(&self, at: usize, item: &str) -> Option<Edit> {
        let span = *self.items.get(at)?;
        let line = prefix(self.text, self.start(span));
        let place = Span::new(span.source, span.end, span.end);
        let tail = self.text.get(span.end as usize..)?;
        let rest = rest(self.text, span.end).trim();
        if is_dash(line) {
            let text = format!("{}{line}{item}", newline(self.text));
            return rest.is_empty().then_some(Edit { span: place, text });
        }
        // A remark belongs to the item that it stands beside.
        let behind = rest.trim_start_matches(',').trim_start();
        if behind.starts_with(['#', '/']) || !tail.trim_start().starts_with([',', ']']) {
            return None;
        }
        let lead = match line.trim().is_empty() {
            true => format!("{}{line}", newline(self.text)),
            false if line.trim_end().ends_with(['[', ',']) => blank(self.text).to_owned(),
            false => return None,
        };
        Some(Edit { span: place, text: format!(",{lead}{item}") })
    }

    /// A list of the only value and `items`.
    fn make(&self, items: &[String]) -> Option<Edit> {
        let [span] = self.items.as_slice() else { return None };
        let line = prefix(self.text, span.start);
        let old = self.slice(*span);
        let tail = self.text.get(span.end as usize..)?;
        let rest = rest(self.text, span.end).trim();
        let nl = newline(self.text);
        let comma = format!(",{}", blank(self.text));
        let inline = || Edit { span: *span, text: format!("[{old}{comma}{}]", items.join(&comma)) };
        // What stands between the key and the value.
        let (key, gap) = match line.rfind(':') {
            Some(colon) => (line.get(..colon)?, line.get(colon + 1..)?),
            None => return line.trim_end().ends_with('=').then(inline),
        };
        let alone = !key.contains(['{', ',', '[']);
        if line.trim_end().ends_with('=') {
            return Some(inline());
        }
        let json = key.trim_end().ends_with('"') && old.starts_with('"') && {
            let next = tail.trim_start();
            next.starts_with([',', '}'])
        };
        if json {
            if !alone || !gap.trim().is_empty() {
                return gap.trim().is_empty().then(inline);
            }
            let (base, step) = (indent(line), step(self.text, span.start));
            let lead = format!("{nl}{base}{step}");
            let items = items.join(&format!(",{lead}"));
            let text = format!("[{lead}{old},{lead}{items}{nl}{base}]");
            return Some(Edit { span: *span, text });
        }
        let tag = gap.trim();
        if !tag.is_empty() && !tag.starts_with('!') {
            return None;
        }
        if !alone {
            return tag.is_empty().then(inline);
        }
        if !rest.is_empty() {
            return None;
        }
        let column = key.len() - key.trim_start_matches([' ', '-', '\t']).len();
        let lead = format!("{nl}{}- ", " ".repeat(column + 2));
        let back = u32::try_from(gap.len()).ok()?;
        let tag = if tag.is_empty() { String::new() } else { format!("{tag} ") };
        let items = items.join(&lead);
        let text = format!("{lead}{tag}{old}{lead}{items}");
        Some(Edit { span: Span::new(span.source, span.start - back, span.end), text })
    }
}
