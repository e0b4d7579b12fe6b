//! What a log line, a condition message or a CloudTrail record says of a denial. The text is hostile:
//! what is taken from it has the characters of what it should be, and nothing else.

use serde_json::Value;

/// What was understood; everything that the text does not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// The call that was made: `ec2:CreateFleet`.
    pub call: Option<String>,
    /// The action that was denied: `ec2:RunInstances`.
    pub action: Option<String>,
    /// The service, where nothing says which of its actions: `sqs`.
    pub service: Option<String>,
    /// On what.
    pub resource: Option<String>,
    /// Who asked.
    pub principal: Option<String>,
    /// Reason of a Kubernetes condition.
    pub reason: Option<String>,
    /// Why, as AWS says it.
    pub cause: Option<Cause>,
    /// It is the good answer to a dry run.
    pub dry_run_passed: bool,
    /// What AWS can decode.
    pub encoded: Option<String>,
}

/// Why AWS denied a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// No statement grants it.
    NoAllow,
    /// A Deny of a service control policy, or none of its statements allows it.
    ServiceControl,
    /// The same of the permissions boundary.
    Boundary,
    /// A Deny of an identity policy.
    ExplicitDeny,
}

impl Cause {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoAllow => "no identity policy grants it, or a condition does not hold",
            Self::ServiceControl => "a service control policy denies it: give it with --scp",
            Self::Boundary => "the permissions boundary denies it: give it with --boundary",
            Self::ExplicitDeny => "a Deny statement matches",
        }
    }
}

/// Reads `text`: one event, or each of the records that tell of a denial; nothing if it holds none.
#[must_use]
pub fn read(text: &str) -> Vec<Event> {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return message_of(text, Event::default()).into_iter().collect();
    };
    let Some(records) = value.get("Records").and_then(Value::as_array) else {
        return record(&value).into_iter().collect();
    };
    let mut events: Vec<Event> = Vec::new();
    for event in records.iter().filter_map(record) {
        // A controller tries again and again: what differs is what is encoded.
        let same =
            |known: &Event| Event { encoded: event.encoded.clone(), ..known.clone() } == event;
        if !events.iter().any(same) {
            events.push(event);
        }
    }
    events
}

/// A CloudTrail record, or a line of a log in JSON.
fn record(value: &Value) -> Option<Event> {
    message_of(&strings(value), cloud_trail(value).unwrap_or_default())
}

/// The fields of a CloudTrail record that failed.
fn cloud_trail(value: &Value) -> Option<Event> {
    value.get("errorCode")?;
    let service = value.get("eventSource")?.as_str()?.split('.').next()?;
    let name = value.get("eventName")?.as_str()?;
    let principal = value.pointer("/userIdentity/arn").and_then(Value::as_str);
    Some(Event {
        call: word(&format!("{service}:{name}"), is_action),
        principal: principal.and_then(|arn| word(arn, is_arn)),
        ..Event::default()
    })
}

/// All strings of a JSON value, one a line: in a log of JSON lines the denial is one of them. The
/// recursion is as deep as the parser lets a value be.
fn strings(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(items) => items.iter().map(strings).collect(),
        Value::Object(fields) => fields.values().map(strings).collect(),
        _ => String::new(),
    }
}

/// What words of a message add to `event`; `None` if neither says anything of a denial.
fn message_of(text: &str, mut event: Event) -> Option<Event> {
    let after = |marker: &str| text.split_once(marker).map(|(_, rest)| rest);
    // STS begins a sentence with it, EC2 does not.
    let action = ["ot authorized to perform: ", "authorized to call ", "ot authorized to perform "]
        .iter()
        .find_map(|marker| word(after(marker)?, is_action))
        .filter(|action| action.contains(':'));
    event.action = event.action.take().or(action);
    event.resource = after("on resource: ").and_then(|rest| word(rest, is_arn));
    let principal = after("User: ").and_then(|rest| word(rest, is_arn));
    event.principal = event.principal.take().or(principal);
    if event.call.is_none()
        && let Some((service, rest)) =
            after("operation error ").and_then(|rest| rest.split_once(": "))
        && let (Some(service), Some(name)) = (word(service, is_action), word(rest, is_action))
    {
        event.call = Some(format!("{}:{name}", service.to_ascii_lowercase()));
    }
    event.encoded = after("Encoded authorization failure message: ")
        .and_then(|rest| word(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')));
    event.reason = super::reasons()
        .iter()
        .filter(|reason| reason.id != "Unauthorized")
        .find(|reason| text.contains(&reason.id))
        .map(|reason| reason.id.clone());
    event.dry_run_passed =
        text.contains("DryRunOperation") && !text.contains("UnauthorizedOperation");
    if event.action.is_none() && event.call.is_none() {
        // SQS names the queue by its address, and not what was asked of it.
        let host = after("ccess to the resource https://")
            .filter(|_| text.contains("denied") || text.contains("AccessDenied"));
        event.service = host.and_then(|host| word(host.split('.').next()?, is_action));
    }
    let deny = text.contains("explicit deny");
    event.cause = if text.contains("service control policy") {
        Some(Cause::ServiceControl)
    } else if text.contains("permissions boundary") || text.contains("permission boundary") {
        Some(Cause::Boundary)
    } else if deny {
        Some(Cause::ExplicitDeny)
    } else if text.contains("no identity-based policy allows") {
        Some(Cause::NoAllow)
    } else {
        None
    };
    (event != Event::default()).then_some(event)
}

/// The characters at the start of `text` that `is` takes.
fn word(text: &str, is: impl Fn(char) -> bool) -> Option<String> {
    let text = text.trim_start_matches(['"', '\'', '`', '\\']);
    let word: String = text.chars().take_while(|c| is(*c)).collect();
    let word = word.trim_end_matches(['.', ':', ',']);
    (!word.is_empty()).then(|| word.to_owned())
}

fn is_action(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '-')
}

fn is_arn(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '-' | '_' | '.' | '*' | '+' | '=' | '@')
}

