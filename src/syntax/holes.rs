//! Which parts of a text are filled in later. Each tool writes its placeholders in its own way, and
//! IAM has variables that look the same but mean something to AWS, so they must stay.

use super::{Part, Style, Text};
use crate::source::{SegmentMap, SourceId, Span};

/// How placeholders are written in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoleSyntax {
    /// Nothing is a placeholder: a plan, or a template's text that stands under no `Sub`.
    None,
    /// A policy that some tool fills in before it reaches AWS: `${X}`, `${var.x}`,
    /// `${AWS::Region}`, `$CLUSTER_NAME`, `{{ x }}`. `$${` is an escaped `${`. IAM's own variables, such as
    /// `${aws:username}` and `${*}`, are literal.
    Template,
    /// CloudFormation's `Sub`: `${X}` and `${X.Y}` are placeholders, `${!X}` is the text `${X}`.
    CfnSub,
    /// Gaps that a reader marked itself when it put the text together: a number between two
    /// characters of Unicode's private use area, which IAM does not take.
    Marked,
}

/// What opens a marked gap.
pub const MARK_START: char = '\u{e000}';
/// What closes it.
pub const MARK_END: char = '\u{e001}';

/// No longer placeholder is looked for, or text full of `${` would be searched to its end each time.
const LONGEST: usize = 256;

/// What stands at a place that looks like a placeholder.
enum Token<'a> {
    /// A placeholder of so many bytes, and its expression.
    Hole(usize, &'a str),
    /// An escape of so many bytes, and what it stands for in pieces.
    Escape(usize, [&'a str; 2]),
}

impl Text {
    /// The text `decoded`, which stands at `map` in `source`, cut at its holes.
    #[must_use]
    pub fn decoded(
        source: SourceId,
        style: Style,
        decoded: &str,
        map: &SegmentMap,
        holes: HoleSyntax,
    ) -> Self {
        let place = |start: usize, end: usize| {
            let (start, end) = map.to_parent(narrow(start), narrow(end));
            Span::new(source, start, end)
        };
        let span = place(0, decoded.len());
        Self { span, style, parts: holes.split(decoded, place) }
    }
}

impl HoleSyntax {
    /// Cuts `text` into literals and holes. `place` says where a range of `text` stands.
    pub fn split(self, text: &str, place: impl Fn(usize, usize) -> Span) -> Vec<Part> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut literal_start = 0;
        let mut at = 0;
        while let Some((start, token)) = self.next(text, at) {
            literal.push_str(text.get(at..start).unwrap_or(""));
            match token {
                Token::Escape(length, pieces) => {
                    literal.extend(pieces);
                    at = start + length;
                }
                Token::Hole(length, expression) => {
                    if !literal.is_empty() {
                        let span = place(literal_start, start);
                        parts.push(Part::Literal(span, std::mem::take(&mut literal).into()));
                    }
                    at = start + length;
                    parts.push(Part::Hole(place(start, at), expression.into()));
                    literal_start = at;
                }
            }
        }
        literal.push_str(text.get(at..).unwrap_or(""));
        if !literal.is_empty() {
            parts.push(Part::Literal(place(literal_start, text.len()), literal.into()));
        }
        parts
    }

    /// The first placeholder or escape at or after `from`.
    fn next(self, text: &str, from: usize) -> Option<(usize, Token<'_>)> {
        if self == Self::None {
            return None;
        }
        let rest = text.as_bytes().get(from..)?;
        if self == Self::Marked {
            let at = from + rest.windows(3).position(|three| three == b"\xee\x80\x80")?;
            let inside = text.get(at + MARK_START.len_utf8()..)?.split(MARK_END).next()?;
            let length = MARK_START.len_utf8() + inside.len() + MARK_END.len_utf8();
            return Some((at, Token::Hole(length, inside)));
        }
        memchr::memchr2_iter(b'$', b'{', rest).find_map(|found| {
            let at = from + found;
            let here = text.get(at..)?;
            let token = match self {
                Self::None | Self::Marked => None,
                Self::Template => template(here),
                Self::CfnSub => sub(here),
            };
            token.map(|token| (at, token))
        })
    }
}

/// A placeholder of a bare policy at the start of `text`.
fn template(text: &str) -> Option<Token<'_>> {
    if let Some(rest) = text.strip_prefix("{{") {
        let end = memchr::memmem::find(window(rest), b"}}")?;
        let inside = rest.get(..end)?;
        // `{{-` and `-}}` only trim white space around the placeholder.
        let inside = inside.strip_prefix('-').unwrap_or(inside);
        let inside = inside.strip_suffix('-').unwrap_or(inside).trim();
        return (!inside.is_empty()).then_some(Token::Hole(end + 4, inside));
    }
    if let Some(rest) = text.strip_prefix("$${") {
        let inside = closed(rest)?;
        return Some(Token::Escape(inside.len() + 4, ["${", text.get(3..inside.len() + 4)?]));
    }
    if let Some(name) = text.strip_prefix('$').and_then(variable) {
        return Some(Token::Hole(name.len() + 1, name));
    }
    let inside = closed(text.strip_prefix("${")?)?;
    let length = inside.len() + 3;
    if is_iam_variable(inside.trim()) {
        return Some(Token::Escape(length, [text.get(..length)?, ""]));
    }
    let inside = inside.trim();
    (!inside.is_empty()).then_some(Token::Hole(length, inside))
}

