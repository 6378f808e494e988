//! What differs and may.

use super::judge::Allowed;

const EVERY: &str = ".*";

/// In answers of the API.
pub const ANSWERS: &[Allowed] = &[
    Allowed {
        recordings: EVERY,
        path: r"(.*\.)?(spec|template\.spec)\.(containers|initContainers)\[\w+\]\.(command|args|env|ports|livenessProbe|readinessProbe|resources|volumeMounts)\b.*|(.*\.)?spec\.(volumes\[\w+\]|securityContext|automountServiceAccountToken).*|(.*\.)?status\.\w*[cC]ontainerStatuses\[\w+\]\.volumeMounts\[\w+\].*",
        why: "the service has its own template (its deployment of 2021): the recorded deployment ran a stand-in on one test node",
    },
    Allowed {
        recordings: EVERY,
        path: r"(.*\.)?managedFields\[[^\]]*\]\.fieldsV1\.f:spec\.(f:template\.f:spec\.)?(f:(c|initC)ontainers\.k:.*|f:volumes\..*|f:securityContext.*|f:automountServiceAccountToken)",
        why: "the fields of that template",
    },
    Allowed {
        recordings: EVERY,
        path: r".*\[(\w+ spec\.initContainers\{id\}|id)\]|.*status\.conditions\[Initialized\]\.message",
        why: "the service has an init container more, which prints who it runs as",
    },
    Allowed {
        recordings: "(state-imagepull-)?deployment-.*|state-.*-deployment",
        path: r"(.*\.)?spec\.(progressDeadlineSeconds|revisionHistoryLimit)",
        why: "the test bed was to show a failed rollout soon; the service has the defaults",
    },
    Allowed {
        recordings: "(.*-)?deployment(-.*)?|replicasets-table",
        path: r"(.*\.)?metadata\.annotations\.(kubernetes\.io/change-cause|deployment\.kubernetes\.io/revision-history)",
        why: "the test bed's releases were annotated by hand, and rolled back",
    },
    Allowed {
        recordings: "replicasets-table",
        path: r"rows\[observability-proxy-\w+\]|rows\[SET\]\.cells\[[56]\]",
        why: "a neighbour's set, and a release with a sidecar, which the test bed tried",
    },
    Allowed {
        recordings: EVERY,
        path: "header content-length",
        why: "hyper adds it when the answer is sent; these tests ask the handler itself",
    },
    Allowed {
        recordings: "api-aggregated",
        path: "header etag",
        why: "a tag of another document",
    },
    Allowed {
        recordings: "version",
        path: "(gitVersion|gitCommit|gitTreeState|goVersion|compiler)",
        why: "another program says what it is",
    },
    Allowed {
        recordings: "events-.*|state-imagepull-events",
        path: r".*NodeNotReady.*|items\[Unhealthy .*",
        why: "the only node of the test bed was slow for a while",
    },
    Allowed {
        recordings: "events-.*",
        path: r".*Scheduled.*(reportingInstance|cells\[5\])",
        why: "the scheduler's replica has another name",
    },
    Allowed {
        recordings: "events-.*",
        path: r"metadata\.remainingItemCount|items\[\w+ spec\.containers\{service\}\]\.count|.*BackOff spec\.containers\{service\} victim.*\.count|rows\[\w+ spec\.containers\{service\}\]\.cells\[8\]",
        why: "as many as happened",
    },
    Allowed {
        recordings: "events-(list|table)",
        path: r"(items|rows)\[(BackOff|Killing) spec\.containers\{service\}\]",
        why: "the first page holds the events of other pods",
    },
    Allowed {
        recordings: "pods-list-page-1",
        path: r"items\[POD in trouble\]",
        why: "a pod ran out of memory meanwhile",
    },
    Allowed {
        recordings: "log-init",
        path: "words",
        why: "the service's migration says more than the stand-in's",
    },
    Allowed {
        recordings: "secret-get",
        path: r"data\.db\.(ca_cert|password|port)|metadata\.annotations\..*",
        why: "another database, on loopback without TLS; and nobody applied this secret",
    },
    Allowed {
        recordings: "pods-watch-during-delete",
        path: r"MODIFIED victim \(\d\)\.status\.containerStatuses\[service\]\.state\.terminated\.exitCode",
        why: "a Go program that is process 1 and handles no signal exits with 2 on SIGTERM; the stand-in was a shell's child",
    },
    Allowed {
        recordings: "state-(imagepull|initfail|unschedulable)-.*",
        path: r"items\[POD\]\.status\.containerStatuses\[service\]\.(restartCount|lastState.*)|items\[BackOff spec\.containers\{service\}\]",
        why: "the pods of the release before had been out of memory in the test bed",
    },
    Allowed {
        recordings: "state-imagepull-.*",
        path: r"items\[Failed spec\.containers\{service\}\]\.(message|count)|items\[POD in trouble\]\.status\.containerStatuses\[service\]\.state\.waiting\.message",
        why: "the test bed had no registry: here there is one, which does not have the image",
    },
    Allowed {
        recordings: "deployment-get",
        path: r"status\.conditions in order",
        why: "the newest change comes last: there a pod had been unready after the rollout",
    },
    Allowed {
        recordings: "state-initfail-pods",
        path: r"items\[POD in trouble\]\.metadata\.annotations\.kubectl\.kubernetes\.io/restartedAt",
        why: "the test bed's release came with a restart",
    },
    Allowed {
        recordings: "state-unschedulable-pods",
        path: r"items\[POD\]\.(spec\.nodeSelector\.disk|status\.conditions\[PodScheduled\]\.message)",
        why: "there no node fitted a selector: here none has room",
    },
    Allowed {
        recordings: EVERY,
        path: r"(.*\.)?managedFields\[kubectl-(replace|set) Update \]|(.*\.)?managedFields\[.*\]\.fieldsV1\.f:metadata\.f:annotations(\.\.|\..*(change-cause|revision-history|restartedAt|last-applied-configuration))|(.*\.)?managedFields\[.*\]\.fieldsV1\.(f:data\.f:db\.ca_cert|f:spec\.(f:replicas|f:nodeSelector|f:template\.f:metadata\.f:annotations\..*))",
        why: "the fields of what was done by hand in the test bed",
    },
    Allowed {
        recordings: "pods-list-fieldselector",
        path: r"rows\[observability-proxy-\w+-\w+\]\.object\.metadata\.managedFields\[.*",
        why: "one of the service's pods lent the proxy its fields",
    },
    Allowed {
        recordings: "self-subject-review",
        path: r"status\.userInfo\.extra\.authentication\.kubernetes\.io/credential-id.*",
        why: "the drill's users show tokens, not certificates",
    },
];

