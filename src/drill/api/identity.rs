//! Who asks: the drill's users, their tokens, and impersonation.

use http::request::Parts;
use http::{HeaderMap, header};

use super::request::Target;
use super::rights::{self, Rights};
use super::status::Refusal;
use crate::world::NAMESPACE;

/// The group of all users with a token.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of administrators, who may do everything.
pub const MASTERS: &str = "system:masters";
/// The group to which the on-call role is bound.
pub const ON_CALL_GROUP: &str = "managed-services-sre";
/// The account to which the reading role is bound.
pub const READ_ONLY_USER: &str = "system:serviceaccount:managed-services-stage:incident-readonly";

const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// The user on whose behalf a request is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As `oncall@example.com`.
    pub name: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// The id of the token that was shown, as `JTI=…`; `None` for an impersonated user.
    pub credential: Option<&'static str>,
}

impl Identity {
    fn new(name: &str, groups: &[&str], credential: &'static str) -> Self {
        Self {
            credential: Some(credential),
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        }
    }

    /// The engineer on call.
    pub fn on_call() -> Self {
        let credential = "JTI=0b4c1f5e-6f0d-4b1a-9f55-3c1a0c6f2a01";
        Self::new("oncall@example.com", &[ON_CALL_GROUP, AUTHENTICATED], credential)
    }

    /// A service account that may only read.
    pub fn read_only() -> Self {
        let groups = service_account_groups(NAMESPACE);
        Self::new(
            READ_ONLY_USER,
            &[groups[0].as_str(), groups[1].as_str(), AUTHENTICATED],
            "JTI=7d2e9b30-18c4-4d0e-8a6b-5f9e2b7c4d02",
        )
    }

    /// The cluster's administrator.
    pub fn admin() -> Self {
        let credential = "JTI=c3a8e6d4-92f1-4c7b-b0de-1a4f8e5d6b03";
        Self::new("admin", &[MASTERS, AUTHENTICATED], credential)
    }

    /// Whether it is in the group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|name| name == group)
    }
}

fn service_account_groups(namespace: &str) -> [String; 2] {
    [
        "system:serviceaccounts".to_owned(),
        format!("system:serviceaccounts:{namespace}"),
    ]
}

/// The bearer tokens by which the users are known.
#[derive(Clone)]
pub struct Tokens {
    /// The engineer on call's.
    pub on_call: String,
    /// The reading account's.
    pub read_only: String,
    /// The administrator's.
    pub admin: String,
}

impl Tokens {
    /// The user with this `Authorization` header; `None` for an unknown token.
    fn holder(&self, authorization: &str) -> Option<Identity> {
        let token = authorization.strip_prefix("Bearer ")?;
        [
            (&self.on_call, Identity::on_call as fn() -> Identity),
            (&self.read_only, Identity::read_only),
            (&self.admin, Identity::admin),
        ]
        .into_iter()
        .find_map(|(known, identity)| (known == token).then(identity))
    }
}

/// The user who sent a request, or 401.
pub fn authenticate(tokens: &Tokens, headers: &HeaderMap) -> Result<Identity, Refusal> {
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    shown
        .and_then(|shown| tokens.holder(shown))
        .ok_or_else(Refusal::unauthorized)
}

/// The user whose rights count: the sender, or the one that its `Impersonate-*` headers name.
pub fn impersonated(asking: Identity, rights: &Rights, parts: &Parts) -> Result<Identity, Refusal> {
    let values = |name: &str| -> Vec<String> {
        let all = parts.headers.get_all(name).iter();
        all.filter_map(|value| value.to_str().ok().map(str::to_owned))
            .collect()
    };
    let user = values("impersonate-user")
        .into_iter()
        .next()
        .filter(|user| !user.is_empty());
    let groups = values("impersonate-group");
    let Some(user) = user else {
        if groups.is_empty() {
            return Ok(asking);
        }
        return Err(Refusal::groups_without_a_user(&groups));
    };
    check(&asking, rights, &user_target(&user))?;
    for group in &groups {
        check(&asking, rights, &impersonation("groups", group, ""))?;
    }
    Ok(become_user(user, groups))
}