/// The name of a shell variable at the start of `text`, as `envsubst` takes it without braces. Only what
/// is written like one: IAM has no use for `$CLUSTER_NAME`.
fn variable(text: &str) -> Option<&str> {
    let is_name = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let length = window(text).iter().take_while(|b| is_name(b)).count();
    let next = text.as_bytes().get(length);
    let name = text.get(..length).filter(|name| {
        name.len() > 1 && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
    })?;
    (!next.is_some_and(u8::is_ascii_lowercase)).then_some(name)
}

/// A placeholder of CloudFormation's `Sub` at the start of `text`.
fn sub(text: &str) -> Option<Token<'_>> {
    let rest = text.strip_prefix("${")?;
    let inside = rest.get(..memchr::memchr(b'}', window(rest))?)?;
    let length = inside.len() + 3;
    if let Some(name) = inside.strip_prefix('!') {
        return Some(Token::Escape(length, ["${", text.get(3..3 + name.len() + 1)?]));
    }
    let inside = inside.trim();
    // CloudFormation refuses any other character, so such text was never meant for it.
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    (!inside.is_empty() && inside.chars().all(is_name)).then_some(Token::Hole(length, inside))
}

/// The text up to the brace that closes one already open.
fn closed(text: &str) -> Option<&str> {
    memchr::memchr(b'}', window(text))?;
    let mut depth = 1_usize;
    for at in memchr::memchr2_iter(b'{', b'}', window(text)) {
        if text.as_bytes().get(at) == Some(&b'{') {
            depth += 1;
        } else {
            depth -= 1;
        }
        if depth == 0 {
            return text.get(..at);
        }
    }
    None
}

/// The bytes that may hold the end of a placeholder.
fn window(text: &str) -> &[u8] {
    text.as_bytes().get(..LONGEST).unwrap_or(text.as_bytes())
}

