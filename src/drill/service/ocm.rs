//! Calls to OCM and their failures, in the words of its SDK (v0.1.141) and of Go's transport.

use std::time::Duration;

use serde::Deserialize;

use super::log::time;
use crate::random::Random;

/// One way in which calls to OCM fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OcmFailure {
    /// 400.
    BadRequest,
    /// 403: no quota is left.
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

/// A call to OCM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcmCall {
    Create,
    Status,
    AddOn,
    DnsName,
    Syncset,
}

/// A request to one of OCM's services as the SDK counts it: ids in the path are `-`, and the code is that of success.
#[derive(Clone, Copy, Debug)]
pub struct OcmRequest {
    pub service: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub code: u16,
}

const fn of_clusters(method: &'static str, path: &'static str, code: u16) -> OcmRequest {
    OcmRequest {
        service: "ocm-clusters-service",
        method,
        path,
        code,
    }
}

const SYNCSETS: &str = "/api/clusters_mgmt/v1/clusters/-/external_configuration/syncsets";
/// A Kafka's syncset is deleted.
pub const SYNCSET_DELETION: OcmRequest = of_clusters("DELETE", SYNCSETS, 204);
/// The accounts service is asked whether the organisation has quota for another Kafka.
pub const AUTHORISATION: OcmRequest = OcmRequest {
    service: "ocm-accounts-service",
    method: "POST",
    path: "/api/accounts_mgmt/v1/cluster_authorizations",
    code: 201,
};

impl OcmCall {
    /// The request as the SDK counts it.
    pub fn outbound(self) -> OcmRequest {
        let clusters = "/api/clusters_mgmt/v1/clusters";
        let cluster = "/api/clusters_mgmt/v1/clusters/-";
        match self {
            OcmCall::Create => of_clusters("POST", clusters, 201),
            OcmCall::Status | OcmCall::DnsName => of_clusters("GET", cluster, 200),
            OcmCall::AddOn => of_clusters("POST", "/api/clusters_mgmt/v1/clusters/-/addons", 201),
            OcmCall::Syncset => of_clusters("POST", SYNCSETS, 201),
        }
    }

    fn method(self) -> &'static str {
        match self {
            OcmCall::Create | OcmCall::Syncset | OcmCall::AddOn => "Post",
            OcmCall::Status | OcmCall::DnsName => "Get",
        }
    }

    fn path(self, cluster: &str) -> String {
        let clusters = "https://api.stage.openshift.com/api/clusters_mgmt/v1/clusters";
        match self {
            OcmCall::Create => clusters.to_owned(),
            OcmCall::Status | OcmCall::DnsName => format!("{clusters}/{cluster}"),
            OcmCall::AddOn => format!("{clusters}/{cluster}/addons"),
            OcmCall::Syncset => format!("{clusters}/{cluster}/external_configuration/syncsets"),
        }
    }
}

impl OcmFailure {
    /// Whether OCM says that the request itself is wrong.
    pub fn is_callers_fault(self) -> bool {
        matches!(self, OcmFailure::BadRequest | OcmFailure::Forbidden)
    }

    /// The status code as the SDK counts it: 0 where no answer came.
    pub fn code(self) -> u16 {
        match self {
            OcmFailure::BadRequest => 400,
            OcmFailure::Forbidden => 403,
            OcmFailure::InternalError => 500,
            OcmFailure::Unavailable => 503,
            OcmFailure::NoToken
            | OcmFailure::DialTimeout
            | OcmFailure::Deadline
            | OcmFailure::ConnectionClosed => 0,
        }
    }

    /// How long the caller waits, where that is longer than an answer usually takes.
    pub fn patience(self) -> Option<Duration> {
        match self {
            OcmFailure::NoToken | OcmFailure::DialTimeout => Some(Duration::from_secs(30)),
            OcmFailure::Deadline => Some(Duration::from_secs(10)),
            _ => None,
        }
    }

    /// The SDK's error; `cluster` is OCM's id of the cluster in question.
    pub fn text(self, call: OcmCall, cluster: &str, random: &mut Random) -> String {
        let answered = |code: u16, reason: &str, random: &mut Random| {
            let operation = random.ocm_id();
            format!(
                "identifier is '{code}', code is 'CLUSTERS-MGMT-{code}' and operation identifier is '{operation}': {reason}"
            )
        };
        let transport = |why: &str| format!("{} \"{}\": {why}", call.method(), call.path(cluster));
        match self {
            OcmFailure::BadRequest => answered(400, "Cluster flavour 'osd-4' is not available in this region", random),
            OcmFailure::Forbidden => answered(
                403,
                "Insufficient quota: the organization has no OSD cluster of this type left",
                random,
            ),
            OcmFailure::InternalError => answered(500, "An unexpected error occurred", random),
            OcmFailure::Unavailable => answered(503, "The service is temporarily unavailable", random),
            OcmFailure::NoToken => "can't get access token: Post \"https://sso.redhat.com/auth/realms/redhat-external/protocol/openid-connect/token\": dial tcp 23.41.180.17:443: i/o timeout".to_owned(),
            OcmFailure::DialTimeout => transport("dial tcp 52.203.91.14:443: i/o timeout"),
            OcmFailure::Deadline => transport("context deadline exceeded"),
            OcmFailure::ConnectionClosed => transport("EOF"),
        }
    }

    /// What the SDK logs by itself, on Go's standard logger.
    pub fn standard_log(self, at: i64) -> Option<String> {
        let why = match self {
            OcmFailure::NoToken => "failed to get tokens, will attempt to retry",
            OcmFailure::Unavailable => "server answered with code 503, will attempt to retry",
            _ => return None,
        };
        Some(format!(
            "{} OCM connection: {why}",
            time(at).strftime("%Y/%m/%d %H:%M:%S")
        ))
    }
}

/// OCM's error in the service's general error, which wraps it twice.
pub fn wrapped(text: &str) -> String {
    format!("MGD-SERV-API-9: MGD-SERV-API-9: {text}")
}
