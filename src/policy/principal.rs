//! Who asks, and who a statement names (IAM User Guide, *AWS JSON policy elements: Principal*,
//! *NotPrincipal*). How a caller is named decides what the naming is worth, so each way is told apart.

use super::matching::relate;
use super::pattern::{Syntax, tokenize};
use super::symbolic::{Symbol, Symbolic};
use super::tri::Tri;

/// Who asks: a principal of IAM, by its ARN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    arn: Box<str>,
    partition: Box<str>,
    account: Box<str>,
    kind: Kind,
}

/// What kind of principal.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// The account itself.
    Root,
    User(Box<str>),
    /// A role, which stands for a session of it that has no name.
    Role(Box<str>),
    /// A session of the role of this name; the ARN of a session does not tell the role's path.
    Session(Box<str>),
    /// A session that a user asked for, with a name of its own.
    Federated,
}

/// How a statement names a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Naming {
    /// By the ARN of the user or of the session, or as everyone: no boundary and no session policy
    /// takes part (*Policy evaluation logic*).
    pub direct: Tri,
    /// By the ARN of the role: boundary and session policies still limit.
    pub role: Tri,
    /// By the account: what its own policies allow.
    pub account: Tri,
}

impl Naming {
    /// Not at all.
    pub const NONE: Self = Self { direct: Tri::False, role: Tri::False, account: Tri::False };

    /// In one way or another.
    #[must_use]
    pub fn any(self) -> Tri {
        self.direct.or(self.role).or(self.account)
    }

    /// By either of two values.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            direct: self.direct.or(other.direct),
            role: self.role.or(other.role),
            account: self.account.or(other.account),
        }
    }

    /// Where `other` holds as well.
    #[must_use]
    pub fn and(self, other: Tri) -> Self {
        Self {
            direct: self.direct.and(other),
            role: self.role.and(other),
            account: self.account.and(other),
        }
    }
}

impl Caller {
    /// Reads the ARN of a principal: an account, a user, a role, or a session; `None` if `arn` is none.
    #[must_use]
    pub fn parse(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next();
        let (scheme, partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if scheme != "arn" || partition.is_empty() || !region.is_empty() || !is_account {
            return None;
        }
        let named = |name: &str| (!name.is_empty()).then(|| Box::from(name));
        let name = |path: &str| named(path.rsplit('/').next().unwrap_or(path));
        let kind = match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => Kind::Root,
            ("iam", Some(("user", path))) => Kind::User(name(path)?),
            ("iam", Some(("role", path))) => Kind::Role(name(path)?),
            ("sts", Some(("assumed-role", rest))) => {
                let (role, session) = rest.split_once('/')?;
                named(session)?;
                Kind::Session(named(role)?)
            }
            ("sts", Some(("federated-user", user))) => {
                named(user)?;
                Kind::Federated
            }
            _ => return None,
        };
        Some(Self { arn: arn.into(), partition: partition.into(), account: account.into(), kind })
    }

    /// The ARN.
    #[must_use]
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The account: twelve digits.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The name of a user, without its path.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.kind {
            Kind::User(name) => Some(name),
            _ => None,
        }
    }

    /// What `aws:PrincipalArn` holds: for a session the role (*AWS global condition context keys*). The
    /// path of the role is not to be seen in the ARN of a session.
    #[must_use]
    pub fn principal_arn(&self) -> String {
        match &self.kind {
            Kind::Session(role) => {
                format!("arn:{}:iam::{}:role/{role}", self.partition, self.account)
            }
            _ => self.arn.to_string(),
        }
    }

    /// Whether it is a service-linked role, which no service control policy binds (Organizations User
    /// Guide, *Service control policies*).
    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        match &self.kind {
            Kind::Role(_) => self.arn.contains(":role/aws-service-role/"),
            Kind::Session(role) => role.starts_with("AWSServiceRoleFor"),
            Kind::Root | Kind::User(_) | Kind::Federated => false,
        }
    }

    fn root_arn(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.account)
    }
}

/// A prepared `Principal` or `NotPrincipal`.
#[derive(Debug, Clone)]
pub struct Principals {
    negated: bool,
    values: Box<[Value]>,
}

/// One value.
#[derive(Debug, Clone)]
enum Value {
    Everyone,
    Aws(Symbolic),
    /// A service, an identity provider, a canonical user: never a caller that has an ARN of IAM.
    Other,
}

