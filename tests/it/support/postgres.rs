//! A real PostgreSQL server for tests: made new for each test, with TLS by a private CA and the tables of the service, removed at the end.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::patience::Deadline;
use super::tools;

/// The database of the service.
pub const DATABASE: &str = "managed-services-api";
/// The role that the console logs in with: it may only select.
pub const USER: &str = "managed_services_ro";
/// Its password: everything that breaks a URL or a shell.
pub const PASSWORD: &str = "p/w:r@d% '\"#x";
/// The host that the certificate names beside `localhost` and `127.0.0.1`.
pub const TLS_HOST: &str = "managed-services-api.rds.example";

/// The tables as the service made them at the time of the SOP, with rows of known age.
pub const TABLES: &str = "
create table clusters (id text primary key, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz,
  cloud_provider text, cluster_id text, external_id text, multi_az boolean, region text, byoc boolean, managed boolean, status text);
create table kafka_requests (id text primary key, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz,
  region text, cluster_id text, cloud_provider text, multi_az boolean default false, name text, status text, owner text,
  bootstrap_server_host text, organisation_id text, failed_reason text);
create table leader_leases (id text primary key, created_at timestamptz, updated_at timestamptz, deleted_at timestamptz,
  leader text, lease_type text, expires timestamptz);
insert into clusters (id, created_at, updated_at, deleted_at, cloud_provider, cluster_id, region, status) values
  ('c-ready', now() - interval '80 days', now() - interval '80 days', null, 'aws', 'ocm1', 'us-east-1', 'ready'),
  ('c-accepted', now() - interval '10 minutes', now() - interval '10 minutes', null, 'aws', '', 'us-east-1', 'cluster_accepted'),
  ('c-old', now() - interval '3 days', now() - interval '2 days 10 minutes', null, 'aws', 'ocm2', 'eu-west-1', 'cluster_provisioning'),
  ('c-new', now() - interval '1 hour', now() - interval '12 seconds', null, 'gcp', 'ocm3', '', 'cluster_provisioning'),
  ('c-deleted', now() - interval '5 hours', now() - interval '5 hours', now(), 'aws', 'ocm4', 'us-east-1', 'cluster_provisioning'),
  ('c-blank', now() - interval '1 hour', now() - interval '1 hour', null, 'aws', '', 'us-east-1', ''),
  ('c-null', now() - interval '2 hours', now() - interval '2 hours', null, null, null, null, null),
  ('c-odd', now() - interval '1 hour', now() - interval '1 hour', null, 'aws', 'ocm5', 'us-east-1', E'from\\x1b[31mmars');
insert into kafka_requests (id, created_at, updated_at, region, cluster_id, cloud_provider, name, status, owner, organisation_id, failed_reason) values
  ('k-ready', now() - interval '5 days', now() - interval '5 days', 'us-east-1', 'ocm1', 'aws', 'secret-name', 'ready', 'secret-owner', 'secret-org', null),
  ('k-never', now() - interval '1 hour', null, 'us-east-1', 'ocm1', 'aws', 'secret-name', 'accepted', 'secret-owner', 'secret-org', null),
  ('k-ahead', now(), now() + interval '65 minutes', 'us-east-1', 'ocm1', 'aws', 'secret-name', 'provisioning', 'secret-owner', 'secret-org', null),
  ('k-failed', now() - interval '40 days', now() - interval '40 days', 'us-east-1', 'ocm1', 'aws', 'secret-name', 'failed', 'secret-owner', 'secret-org', E'no\\x1b]0;quota');
insert into leader_leases (id, created_at, updated_at, deleted_at, leader, lease_type, expires) values
  ('l1', now(), now(), null, 'b2c3', 'cluster', now() + interval '100 seconds'),
  ('l2', now(), now(), null, '', 'kafka', now() - interval '7 minutes'),
  ('l3', now(), now(), now(), 'gone', 'kafka', now() + interval '100 seconds');
";

/// A server. Stopped and removed when dropped.
pub struct Postgres {
    bin: PathBuf,
    directory: TempDir,
    port: u16,
    ca: String,
}