/// Whether IAM itself fills in `${inside}` (IAM User Guide, *Policy variables*): a condition key
/// with one colon, such as `aws:username`, `aws:PrincipalTag/x, 'default'` and
/// `accounts.google.com:sub`, or one of the three escapes.
fn is_iam_variable(inside: &str) -> bool {
    if matches!(inside, "*" | "?" | "$") {
        return true;
    }
    let key = inside.split_once(',').map_or(inside, |(key, _)| key);
    let Some((prefix, name)) = key.split_once(':') else {
        return false;
    };
    // The Serverless Framework's variables have the same look.
    if matches!(prefix, "self" | "opt" | "env" | "sls" | "param" | "cf") {
        return false;
    }
    let is_prefix = prefix.eq_ignore_ascii_case("aws")
        || prefix.starts_with(|c: char| c.is_ascii_lowercase())
            && prefix.chars().all(|c| {
                // An OIDC provider's name may hold its id, in capitals after a slash.
                c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c)
            })
        || prefix.contains('/') && prefix.contains('.');
    // `${cluster:-demo}` is a shell default, `AWS::Region` a pseudo parameter.
    is_prefix && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Texts longer than `u32` can count are refused when they are read.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceMap;

    /// Holes as `<expr>`, each part sliced back out of the text.
    fn split(holes: HoleSyntax, text: &str) -> String {
        let sources = SourceMap::new();
        let source = sources.add_file("t", text);
        let map = SegmentMap::verbatim(0, text.len() as u32);
        let read = Text::decoded(source, Style::Json, text, &map, holes);
        let mut out = String::new();
        let mut end = 0;
        for part in &read.parts {
            let (Part::Literal(span, _) | Part::Hole(span, _)) = part;
            assert_eq!(span.start, end, "parts of {text:?} leave no gap");
            end = span.end;
            match part {
                Part::Literal(_, text) => out.push_str(text),
                Part::Hole(span, expression) => {
                    assert!(sources.slice(*span).contains(&**expression));
                    out.push_str(&format!("<{expression}>"));
                }
            }
        }
        assert_eq!(end as usize, text.len());
        out
    }

    #[test]
    fn nothing_is_a_hole_without_syntax() {
        assert_eq!(split(HoleSyntax::None, "a${X}{{ y }}"), "a${X}{{ y }}");
    }

    #[test]
    fn placeholders_of_bare_policies() {
        for (text, expected) in [
            ("arn:${AWS::Partition}:ec2", "arn:<AWS::Partition>:ec2"),
            ("${AWS_REGION}", "<AWS_REGION>"),
            ("${ var.x }-${var.y[\"z\"]}", "<var.x>-<var.y[\"z\"]>"),
            ("{{ .Values.cluster }}/{{- b -}}", "<.Values.cluster>/<b>"),
            ("${cluster:-demo}", "<cluster:-demo>"),
            ("${self:custom.cluster}", "<self:custom.cluster>"),
            ("${jsonencode({a = 1})}!", "<jsonencode({a = 1})>!"),
            ("$${aws:username}", "${aws:username}"),
            ("$5 {} ${}", "$5 {} ${}"),
            ("cluster/$CLUSTER_NAME:$AWS_REGION", "cluster/<CLUSTER_NAME>:<AWS_REGION>"),
            ("$A $Name $NAMEd US$10", "$A $Name $NAMEd US$10"),
            ("", ""),
        ] {
            assert_eq!(split(HoleSyntax::Template, text), expected);
        }
    }

    #[test]
    fn iam_variables_are_literal() {
        for text in [
            "${aws:username}",
            "${*}${?}${$}",
            "${aws:PrincipalTag/team, 'none'}",
            "${ec2:SourceInstanceARN}",
            "${accounts.google.com:sub}",
            "${oidc.eks.us-west-2.amazonaws.com/id/EXAMPLE:sub}",
        ] {
            assert_eq!(split(HoleSyntax::Template, text), text);
        }
    }

    #[test]
    fn sub_of_cloudformation() {
        for (text, expected) in [
            ("${ClusterName}:${Role.Arn}", "<ClusterName>:<Role.Arn>"),
            ("a${!aws:username}b${X}", "a${aws:username}b<X>"),
            ("${AWS::AccountId}", "<AWS::AccountId>"),
            ("${aws:PrincipalTag/x}{{ y }}", "${aws:PrincipalTag/x}{{ y }}"),
        ] {
            assert_eq!(split(HoleSyntax::CfnSub, text), expected);
        }
    }

    #[test]
    fn unclosed_is_literal() {
        for text in ["${X", "a${", "${{", "{{ x", "$${x", "${!x", "${é"] {
            assert_eq!(split(HoleSyntax::Template, text), text);
            assert_eq!(split(HoleSyntax::CfnSub, text), text);
        }
    }
}
