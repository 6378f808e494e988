//! The files by which other programs find a drill: its kubeconfig and the variables for a shell. Only their owner can read them.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::api::ApiServer;
use super::monitoring::MonitoringServer;
use super::world::NAMESPACE;

/// Writes the kubeconfig. It is JSON, which is YAML, and `kubectl` reads it.
pub fn write(path: &Path, api: &ApiServer) -> io::Result<()> {
    let tokens = api.tokens();
    let user = |name: &str, token: &str| json!({"name": name, "user": {"token": token}});
    let context = |name: &str, user: &str| json!({"name": name, "context": {"cluster": "drill", "user": user, "namespace": NAMESPACE}});
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "drill", "cluster": {
            "server": api.url(),
            "certificate-authority-data": STANDARD.encode(api.certificate()),
        }}],
        "users": [
            user("oncall", &tokens.on_call),
            user("readonly", &tokens.read_only),
            user("admin", &tokens.admin),
        ],
        "contexts": [
            context("drill", "oncall"),
            context("readonly", "readonly"),
            context("admin", "admin"),
        ],
        "current-context": "drill",
        "preferences": {},
    });
    write_private(path, &serde_json::to_vec_pretty(&config)?)
}

/// Writes the variables by which programs of a shell find the cluster and the database, and how `curl` finds the monitoring: addresses
/// and the files with the headers to sign in, so that no token stands in a list of processes.
pub fn write_variables(
    path: &Path,
    kubeconfig: &Path,
    database_url: &str,
    monitoring: &[(MonitoringServer, String, PathBuf)],
) -> io::Result<()> {
    let mut text = format!(
        "export KUBECONFIG={}\nexport SOPWATCH_DATABASE_URL='{database_url}'\n",
        quoted(kubeconfig)
    );
    for (server, url, header) in monitoring {
        let (name, example) = match server {
            MonitoringServer::Metrics => ("PROMETHEUS", "/api/v1/query --data-urlencode query=up"),
            MonitoringServer::Alerts => ("ALERTMANAGER", "/api/v2/alerts"),
            MonitoringServer::Tracker => ("TRACKER", "/api/0/organizations/managed-services/issues/"),
        };
        // writing to a String cannot fail
        let _ = write!(
            text,
            "export DRILL_{name}={url} DRILL_{name}_LOGIN={}\n\
             # curl -sG -H @$DRILL_{name}_LOGIN $DRILL_{name}{example}\n",
            quoted(header)
        );
    }
    write_private(path, text.as_bytes())
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Writes a token, and the header that shows it.
pub fn write_token(path: &Path, header: &Path, token: &str) -> io::Result<()> {
    write_private(path, format!("{token}\n").as_bytes())?;
    write_private(header, format!("Authorization: Bearer {token}\n").as_bytes())
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // The file is created again, so that it cannot keep wider permissions of an older one.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
}