impl Principals {
    /// Prepares pairs of type and value.
    #[must_use]
    pub fn new(negated: bool, values: &[(Box<str>, Symbolic)]) -> Self {
        let value = |(kind, value): &(Box<str>, Symbolic)| match &**kind {
            "*" | "AWS" if value.as_literal() == Some("*") => Value::Everyone,
            "AWS" => Value::Aws(value.clone()),
            // The whole element is a text that is not known before deployment.
            "*" if value.as_literal().is_none() => Value::Aws(value.clone()),
            _ => Value::Other,
        };
        Self { negated, values: values.iter().map(value).collect() }
    }

    /// How an `Allow` names `caller`; `None` for a caller that nobody knows, who is one of everyone.
    #[must_use]
    pub fn allow(&self, caller: Option<&Caller>) -> Naming {
        let named = self.named(caller);
        if !self.negated {
            return named;
        }
        // Everyone else, anonymous callers too. An empty list has no effect.
        let direct = if self.values.is_empty() { Tri::False } else { !named.any() };
        Naming { direct, ..Naming::NONE }
    }

    /// Whether a `Deny` is about `caller`. `bounded` says whether the caller has a permissions boundary:
    /// `NotPrincipal` with `Deny` always denies such callers (*Permissions boundaries for IAM entities*).
    #[must_use]
    pub fn deny(&self, caller: Option<&Caller>, bounded: bool) -> Tri {
        let named = self.named(caller);
        if !self.negated {
            return named.any();
        }
        if self.values.is_empty() {
            return Tri::False;
        }
        if self.values.iter().any(|value| matches!(value, Value::Everyone)) {
            return Tri::False;
        }
        if bounded {
            return Tri::True;
        }
        // Who is to be left out has to be listed with its account, and a session with its role too.
        let exempt = match caller.map(|caller| &caller.kind) {
            Some(Kind::Root) => named.account.or(named.direct),
            Some(Kind::Role(_)) => named.role.and(named.account),
            Some(Kind::Session(_)) => named.direct.and(named.role).and(named.account),
            Some(Kind::User(_) | Kind::Federated) => named.direct.and(named.account),
            None => Tri::False,
        };
        !exempt
    }

    /// The symbols in the values.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = Symbol> {
        self.values.iter().flat_map(|value| match value {
            Value::Aws(text) => text.symbols().collect(),
            Value::Everyone | Value::Other => Vec::new(),
        })
    }

    /// How the values name the caller, negation aside.
    fn named(&self, caller: Option<&Caller>) -> Naming {
        let each = self.values.iter().map(|value| match (value, caller) {
            (Value::Everyone, _) => Naming { direct: Tri::True, ..Naming::NONE },
            (Value::Aws(text), Some(caller)) => names(text, caller),
            (Value::Aws(text), None) => Naming { direct: could_be(text, "*"), ..Naming::NONE },
            (Value::Other, _) => Naming::NONE,
        });
        each.fold(Naming::NONE, Naming::or)
    }
}

/// How one value of type `AWS` names the caller.
fn names(text: &Symbolic, caller: &Caller) -> Naming {
    let Some(text) = text.as_literal() else { return may_name(text, caller) };
    let account = text == &*caller.account || text == caller.root_arn();
    let same = *text == *caller.arn;
    let role = match &caller.kind {
        Kind::Role(_) => same,
        Kind::Session(name) => is_role(text, caller, name),
        Kind::Root | Kind::User(_) | Kind::Federated => false,
    };
    let direct = match caller.kind {
        Kind::Role(_) => false,
        // The account is what it is called by.
        Kind::Root => account,
        Kind::User(_) | Kind::Session(_) | Kind::Federated => same,
    };
    Naming { direct: direct.into(), role: role.into(), account: account.into() }
}

/// Whether `text` is the ARN of the role called `name`, whatever its path: names are unique in an
/// account.
fn is_role(text: &str, caller: &Caller, name: &str) -> bool {
    let front = format!("arn:{}:iam::{}:role/", caller.partition, caller.account);
    let path = text.strip_prefix(front.as_str());
    path.is_some_and(|path| path.rsplit('/').next() == Some(name))
}