/// In what `kubectl` prints.
pub const PRINTED: &[Allowed] = &[
    Allowed {
        recordings: "kubectl-describe-.*|kubectl-state-.*-describe",
        path: r"(Pod Template\.)?((Init )?Containers\.\w+\.(Command|Args|Environment|(Host )?Ports|Limits|Requests|Liveness|Readiness|Mounts).*|Volumes\..*)",
        why: "the service has its own template",
    },
    Allowed {
        recordings: EVERY,
        path: r"(Pod Template\.)?Init Containers\.id\..*|.*Created container: id.*|.*Started container id\b.*",
        why: "the service has an init container more",
    },
    Allowed {
        recordings: "kubectl-describe-deploy",
        path: r"Annotations.*|OldReplicaSets|Events.*",
        why: "other releases, annotated; and the test bed's events had expired",
    },
    Allowed {
        recordings: "kubectl-get-events|kubectl-describe-pod|kubectl-state-.*-describe",
        path: r".*NodeNotReady.*",
        why: "the only node of the test bed was slow for a while",
    },
    Allowed {
        recordings: "kubectl-get-events",
        path: r"\[(ScalingReplicaSet|SuccessfulCreate) .*|\[BackOff .*|\[Killing .*",
        why: "the pods have another past",
    },
    Allowed {
        recordings: "kubectl-get-deploy.*",
        path: r"\[observability-proxy\]",
        why: "a neighbour's deployment",
    },
    Allowed {
        recordings: "kubectl-get-secret",
        path: r"\[managed-services-api-rds\]\.DATA",
        why: "the drill's database needs no certificate authority",
    },
    Allowed {
        recordings: "kubectl-(logs|exec).*",
        path: "defaulted container",
        why: "the service has an init container more, which kubectl names",
    },
    Allowed {
        recordings: "kubectl-rollout-history",
        path: "revisions",
        why: "other releases",
    },
    Allowed {
        recordings: "kubectl-version",
        path: "server version",
        why: "another program says what it is",
    },
    Allowed {
        recordings: "kubectl-logs-all-containers",
        path: "lines of the log",
        why: "the service's first init container prints who it runs as",
    },
    Allowed {
        recordings: "kubectl-state-(imagepull|initfail|unschedulable)-get-pods",
        path: r"\[POD\]\.RESTARTS",
        why: "the pods of the release before had been out of memory in the test bed",
    },
    Allowed {
        recordings: "kubectl-state-imagepull-describe",
        path: r"Events\.\[Failed Failed to pull image .*",
        why: "the test bed had no registry: here there is one, which does not have the image",
    },
    Allowed {
        recordings: "kubectl-state-crashloop-describe",
        path: r"Events\.\[Unhealthy .*",
        why: "the pod was made unready by hand, too",
    },
];

/// In what `psql` prints.
pub const QUERIES: &[Allowed] = &[
    Allowed {
        recordings: r"\\d clusters",
        path: "said",
        why: "psql's questions to the catalogue are refused plainly",
    },
    Allowed {
        recordings: "select lease_type, leader, expires from leader_leases;",
        path: "form of leader",
        why: "here somebody leads",
    },
    Allowed {
        recordings: r"\\c managed-services-api",
        path: "said",
        why: "another user",
    },
];
