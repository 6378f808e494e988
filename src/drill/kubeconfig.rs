//! The files by which other programs find a drill: its kubeconfig and the variables for a shell. Only their owner can read them.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::api::ApiServer;
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

/// Writes the variables by which programs of a shell find the cluster and the database.
pub fn write_variables(path: &Path, kubeconfig: &Path, database_url: &str) -> io::Result<()> {
    let kubeconfig = kubeconfig.display().to_string().replace('\'', r"'\''");
    let text = format!("export KUBECONFIG='{kubeconfig}'\nexport SOPWATCH_DATABASE_URL='{database_url}'\n");
    write_private(path, text.as_bytes())
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