/// [`names`] for text with placeholders: what it could be.
fn may_name(text: &Symbolic, caller: &Caller) -> Naming {
    let account = could_be(text, &caller.account).or(could_be(text, &caller.root_arn()));
    let same = could_be(text, &caller.arn);
    let (direct, role) = match &caller.kind {
        Kind::Role(_) => (Tri::False, same),
        Kind::Session(name) => {
            let any = format!("arn:{}:iam::{}:role/*{name}", caller.partition, caller.account);
            let (pattern, _) = tokenize(&any.as_str().into(), Syntax::WILDCARDS);
            let (text, _) = tokenize(text, LITERAL);
            // That the pattern matches does not yet say that the name begins where it should.
            let role = match relate(&pattern, &text, false) {
                Tri::False => Tri::False,
                Tri::Unknown | Tri::True => Tri::Unknown,
            };
            (same, role)
        }
        Kind::Root => (account, Tri::False),
        Kind::User(_) | Kind::Federated => (same, Tri::False),
    };
    Naming { direct: direct.or(could_be(text, "*")), role, account }
}

/// No wildcards, no variables: there are none in principals.
const LITERAL: Syntax = Syntax { wildcards: false, ..Syntax::WILDCARDS };

fn could_be(text: &Symbolic, known: &str) -> Tri {
    let (pattern, _) = tokenize(text, LITERAL);
    let (known, _) = tokenize(&known.into(), LITERAL);
    relate(&pattern, &known, false)
}

#[cfg(test)]
mod tests {
    use super::Tri::{False, True, Unknown};
    use super::*;
    use crate::policy::symbolic::{Class, Shape};

    const USER: &str = "arn:aws:iam::111122223333:user/team/alice";
    const ROLE: &str = "arn:aws:iam::111122223333:role/team/karpenter";
    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/karpenter/pod";
    const ACCOUNT: &str = "111122223333";
    const ROOT: &str = "arn:aws:iam::111122223333:root";

    fn caller(arn: &str) -> Caller {
        Caller::parse(arn).unwrap()
    }

    fn principals(negated: bool, values: &[(&str, &str)]) -> Principals {
        let values: Vec<_> =
            values.iter().map(|(kind, value)| (Box::from(*kind), Symbolic::from(*value))).collect();
        Principals::new(negated, &values)
    }

    fn named(value: (&str, &str), arn: &str) -> (Tri, Tri, Tri) {
        let naming = principals(false, &[value]).allow(Some(&caller(arn)));
        (naming.direct, naming.role, naming.account)
    }

    const NOBODY: (Tri, Tri, Tri) = (False, False, False);

    #[test]
    fn everyone_is_a_star_alone_or_of_type_aws() {
        for arn in [USER, ROLE, SESSION, ROOT] {
            assert_eq!(named(("*", "*"), arn), (True, False, False), "{arn}");
            assert_eq!(named(("AWS", "*"), arn), (True, False, False), "{arn}");
        }
        assert_eq!(principals(false, &[("AWS", "*")]).allow(None).any(), True, "anonymous too");
        assert_eq!(principals(false, &[("AWS", ACCOUNT)]).allow(None).any(), False);
    }

    #[test]
    fn an_account_is_its_number_or_its_root() {
        for arn in [USER, ROLE, SESSION] {
            assert_eq!(named(("AWS", ACCOUNT), arn), (False, False, True), "{arn}");
            assert_eq!(named(("AWS", ROOT), arn), (False, False, True), "{arn}");
            assert_eq!(named(("AWS", "999988887777"), arn), NOBODY, "{arn}");
        }
    }

    #[test]
    fn a_role_names_all_its_sessions_and_a_session_only_itself() {
        assert_eq!(named(("AWS", ROLE), SESSION), (False, True, False), "whatever the path");
        assert_eq!(named(("AWS", ROLE), ROLE), (False, True, False));
        assert_eq!(named(("AWS", SESSION), SESSION), (True, False, False));
        assert_eq!(named(("AWS", SESSION), ROLE), NOBODY);
        assert_eq!(named(("AWS", &SESSION.replace("pod", "other")), SESSION), NOBODY);
        assert_eq!(named(("AWS", &ROLE.replace("karpenter", "xkarpenter")), SESSION), NOBODY);
    }

    #[test]
    fn names_are_case_sensitive_and_take_no_partial_wildcards() {
        assert_eq!(named(("AWS", USER), USER), (True, False, False));
        assert_eq!(named(("AWS", &USER.replace("alice", "Alice")), USER), NOBODY);
        assert_eq!(named(("AWS", "arn:aws:iam::111122223333:user/*"), USER), NOBODY);
        assert_eq!(named(("AWS", "arn:aws:iam::*:root"), USER), NOBODY);
    }

    #[test]
    fn an_id_is_nobody() {
        assert_eq!(named(("AWS", "AIDAJQABLZS4A3QDU576Q"), USER), NOBODY);
        assert_eq!(named(("AWS", "AROAJQABLZS4A3QDU576Q"), ROLE), NOBODY);
    }