fn check(asking: &Identity, rights: &Rights, target: &Target) -> Result<(), Refusal> {
    if rights.allow(asking, "impersonate", target) {
        return Ok(());
    }
    Err(rights::forbidden(asking, "impersonate", target))
}

fn user_target(user: &str) -> Target {
    let account = user
        .strip_prefix(SERVICE_ACCOUNT)
        .and_then(|rest| rest.split_once(':'));
    match account {
        Some((namespace, name)) => impersonation("serviceaccounts", name, namespace),
        None => impersonation("users", user, ""),
    }
}

fn impersonation(plural: &str, name: &str, namespace: &str) -> Target {
    Target {
        plural: plural.to_owned(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        ..Target::default()
    }
}

/// A service account comes with its own groups when none are asked for, and everybody but the anonymous is authenticated.
fn become_user(name: String, mut groups: Vec<String>) -> Identity {
    let account = name
        .strip_prefix(SERVICE_ACCOUNT)
        .and_then(|rest| rest.split_once(':'));
    if let Some((namespace, _)) = account.filter(|_| groups.is_empty()) {
        groups.extend(service_account_groups(namespace));
    }
    let anonymous = name == "system:anonymous";
    let extra = if anonymous {
        "system:unauthenticated"
    } else {
        AUTHENTICATED
    };
    let known = groups
        .iter()
        .any(|group| group == AUTHENTICATED || group == "system:unauthenticated");
    if !known {
        groups.push(extra.to_owned());
    }
    Identity {
        name,
        groups,
        credential: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request = headers
            .iter()
            .fold(http::Request::builder(), |request, (name, value)| {
                request.header(*name, *value)
            });
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn every_token_is_one_user_and_another_is_nobody() {
        let tokens = Tokens {
            on_call: "a".into(),
            read_only: "b".into(),
            admin: "c".into(),
        };
        let shown = |value: &str| authenticate(&tokens, &parts(&[("authorization", value)]).headers);
        assert_eq!(shown("Bearer a").unwrap(), Identity::on_call());
        assert_eq!(shown("Bearer b").unwrap(), Identity::read_only());
        assert_eq!(shown("Bearer c").unwrap(), Identity::admin());
        for wrong in ["Bearer d", "Basic a", "a", "Bearer "] {
            assert!(shown(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_administrator_may_be_anybody_and_others_nobody() {
        let rights = Rights::default();
        let headers = parts(&[("impersonate-user", "bob"), ("impersonate-group", "dev")]);
        let bob = impersonated(Identity::admin(), &rights, &headers).unwrap();
        assert_eq!(
            (bob.name.as_str(), bob.groups),
            ("bob", vec!["dev".to_owned(), AUTHENTICATED.to_owned()])
        );
        let refusal = impersonated(Identity::on_call(), &rights, &headers).unwrap_err();
        assert_eq!(
            refusal.value()["message"],
            "users \"bob\" is forbidden: User \"oncall@example.com\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"
        );
        let account = parts(&[("impersonate-user", READ_ONLY_USER)]);
        let same = impersonated(Identity::admin(), &rights, &account).unwrap();
        assert_eq!(
            (same.name, same.groups),
            (Identity::read_only().name, Identity::read_only().groups)
        );
        let refusal = impersonated(Identity::on_call(), &rights, &account).unwrap_err();
        assert_eq!(
            refusal.value()["message"],
            "serviceaccounts \"incident-readonly\" is forbidden: User \"oncall@example.com\" cannot impersonate resource \"serviceaccounts\" in API group \"\" in the namespace \"managed-services-stage\""
        );
    }

    #[test]
    fn groups_without_a_user_are_an_error() {
        let headers = parts(&[("impersonate-group", "dev")]);
        assert!(impersonated(Identity::admin(), &Rights::default(), &headers).is_err());
    }
}