/// A lock that another session holds until this is dropped.
pub struct Lock(Child);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Postgres {
    /// Starts a server with the tables; `None` where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let bin = find_bin();
        if !tools::is_met("PostgreSQL's server", bin.is_some()) {
            return None;
        }
        let bin = bin?;
        // PostgreSQL refuses to run as root
        let may_run = !is_root() || succeeds(Command::new("id").arg("postgres"));
        if !tools::is_met("the user postgres", may_run) {
            return None;
        }
        let (directory, port) = place();
        let (ca, certificate, key) = certificates();
        let server = Self {
            bin,
            directory,
            port,
            ca,
        };
        server.initialize(&certificate, &key);
        server.resume();
        server.fill();
        Some(server)
    }

    /// A standby that follows this server by streaming; it replays what it receives `delay` later, as `recovery_min_apply_delay` takes it.
    pub fn standby(&self, delay: &str) -> Self {
        let (directory, port) = place();
        let standby = Self {
            bin: self.bin.clone(),
            directory,
            port,
            ca: self.ca.clone(),
        };
        standby.give_away();
        let (data, socket, of) = (
            standby.data(),
            self.socket_directory().display().to_string(),
            self.port.to_string(),
        );
        let data = data.to_str().expect("a plain path");
        let from = ["-D", data, "-h", &socket, "-p", &of, "-U", "postgres"];
        let how = ["-R", "-X", "stream", "-c", "fast", "--no-sync"];
        standby.run("pg_basebackup", &[&from[..], &how[..]].concat());
        let settings = format!(
            "port = {port}\nunix_socket_directories = '{}'\nrecovery_min_apply_delay = '{delay}'\n",
            standby.socket_directory().display()
        );
        let mut configuration = std::fs::OpenOptions::new()
            .append(true)
            .open(standby.data().join("postgresql.conf"))
            .expect("the server's configuration");
        configuration
            .write_all(settings.as_bytes())
            .expect("written settings");
        standby.resume();
        standby
    }

    /// Makes a standby the primary of its own.
    pub fn promote(&self) {
        self.execute("select pg_promote()");
    }

    fn initialize(&self, certificate: &str, key: &str) {
        self.give_away();
        let data = self.data();
        let data = data.to_str().expect("a plain path");
        self.run(
            "initdb",
            &[
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
            ],
        );
        let socket = self.directory.path().display();
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{socket}'\nssl = on\n\
             fsync = off\nmax_connections = 20\nsuperuser_reserved_connections = 3\npassword_encryption = 'scram-sha-256'\n",
            self.port
        );
        let mut configuration = std::fs::OpenOptions::new()
            .append(true)
            .open(self.data().join("postgresql.conf"))
            .expect("the server's configuration");
        configuration
            .write_all(settings.as_bytes())
            .expect("written settings");
        let rules =
            "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(self.data().join("pg_hba.conf"), rules).expect("written rules");
        std::fs::write(self.data().join("server.crt"), certificate).expect("a written certificate");
        let key_file = self.data().join("server.key");
        std::fs::write(&key_file, key).expect("a written key");
        assert!(succeeds(Command::new("chmod").arg("600").arg(&key_file)));
        self.give_away();
    }

    fn fill(&self) {
        let quoted = PASSWORD.replace('\'', "''");
        self.execute_in("postgres", &format!("create database \"{DATABASE}\""));
        self.execute(TABLES);
        self.execute(&format!(
            "create role {USER} login password '{quoted}'; grant select on clusters, kafka_requests, leader_leases to {USER}"
        ));
    }

    /// Lets the server's user have everything, where the tests run as root.
    fn give_away(&self) {
        if is_root() {
            let path = self.directory.path();
            assert!(succeeds(
                Command::new("chown").args(["-R", "postgres:"]).arg(path)
            ));
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The TCP port on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the Unix socket.
    pub fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// The CA's certificate, PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Runs SQL as the superuser in the service's database.
    pub fn execute(&self, sql: &str) -> String {
        self.execute_in(DATABASE, sql)
    }

    fn execute_in(&self, database: &str, sql: &str) -> String {
        let output = self
            .psql(database)
            .args(["-tA", "-c", sql])
            .output()
            .expect("psql");
        output_of(&output)
    }

    fn psql(&self, database: &str) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        command
            .args([
                "-X",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "postgres",
                "-d",
                database,
            ])
            .arg("-h")
            .arg(self.socket_directory())
            .args(["-p", &self.port.to_string()]);
        command
    }

    /// Locks a table against everybody, in a session of its own.
    pub fn lock(&self, table: &str) -> Lock {
        let mut child = self
            .psql(DATABASE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql");
        let sql = format!("begin;\nlock table {table} in access exclusive mode;\n\\echo locked\n");
        let stdin = child.stdin.as_mut().expect("a pipe");
        stdin.write_all(sql.as_bytes()).expect("written SQL");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("an answer");
        assert_eq!(line.trim(), "locked");
        Lock(child)
    }

    /// Stops the server, cutting its connections.
    pub fn stop(&self) {
        let data = self.data();
        self.run(
            "pg_ctl",
            &["-D", &data.to_string_lossy(), "-m", "immediate", "-w", "stop"],
        );
    }

    /// Starts it again.
    pub fn resume(&self) {
        let (data, log) = (self.data(), self.directory.path().join("log"));
        let (data, log) = (data.to_string_lossy(), log.to_string_lossy());
        self.run("pg_ctl", &["-D", &data, "-l", &log, "-w", "-t", "30", "start"]);
    }

    /// Gives it another certificate and key, PEM, for connections to come.
    pub fn set_certificate(&self, certificate: &str, key: &str) {
        let key_file = self.data().join("server.key");
        std::fs::write(self.data().join("server.crt"), certificate).expect("a written certificate");
        std::fs::write(&key_file, key).expect("a written key");
        // as the settings come, so does the certificate
        self.set("log_line_prefix", "another certificate");
    }

    /// Asks clients for a certificate of this authority, PEM, where they come over TCP.
    pub fn ask_for_certificates_of(&self, authority: &str) {
        std::fs::write(self.data().join("root.crt"), authority).expect("a written certificate");
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n";
        std::fs::write(self.data().join("pg_hba.conf"), rules).expect("written rules");
        self.give_away();
        self.set("ssl_ca_file", "root.crt");
    }

    /// Changes a setting that can be changed while it runs.
    fn set(&self, name: &str, value: &str) {
        self.execute(&format!("alter system set {name} = '{value}'"));
        self.execute("select pg_reload_conf()");
        let deadline = Deadline::until("the server has read its configuration");
        while self.execute(&format!("show {name}")).trim() != value {
            deadline.pause();
        }
    }

    /// Turns TLS on or off for connections to come.
    pub fn set_tls(&self, on: bool) {
        let value = if on { "on" } else { "off" };
        self.execute(&format!("alter system set ssl = {value}"));
        self.execute("select pg_reload_conf()");
        let deadline = Deadline::until("the server has read its configuration");
        while self.execute("show ssl").trim() != value {
            deadline.pause();
        }
    }

    /// Holds all of the server's processes: connections stand and nothing answers.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets them go on.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let Some(postmaster) = self.postmaster() else {
            return;
        };
        // the postmaster first, so that it does not see its children stop
        let children = children_of(&postmaster);
        succeeds(Command::new("kill").arg(signal).arg(&postmaster).args(&children));
    }

    fn postmaster(&self) -> Option<String> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        file.lines().next().map(str::to_owned)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let output = command
            .args(arguments)
            .current_dir(self.directory.path())
            // the server must not hold the test's pipes open
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("a program of PostgreSQL");
        assert!(output.success(), "{arguments:?}: {}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.thaw();
        if self.data().join("postmaster.pid").exists() && !std::thread::panicking() {
            self.stop();
        } else if let Some(postmaster) = self.postmaster() {
            succeeds(Command::new("kill").arg("-QUIT").arg(postmaster));
        }
    }
}