    #[test]
    fn services_providers_and_canonical_users_are_not_callers_of_iam() {
        for kind in ["Service", "Federated", "CanonicalUser"] {
            assert_eq!(named((kind, "*"), USER), NOBODY);
            assert_eq!(named((kind, USER), USER), NOBODY);
        }
    }

    #[test]
    fn not_principal_with_allow_is_everyone_else() {
        let allow =
            |values: &[(&str, &str)], arn| principals(true, values).allow(Some(&caller(arn)));
        assert_eq!(allow(&[("AWS", USER)], USER).any(), False);
        assert_eq!(allow(&[("AWS", USER)], ROLE).direct, True);
        assert_eq!(principals(true, &[("AWS", USER)]).allow(None).any(), True, "anonymous too");
        assert_eq!(allow(&[], USER).any(), False, "an empty list has no effect");
    }

    #[test]
    fn not_principal_with_deny_has_to_list_the_account_and_the_role_too() {
        let deny =
            |values: &[(&str, &str)], arn| principals(true, values).deny(Some(&caller(arn)), false);
        assert_eq!(deny(&[("AWS", USER)], USER), True, "the account is missing");
        assert_eq!(deny(&[("AWS", USER), ("AWS", ACCOUNT)], USER), False);
        assert_eq!(deny(&[("AWS", ACCOUNT)], USER), True);
        assert_eq!(deny(&[("AWS", SESSION), ("AWS", ROOT)], SESSION), True, "the role is missing");
        assert_eq!(deny(&[("AWS", SESSION), ("AWS", ROLE), ("AWS", ROOT)], SESSION), False);
        assert_eq!(deny(&[("AWS", ROLE), ("AWS", ROOT)], ROLE), False);
        assert_eq!(deny(&[("AWS", "*")], USER), False);
    }

    #[test]
    fn not_principal_with_deny_always_denies_who_has_a_boundary() {
        let values = [("AWS", USER), ("AWS", ACCOUNT)];
        assert_eq!(principals(true, &values).deny(Some(&caller(USER)), true), True);
        assert_eq!(principals(false, &values).deny(Some(&caller(USER)), true), True);
        let other = principals(false, &[("AWS", ROLE)]);
        assert_eq!(other.deny(Some(&caller(USER)), true), False);
    }

    #[test]
    fn a_placeholder_may_be_anybody_that_it_can_spell() {
        let symbol = Symbol { id: 0, shape: Shape::new(Class::Digits, 12, 12) };
        let mut root = Symbolic::literal("arn:aws:iam::");
        root.push_symbol(symbol);
        root.push_str(":root");
        let found = Principals::new(false, &[("AWS".into(), root)]).allow(Some(&caller(USER)));
        assert_eq!((found.direct, found.role, found.account), (False, False, Unknown));
        let alone = Principals::new(false, &[("AWS".into(), Symbolic::symbol(symbol))]);
        assert_eq!(alone.allow(Some(&caller(USER))).account, Unknown);
        assert_eq!(alone.allow(Some(&caller(USER))).direct, False);
    }

    #[test]
    fn callers_are_read_from_their_arns() {
        assert_eq!(caller(USER).user(), Some("alice"));
        assert_eq!(caller(SESSION).principal_arn(), "arn:aws:iam::111122223333:role/karpenter");
        assert_eq!(caller(ROLE).principal_arn(), ROLE);
        let linked = "arn:aws:iam::111122223333:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot";
        assert!(caller(linked).is_service_linked());
        assert!(!caller(ROLE).is_service_linked());
        for bad in ["", "alice", "arn:aws:iam::1:user/a", "arn:aws:iam::111122223333", "*"] {
            assert_eq!(Caller::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_asks_for_nothing_is_no_caller() {
        assert_eq!(caller("arn:aws:sts::111122223333:federated-user/bob").user(), None);
        for bad in [
            "arn:aws:iam::111122223333:group/x",
            "arn:aws:iam::111122223333:user",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:role/team/",
            "arn:aws:iam::111122223333:assumed-role/r/s",
            "arn:aws:iam:us-west-2:111122223333:user/a",
            "arn:aws:sts::111122223333:assumed-role/karpenter",
            "arn:aws:sts::111122223333:assumed-role/karpenter/",
            "arn:aws:sts::111122223333:assumed-role//pod",
            "arn:aws:sts::111122223333:federated-user/",
            "arn:aws:ec2:us-west-2:111122223333:instance/i-1",
        ] {
            assert_eq!(Caller::parse(bad), None, "{bad}");
        }
    }
}
