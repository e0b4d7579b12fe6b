use super::*;
use crate::policy::testing::statements;
#[test]
fn smoke() {
    let policy = statements(r#"{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}"#);
    let compiled = Arc::new(Compiled::new(&policy, &|_| Default::default()));
    let layers = Layers { identity: vec![compiled], ..Layers::default() };
    let request = Request {
        action: "ec2:RunInstances".into(),
        resource: crate::policy::request::Target::Any,
        context: Default::default(),
    };
    assert_eq!(decide(&layers, &request), Decision::Allowed);
}
