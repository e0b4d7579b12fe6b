//! What the values of an installation look like: for flags and for the configuration, which tells the place.

/// Why a value cannot be meant, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// One sentence.
    pub message: String,
    /// Advice.
    pub help: Option<&'static str>,
}

type Checked = Result<(), Wrong>;

fn wrong(message: String) -> Checked {
    Err(Wrong { message, help: None })
}

fn wrong_but(message: String, help: &'static str) -> Checked {
    Err(Wrong { message, help: Some(help) })
}

/// An account id.
///
/// # Errors
/// All but twelve digits.
pub fn account(text: &str) -> Checked {
    match text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => wrong(format!("`{text}` is not an account id: these have twelve digits")),
    }
}

/// The name of an EKS cluster.
///
/// # Errors
/// What EKS does not take.
pub fn cluster(text: &str) -> Checked {
    match !text.is_empty() && text.chars().all(is_word) {
        true => Ok(()),
        false => wrong(format!(
            "`{text}` is not a cluster name: these have letters, digits, `-` and `_`"
        )),
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// A region by its form: there are new ones.
///
/// # Errors
/// What no region is called.
pub fn region(text: &str) -> Checked {
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    match text.split('-').all(is_part) && text.contains('-') {
        true => Ok(()),
        false => wrong_but(format!("`{text}` is not a region"), "write `us-west-2`"),
    }
}

/// A partition by its form: there are new ones.
///
/// # Errors
/// What no partition is called.
pub fn partition(text: &str) -> Checked {
    let mut parts = text.split('-');
    let is_part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    match parts.next() == Some("aws") && parts.all(is_part) {
        true => Ok(()),
        false => {
            wrong_but(format!("`{text}` is not a partition"), "`aws`, `aws-cn`, `aws-us-gov`, ...")
        }
    }
}

/// The ARN of a role.
///
/// # Errors
/// All else, the name of a role among it.
pub fn role(text: &str) -> Checked {
    match text.split(':').count() >= 6 && text.contains(":role/") {
        true => Ok(()),
        false => wrong_but(
            format!("`{text}` is not the ARN of a role"),
            "write it whole: arn:aws:iam::111122223333:role/KarpenterNodeRole-demo",
        ),
    }
}

/// A queue of SQS: its name, its ARN, or nothing, which says that there is none.
///
/// # Errors
/// What SQS does not take (SQS API Reference, *CreateQueue*).
pub fn queue(text: &str) -> Checked {
    let is_name = |name: &str| {
        let plain = name.strip_suffix(".fifo").unwrap_or(name);
        (1..=80).contains(&name.len()) && !plain.is_empty() && plain.chars().all(is_word)
    };
    let Some(arn) = text.strip_prefix("arn:") else {
        return match text.is_empty() || is_name(text) {
            true => Ok(()),
            false => wrong_but(
                format!("`{text}` is not a queue"),
                "its name has at most 80 letters, digits, `-` and `_`; \"\" says that there is none",
            ),
        };
    };
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        [of, "sqs", place, owner, name]
            if partition(of).and(region(place)).and(account(owner)).is_ok() && is_name(name) =>
        {
            Ok(())
        }
        _ => wrong_but(
            format!("`{text}` is not the ARN of a queue"),
            "write it whole: arn:aws:sqs:us-west-2:111122223333:demo",
        ),
    }
}

/// The name of an object of Kubernetes: `what` says of which (RFC 1123, as Kubernetes reads it).
///
/// # Errors
/// What Kubernetes does not take.
pub fn object(text: &str, what: &str) -> Checked {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    match text.len() <= 253 && text.split('.').all(is_part) {
        true => Ok(()),
        false => wrong_but(
            format!("`{text}` is not the name of {what}"),
            "these have lower-case letters, digits, `-` and `.`, and begin and end with a letter or a digit",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_a_name_an_arn_or_none() {
        for good in ["", "demo", "Demo_1.fifo", "arn:aws-cn:sqs:cn-north-1:111122223333:demo"] {
            assert_eq!(queue(good), Ok(()), "{good}");
        }
        let long = "q".repeat(81);
        for bad in ["arn:aws:sqs:bad", "bad name!", ".fifo", "arn:aws:sns:us-west-2:111122223333:q"]
        {
            assert!(queue(bad).is_err(), "{bad}");
        }
        assert!(queue(&long).is_err());
    }

    #[test]
    fn names_of_objects_are_those_of_kubernetes() {
        for good in ["general", "a.b-c.d", "1"] {
            assert_eq!(object(good, "a NodePool"), Ok(()), "{good}");
        }
        for bad in ["", "Bad Name", "UP", "-a", "a-", "a..b"] {
            assert!(object(bad, "a NodePool").is_err(), "{bad}");
        }
    }

    #[test]
    fn new_regions_and_partitions_are_taken_and_other_words_are_not() {
        assert!(region("zz-north-9").is_ok() && region("us-iso-east-1").is_ok());
        assert!(region("foo").is_err() && region("US-west-2").is_err());
        assert!(partition("aws-eusc").is_ok() && partition("foo").is_err());
        assert!(partition("awsome").is_err());
    }
}