impl Event {
    /// The type in the resource's ARN: `launch-template`.
    #[must_use]
    pub fn resource_type(&self) -> Option<&str> {
        self.resource.as_deref()?.splitn(6, ':').nth(5)?.split(['/', ':']).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "creating instance, with fleet error(s), UnauthorizedOperation: You are not \
        authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/ctl/x is not \
        authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-west-2:111122223333:volume/* \
        because no identity-based policy allows the ec2:RunInstances action. Encoded authorization \
        failure message: AbC-12_x";

    fn one(text: &str) -> Event {
        let [event] = <[Event; 1]>::try_from(read(text)).unwrap();
        event
    }

    #[test]
    fn a_log_line_names_action_resource_cause_and_what_can_be_decoded() {
        let event = one(MESSAGE);
        assert_eq!(event.action.as_deref(), Some("ec2:RunInstances"));
        assert_eq!(event.resource_type(), Some("volume"));
        assert_eq!(event.cause, Some(Cause::NoAllow));
        assert_eq!(event.encoded.as_deref(), Some("AbC-12_x"));
        let json = serde_json::json!({"level": "ERROR", "error": MESSAGE}).to_string();
        assert_eq!(read(&json), [event]);
    }

    #[test]
    fn a_condition_names_the_call() {
        let event = one("Controller isn't authorized to call ec2:CreateFleet");
        assert_eq!(event.action.as_deref(), Some("ec2:CreateFleet"));
        let event = one("reason: RunInstancesAuthCheckFailed");
        assert_eq!(event.reason.as_deref(), Some("RunInstancesAuthCheckFailed"));
    }

    #[test]
    fn a_cloudtrail_record_names_call_and_principal() {
        let record = serde_json::json!({"Records": [{"eventSource": "ec2.amazonaws.com",
            "eventName": "CreateFleet", "errorCode": "Client.UnauthorizedOperation",
            "errorMessage": "with an explicit deny in a service control policy",
            "userIdentity": {"arn": "arn:aws:sts::1:assumed-role/a/b"}}]});
        let event = one(&record.to_string());
        assert_eq!(event.call.as_deref(), Some("ec2:CreateFleet"));
        assert_eq!(event.cause, Some(Cause::ServiceControl));
    }

    #[test]
    fn every_record_that_failed_is_an_event_and_one_that_did_not_is_none() {
        let record = |name: &str, failed: bool| {
            let mut record =
                serde_json::json!({"eventSource": "ec2.amazonaws.com", "eventName": name});
            if failed {
                record["errorCode"] = "Client.UnauthorizedOperation".into();
            }
            record
        };
        let records = [
            record("CreateFleet", true),
            record("DescribeImages", false),
            record("RunInstances", true),
            record("CreateFleet", true),
        ];
        let events = read(&serde_json::json!({"Records": records}).to_string());
        let calls: Vec<_> = events.iter().map(|event| event.call.as_deref().unwrap()).collect();
        assert_eq!(calls, ["ec2:CreateFleet", "ec2:RunInstances"]);
    }

    #[test]
    fn denials_of_sts_and_sqs_are_denials() {
        let event = one("AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity");
        assert_eq!(event.action.as_deref(), Some("sts:AssumeRoleWithWebIdentity"));
        let event = one(
            "AccessDenied: Access to the resource https://sqs.us-west-2.amazonaws.com/ is denied.",
        );
        assert_eq!(event.service.as_deref(), Some("sqs"));
    }

    #[test]
    fn nothing_else_gets_through() {
        assert_eq!(read("all is well"), []);
        let hostile = "not authorized to perform: ec2:A\u{1b}[31m on resource: arn:$(reboot)";
        let event = one(hostile);
        assert_eq!(event.action.as_deref(), Some("ec2:A"));
        assert_eq!(event.resource.as_deref(), Some("arn"));
    }
}