fn output_of(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "psql: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A directory and a port of a server's own. Below /tmp, since the server's user has to reach it and a socket's path has to be short.
fn place() -> (TempDir, u16) {
    let directory = tempfile::Builder::new()
        .prefix("sopwatch-pg-")
        .tempdir_in("/tmp")
        .expect("a directory");
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port();
    (directory, port)
}

/// Where the server's programs are: the newest version of Debian's packages, else the search path.
fn find_bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<_> = versions.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = versions.into_iter().rev().chain(std::env::split_paths(&path));
    places.find(|place| place.join("initdb").exists() && place.join("psql").exists())
}

/// Processes whose parent is this one.
fn children_of(parent: &str) -> Vec<String> {
    let parent_of = |pid: &str| -> Option<String> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        rest.split_whitespace().nth(1).map(str::to_owned)
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    pids.filter(|pid| parent_of(pid).as_deref() == Some(parent))
        .collect()
}

/// A private CA, and a server's certificate of it with its key, all PEM.
fn certificates() -> (String, String, String) {
    let ca_key = KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::new(Vec::new()).expect("parameters");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_pem = ca.self_signed(&ca_key).expect("a CA").pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().expect("a key");
    let names = ["localhost", "127.0.0.1", TLS_HOST].map(String::from);
    let server = CertificateParams::new(names).expect("parameters");
    let certificate = server.signed_by(&key, &issuer).expect("a certificate");
    (ca_pem, certificate.pem(), key.serialize_pem())
}
