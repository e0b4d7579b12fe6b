//! Which format a text has: by what it holds first, by its name where that leaves a doubt.

/// The formats that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON: policies, templates, plans, output of the AWS CLI.
    Json,
    /// YAML: templates, manifests.
    Yaml,
    /// Terraform or OpenTofu source.
    Hcl,
    /// Anything else: source code and prose mention statements too.
    Other,
}

/// What the names of templates of any file end in.
const TEMPLATES: [&str; 11] = [
    ".tpl",
    ".tmpl",
    ".tftpl",
    ".gotmpl",
    ".j2",
    ".jinja",
    ".jinja2",
    ".erb",
    ".in",
    ".template",
    ".txt",
];

/// The format of `text`, which is called `name`.
#[must_use]
pub fn detect(name: &str, text: &str) -> Format {
    let file = name.rsplit('/').next().unwrap_or(name);
    // `policy.json.tpl` is JSON that is filled in later.
    let bare = TEMPLATES.iter().find_map(|suffix| file.strip_suffix(suffix)).unwrap_or(file);
    if file.ends_with(".tf.json") || file.ends_with(".tofu.json") {
        return Format::Hcl;
    }
    let extension = bare.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        // The word wins over the content: `{{- if .Values.x }}` starts a YAML template, not JSON.
        "yaml" | "yml" if text.trim_start().starts_with("{{") => Format::Yaml,
        "yaml" | "yml" if !opens_json(text) => Format::Yaml,
        "tf" | "tofu" | "hcl" | "tfvars" => Format::Hcl,
        "json" | "tfstate" | "yaml" | "yml" => Format::Json,
        _ if opens_json(text) => Format::Json,
        // Code and prose quote policies, so only a name without an extension is worth a try.
        "" if has_yaml_key(text) => Format::Yaml,
        _ if bare != file && has_yaml_key(text) => Format::Yaml,
        _ => Format::Other,
    }
}

/// Whether the text starts as JSON objects and lists do, and little else does.
fn opens_json(text: &str) -> bool {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start().chars();
    let first = rest.next();
    let second = rest.find(|c| !c.is_whitespace());
    match first {
        Some('{') => matches!(second, None | Some('"' | '}' | '\'' | '/' | '#' | '\0')),
        Some('[') => matches!(second, None | Some('{' | '[' | '"' | ']' | '\0')),
        _ => false,
    }
}

/// Whether a line starts with a key under which templates and policies stand.
fn has_yaml_key(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches([' ', '-']).trim_start_matches(['"', '\'']);
        ["Statement", "Resources", "PolicyDocument"].iter().any(|key| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).starts_with(':'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_content_and_name() {
        for (name, text, expected) in [
            ("a.json", "", Format::Json),
            ("a.json", "Statement", Format::Json),
            ("policy", "\u{feff}\n{ \"Statement\"", Format::Json),
            ("<stdin>", "{}", Format::Json),
            ("a.txt", "[{", Format::Json),
            ("a.json.tpl", "{{ x }}", Format::Json),
            ("a.yaml", "{\"Statement\": []}", Format::Json),
            ("a.yaml", "{{- if x }}\nStatement:", Format::Yaml),
            ("dir.json/a.yml", "Statement:", Format::Yaml),
            ("<stdin>", "Resources:\n  X:", Format::Yaml),
            ("stack.template", "Resources:\n  X:", Format::Yaml),
            ("main.tf.json", "{\"Statement\": []}", Format::Hcl),
            ("main.tf", "{\"Statement\": []}", Format::Hcl),
            ("main.rs", "[a]\nStatement: x", Format::Other),
            ("a.md", "# x\n\"Statement\": [", Format::Other),
            ("a.toml", "[package]\nStatement = 1", Format::Other),
            ("LICENSE", "a Statement", Format::Other),
        ] {
            assert_eq!(detect(name, text), expected, "{name} {text:?}");
        }
    }
}
