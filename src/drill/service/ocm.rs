//! How calls to OCM fail, in the words of its SDK (v0.1.141) and of Go's transport.

use std::time::Duration;

use serde::Deserialize;

use super::log::time;
use crate::random::Random;

/// One way in which calls to OCM fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// 400.
    BadRequest,
    /// 403, for want of quota.
    Forbidden,
    /// 500.
    InternalError,
    /// 503.
    Unavailable,
    /// The SDK gets no access token.
    NoToken,
    /// Nobody answers the dial.
    DialTimeout,
    /// No answer in time.
    Deadline,
    /// The connection is closed before the answer.
    ConnectionClosed,
}

/// What is asked of OCM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Create,
    Status,
    AddOn,
    DnsName,
    Syncset,
}

/// A request to one of OCM's services as the SDK counts it: ids in the path are `-`, and the code is that of success.
#[derive(Clone, Copy, Debug)]
pub struct Outbound {
    pub service: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub code: u16,
}

const fn of_clusters(method: &'static str, path: &'static str, code: u16) -> Outbound {
    Outbound {
        service: "ocm-clusters-service",
        method,
        path,
        code,
    }
}

const SYNCSETS: &str = "/api/clusters_mgmt/v1/clusters/-/external_configuration/syncsets";
/// A Kafka's syncset is deleted.
pub const SYNCSET_DELETION: Outbound = of_clusters("DELETE", SYNCSETS, 204);
/// The accounts service is asked whether the organisation has quota for another Kafka.
pub const AUTHORISATION: Outbound = Outbound {
    service: "ocm-accounts-service",
    method: "POST",
    path: "/api/accounts_mgmt/v1/cluster_authorizations",
    code: 201,
};

impl Call {
    /// As it is counted.
    pub fn outbound(self) -> Outbound {
        let clusters = "/api/clusters_mgmt/v1/clusters";
        let cluster = "/api/clusters_mgmt/v1/clusters/-";
        match self {
            Call::Create => of_clusters("POST", clusters, 201),
            Call::Status | Call::DnsName => of_clusters("GET", cluster, 200),
            Call::AddOn => of_clusters("POST", "/api/clusters_mgmt/v1/clusters/-/addons", 201),
            Call::Syncset => of_clusters("POST", SYNCSETS, 201),
        }
    }

    fn method(self) -> &'static str {
        match self {
            Call::Create | Call::Syncset | Call::AddOn => "Post",
            Call::Status | Call::DnsName => "Get",
        }
    }

    fn path(self, cluster: &str) -> String {
        let clusters = "https://api.stage.openshift.com/api/clusters_mgmt/v1/clusters";
        match self {
            Call::Create => clusters.to_owned(),
            Call::Status | Call::DnsName => format!("{clusters}/{cluster}"),
            Call::AddOn => format!("{clusters}/{cluster}/addons"),
            Call::Syncset => format!("{clusters}/{cluster}/external_configuration/syncsets"),
        }
    }
}

impl Failure {
    /// Whether OCM says that the request itself is wrong.
    pub fn is_callers_fault(self) -> bool {
        matches!(self, Failure::BadRequest | Failure::Forbidden)
    }

    /// As the SDK counts it: 0 where no answer came.
    pub fn code(self) -> u16 {
        match self {
            Failure::BadRequest => 400,
            Failure::Forbidden => 403,
            Failure::InternalError => 500,
            Failure::Unavailable => 503,
            Failure::NoToken | Failure::DialTimeout | Failure::Deadline | Failure::ConnectionClosed => 0,
        }
    }

    /// How long the caller waits, where that is longer than an answer usually takes.
    pub fn patience(self) -> Option<Duration> {
        match self {
            Failure::NoToken | Failure::DialTimeout => Some(Duration::from_secs(30)),
            Failure::Deadline => Some(Duration::from_secs(10)),
            _ => None,
        }
    }

    /// The SDK's error; `cluster` is OCM's id of the cluster in question.
    pub fn text(self, call: Call, cluster: &str, random: &mut Random) -> String {
        let answered = |code: u16, reason: &str, random: &mut Random| {
            let operation = random.ocm_id();
            format!(
                "identifier is '{code}', code is 'CLUSTERS-MGMT-{code}' and operation identifier is '{operation}': {reason}"
            )
        };
        let transport = |why: &str| format!("{} \"{}\": {why}", call.method(), call.path(cluster));
        match self {
            Failure::BadRequest => answered(400, "Cluster flavour 'osd-4' is not available in this region", random),
            Failure::Forbidden => answered(
                403,
                "Insufficient quota: the organization has no OSD cluster of this type left",
                random,
            ),
            Failure::InternalError => answered(500, "An unexpected error occurred", random),
            Failure::Unavailable => answered(503, "The service is temporarily unavailable", random),
            Failure::NoToken => "can't get access token: Post \"https://sso.redhat.com/auth/realms/redhat-external/protocol/openid-connect/token\": dial tcp 23.41.180.17:443: i/o timeout".to_owned(),
            Failure::DialTimeout => transport("dial tcp 52.203.91.14:443: i/o timeout"),
            Failure::Deadline => transport("context deadline exceeded"),
            Failure::ConnectionClosed => transport("EOF"),
        }
    }

    /// What the SDK writes past glog, on Go's standard logger.
    pub fn standard_log(self, at: i64) -> Option<String> {
        let why = match self {
            Failure::NoToken => "failed to get tokens, will attempt to retry",
            Failure::Unavailable => "server answered with code 503, will attempt to retry",
            _ => return None,
        };
        Some(format!(
            "{} OCM connection: {why}",
            time(at).strftime("%Y/%m/%d %H:%M:%S")
        ))
    }
}

/// The service wraps what OCM said in its own general error, twice.
pub fn wrapped(text: &str) -> String {
    format!("MGD-SERV-API-9: MGD-SERV-API-9: {text}")
}
