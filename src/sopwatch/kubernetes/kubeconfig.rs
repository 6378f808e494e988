//! The kubeconfig: where the cluster is and who we are to it, as `kubectl` and `oc` find it. It reads files and variables, never the network.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{AuthInfo, Cluster, Context, ExecInteractiveMode, Kubeconfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};

use super::errors::said;
use super::tls::decode;
use super::{ConnectOptions, Target};
use crate::net::proxy::ProxyVariables;
use sopwatch_core::observe::source::{Problem, ProblemKind};
use sopwatch_core::safe;
use sopwatch_core::text::Redacted;

/// What of the process's environment decides.
#[derive(Clone, Debug, Default)]
pub(super) struct ProcessEnv {
    /// `KUBECONFIG`.
    pub(super) kubeconfig: Option<OsString>,
    /// `HOME`.
    pub(super) home: Option<PathBuf>,
    /// Whether we run in a pod.
    pub(super) in_cluster: bool,
    /// The proxy's.
    pub(super) proxies: ProxyVariables,
}

impl ProcessEnv {
    /// What the environment of this process says.
    pub(super) fn of_process() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty()),
            home: std::env::var_os("HOME").map(PathBuf::from),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
            proxies: ProxyVariables::from_environment(),
        }
    }
}

/// All that is needed to connect.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The server and the namespace.
    pub(super) target: Target,
    /// The client's configuration.
    pub(super) config: Config,
}

/// Finds the target and builds the client's configuration for it.
pub(super) fn resolve(options: &ConnectOptions, env: &ProcessEnv) -> Result<Resolved, Problem> {
    let sources = KubeconfigFiles::find(options, env)?;
    let kubeconfig = sources.read()?;
    if kubeconfig.contexts.is_empty() && env.in_cluster && options.kubeconfig.is_none() {
        return in_cluster(options, env);
    }
    sources.some_exists()?;
    let chosen = ChosenContext::find(options, &kubeconfig, &sources)?;
    let config = chosen.config(options, env)?;
    check_namespace(&config.default_namespace)?;
    let target = Target {
        server: without_userinfo(&config.cluster_url),
        user: chosen.context.user.clone(),
        namespace: config.default_namespace.clone(),
        context: Some(chosen.name),
    };
    Ok(Resolved { target, config })
}

/// The files a kubeconfig is merged from.
struct KubeconfigFiles {
    paths: Vec<PathBuf>,
    /// Whether a file that is not there is an error: only one that was asked for by name.
    must_exist: bool,
}

impl KubeconfigFiles {
    fn find(options: &ConnectOptions, env: &ProcessEnv) -> Result<Self, Problem> {
        if let Some(path) = &options.kubeconfig {
            return Ok(Self {
                paths: vec![path.clone()],
                must_exist: true,
            });
        }
        let paths = match (&env.kubeconfig, &env.home) {
            (Some(list), _) => std::env::split_paths(list)
                .filter(|path| !path.as_os_str().is_empty())
                .collect(),
            (None, Some(home)) => vec![home.join(".kube").join("config")],
            (None, None) if env.in_cluster => Vec::new(),
            (None, None) => {
                return Err(unusable(
                    "no kubeconfig: neither KUBECONFIG nor HOME is set",
                    "pass --kubeconfig FILE",
                ));
            }
        };
        Ok(Self {
            paths,
            must_exist: false,
        })
    }

    /// Merges them: the first file that sets something wins.
    fn read(&self) -> Result<Kubeconfig, Problem> {
        let mut wanted = self.paths.iter().filter(|path| self.must_exist || path.exists());
        wanted.try_fold(Kubeconfig::default(), |merged, path| {
            let file = read(path)?;
            merged
                .merge(file)
                .map_err(|error| unreadable(path, &said(&error.to_string())))
        })
    }

    /// That none of them is there says more than what is missing in them.
    fn some_exists(&self) -> Result<(), Problem> {
        if self.paths.iter().any(|path| path.exists()) {
            return Ok(());
        }
        let what = match self.paths.len() {
            1 => format!("no kubeconfig: {} does not exist", self.names()),
            _ => format!("no kubeconfig: none of {} exists", self.names()),
        };
        Err(unusable(
            &what,
            "log in (oc login), or name a file with --kubeconfig or KUBECONFIG; `sopwatch drill` needs none",
        ))
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.paths.iter().map(|path| path.display().to_string()).collect();
        names.join(", ")
    }
}

/// Reads one file as `kubectl` does: of a key that is there twice the later counts, an empty current context is none, base64 may be
/// wrapped, and paths are relative to the file.
fn read(path: &Path) -> Result<Kubeconfig, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        // Without the number of the system's error.
        let error = error.to_string();
        unreadable(path, error.split(" (os error").next().unwrap_or(&error))
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let documents = parse(text).map_err(|place| unreadable(path, &format!("not a kubeconfig{place}")))?;
    documents
        .into_iter()
        .try_fold(Kubeconfig::default(), |merged, mut document| {
            normalise(&mut document, path.parent().unwrap_or(Path::new("")));
            merged
                .merge(document)
                .map_err(|error| unreadable(path, &said(&error.to_string())))
        })
}

/// Reads YAML. The error says where it is.
fn parse(text: &str) -> Result<Vec<Kubeconfig>, String> {
    serde_saphyr::from_multiple(text).or_else(|error: serde_saphyr::Error| {
        let place = place_of(&error.to_string());
        // A key that is there twice is an error where its meaning is known: it is read without a meaning first.
        let later_counts = serde_saphyr::options! {
            duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
        };
        let documents: Vec<serde_json::Value> =
            serde_saphyr::from_multiple_with_options(text, later_counts).map_err(|_same| place.clone())?;
        let documents = documents.into_iter().map(serde_json::from_value);
        documents.collect::<Result<_, _>>().map_err(|_same| place)
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the client key is read without its line breaks"
)]
fn normalise(kubeconfig: &mut Kubeconfig, folder: &Path) {
    let absolute = |path: &mut Option<String>| {
        if let Some(path) = path.as_mut().filter(|path| !path.is_empty())
            && let Some(joined) = folder.join(&*path).to_str()
        {
            joined.clone_into(path);
        }
    };
    let unwrapped = |data: &str| data.split_ascii_whitespace().collect::<String>();
    kubeconfig.current_context = kubeconfig.current_context.take().filter(|name| !name.is_empty());
    for cluster in kubeconfig
        .clusters
        .iter_mut()
        .filter_map(|named| named.cluster.as_mut())
    {
        absolute(&mut cluster.certificate_authority);
        cluster.certificate_authority_data = cluster.certificate_authority_data.as_deref().map(unwrapped);
    }
    for user in kubeconfig
        .auth_infos
        .iter_mut()
        .filter_map(|named| named.auth_info.as_mut())
    {
        absolute(&mut user.client_certificate);
        absolute(&mut user.client_key);
        absolute(&mut user.token_file);
        user.client_certificate_data = user.client_certificate_data.as_deref().map(unwrapped);
        let key = user.client_key_data.as_ref();
        user.client_key_data = key.map(|key| SecretString::from(unwrapped(key.expose_secret())));
        // A bare name is looked for in PATH.
        if let Some(exec) = &mut user.exec
            && exec.command.as_ref().is_some_and(|command| command.contains('/'))
        {
            absolute(&mut exec.command);
        }
    }
}

fn unreadable(path: &Path, why: &str) -> Problem {
    unusable(
        &format!("kubeconfig {}: {why}", path.display()),
        "check the file, or pass --kubeconfig FILE",
    )
}

/// Where a YAML error is. Its words would quote the file, and so a token.
fn place_of(error: &str) -> String {
    let number_after = |word: &str| -> Option<u32> {
        let rest = error.split_once(word)?.1.trim_start();
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    };
    match (number_after("line "), number_after("column ")) {
        (Some(line), Some(column)) => format!(": error in line {line}, column {column}"),
        _ => String::new(),
    }
}

fn unusable(what: &str, advice: &str) -> Problem {
    Problem::new(ProblemKind::Configuration, what).advise(advice)
}

/// The context that is used, and what it refers to.
struct ChosenContext {
    name: String,
    context: Context,
    cluster: Cluster,
    auth: AuthInfo,
    from: String,
}

impl ChosenContext {
    fn find(
        options: &ConnectOptions,
        kubeconfig: &Kubeconfig,
        sources: &KubeconfigFiles,
    ) -> Result<Self, Problem> {
        let from = sources.names();
        let name = options
            .context
            .clone()
            .or_else(|| kubeconfig.current_context.clone());
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return Err(unusable(
                &format!("kubeconfig {from}: no current context{}", known(kubeconfig)),
                LOG_IN,
            ));
        };
        let context = kubeconfig.contexts.iter().find(|context| context.name == name);
        let Some(context) = context.and_then(|context| context.context.clone()) else {
            let what = format!("kubeconfig {from}: no context {name}{}", known(kubeconfig));
            return Err(unusable(&what, LOG_IN));
        };
        let cluster = kubeconfig
            .clusters
            .iter()
            .find(|cluster| cluster.name == context.cluster);
        let Some(cluster) = cluster.and_then(|cluster| cluster.cluster.clone()) else {
            let what = format!(
                "kubeconfig {from}: context {name} refers to cluster {}, which does not exist",
                context.cluster
            );
            return Err(unusable(&what, LOG_IN));
        };
        let user = |user: &&kube::config::NamedAuthInfo| Some(&user.name) == context.user.as_ref();
        let auth = kubeconfig
            .auth_infos
            .iter()
            .find(user)
            .and_then(|user| user.auth_info.clone());
        let auth = auth.unwrap_or_default();
        Ok(Self {
            name,
            context,
            cluster,
            auth,
            from,
        })
    }

    /// The client's configuration, made field by field: the client library's own way would mix in proxy variables by rules of its own.
    fn config(&self, options: &ConnectOptions, env: &ProcessEnv) -> Result<Config, Problem> {
        let mut config = Config::new(self.server()?);
        config.default_namespace = namespace(options, self.context.namespace.as_deref());
        config.root_cert = self.root_certificates()?;
        config.accept_invalid_certs = self.cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name.clone_from(&self.cluster.tls_server_name);
        config.auth_info = self.auth_info(options)?;
        set_common(&mut config, options, env, self.cluster.proxy_url.as_deref())?;
        Ok(config)
    }

    fn server(&self) -> Result<http::Uri, Problem> {
        let server = self.cluster.server.as_deref().unwrap_or_default();
        let uri: Option<http::Uri> = server.parse().ok();
        let uri =
            uri.filter(|uri| uri.host().is_some() && matches!(uri.scheme_str(), Some("https" | "http")));
        uri.ok_or_else(|| {
            let what = format!(
                "kubeconfig {}: cluster {} has no usable server URL",
                self.from, self.context.cluster
            );
            unusable(&what, "set it to something like https://api.example:6443")
        })
    }

    fn root_certificates(&self) -> Result<Option<Vec<Vec<u8>>>, Problem> {
        let pem = match (
            &self.cluster.certificate_authority_data,
            &self.cluster.certificate_authority,
        ) {
            (Some(data), _) if !data.is_empty() => decode(data).map_err(|why| self.bad_authority(&why))?,
            (_, Some(path)) if !path.is_empty() => {
                std::fs::read(path).map_err(|error| self.bad_authority(&format!("{path}: {error}")))?
            }
            _ => return Ok(None),
        };
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let certificates = certificates.map_err(|error| self.bad_authority(&format!("not PEM: {error}")))?;
        Ok(Some(certificates.into_iter().map(|der| der.to_vec()).collect()))
    }

    fn bad_authority(&self, why: &dyn std::fmt::Display) -> Problem {
        let what = format!(
            "kubeconfig {}: certificate authority of cluster {}: {why}",
            self.from, self.context.cluster
        );
        unusable(&what, "repair the kubeconfig, or log in again (oc login)")
    }

    /// Credential plugins must not own the terminal: they may neither ask nor write there.
    fn auth_info(&self, options: &ConnectOptions) -> Result<AuthInfo, Problem> {
        let mut auth = self.auth.clone();
        if let Some(exec) = &mut auth.exec {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
            if exec.provide_cluster_info {
                let cluster = (&self.cluster)
                    .try_into()
                    .map_err(|error| self.bad_authority(&error))?;
                exec.cluster = Some(cluster);
            }
        }
        if options.impersonate.is_some() {
            auth.impersonate.clone_from(&options.impersonate);
        }
        Ok(auth)
    }
}

const LOG_IN: &str = "choose one with --context, or log in (oc login)";

/// The contexts there are, for an error.
fn known(kubeconfig: &Kubeconfig) -> String {
    let names: Vec<_> = kubeconfig
        .contexts
        .iter()
        .take(8)
        .map(|context| context.name.as_str())
        .collect();
    match (names.is_empty(), kubeconfig.contexts.len() > names.len()) {
        (true, _) => " (there are none)".into(),
        (false, false) => format!(" (there are: {})", names.join(", ")),
        (false, true) => format!(" (there are: {}, …)", names.join(", ")),
    }
}

fn namespace(options: &ConnectOptions, of_context: Option<&str>) -> String {
    let chosen = options
        .namespace
        .as_deref()
        .or(of_context.filter(|namespace| !namespace.is_empty()));
    chosen.unwrap_or("default").into()
}

/// A name that Kubernetes does not allow would lead to another path on the server than the one that is meant.
fn check_namespace(name: &str) -> Result<(), Problem> {
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    let inner = |character: char| allowed(character) || character == '-';
    if name.len() <= 63 && name.starts_with(allowed) && name.ends_with(allowed) && name.chars().all(inner) {
        return Ok(());
    }
    Err(unusable(
        &format!("`{name}` is not a valid name of a namespace"),
        "correct -n, or the namespace of the kubeconfig's context",
    ))
}

fn set_common(
    config: &mut Config,
    options: &ConnectOptions,
    env: &ProcessEnv,
    proxy_of_cluster: Option<&str>,
) -> Result<(), Problem> {
    let proxy = env.proxies.proxy_for(&config.cluster_url, proxy_of_cluster);
    let parse = |proxy: String| {
        let error = |error| {
            unusable(
                &format!("proxy URL: {error}"),
                "check proxy-url of the cluster and HTTPS_PROXY",
            )
        };
        proxy.parse::<http::Uri>().map_err(error)
    };
    config.proxy_url = proxy.map(parse).transpose()?;
    config.connect_timeout = Some(options.request_timeout);
    config.default_retry = false;
    Ok(())
}

fn in_cluster(options: &ConnectOptions, env: &ProcessEnv) -> Result<Resolved, Problem> {
    let mut config = Config::incluster().map_err(|error| {
        let what = format!("in the cluster: {}", said(&error.to_string()));
        unusable(
            &what,
            "check the pod's service account, or pass --kubeconfig FILE",
        )
    })?;
    config.default_namespace = namespace(options, Some(&config.default_namespace));
    if options.impersonate.is_some() {
        config.auth_info.impersonate.clone_from(&options.impersonate);
    }
    set_common(&mut config, options, env, None)?;
    let target = Target {
        server: without_userinfo(&config.cluster_url),
        context: None,
        user: None,
        namespace: config.default_namespace.clone(),
    };
    Ok(Resolved { target, config })
}

/// A URL without credentials and without a trailing slash.
fn without_userinfo(uri: &http::Uri) -> Redacted {
    let scheme = uri.scheme_str().unwrap_or("https");
    let authority = uri
        .authority()
        .map(http::uri::Authority::as_str)
        .unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    safe!("{scheme}://{host}{}", uri.path().trim_end_matches('/')).into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const STAGE: &str = "
apiVersion: v1
kind: Config
current-context: stage
clusters:
- {name: stage, cluster: {server: 'https://user:pw@api.stage:6443/'}}
- {name: broken, cluster: {server: 'not a url'}}
contexts:
- {name: stage, context: {cluster: stage, user: oncall, namespace: managed-services-stage}}
- {name: lost, context: {cluster: nowhere, user: oncall}}
- {name: broken, context: {cluster: broken, user: oncall}}
- {name: bare, context: {cluster: stage}}
users:
- {name: oncall, user: {token: secret-token, exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, interactiveMode: Always}}}
";

    fn options() -> ConnectOptions {
        ConnectOptions {
            kubeconfig: None,
            context: None,
            namespace: None,
            impersonate: None,
            request_timeout: Duration::from_secs(10),
        }
    }

    fn env(files: &[&Path]) -> ProcessEnv {
        ProcessEnv {
            kubeconfig: Some(std::env::join_paths(files).unwrap()),
            ..ProcessEnv::default()
        }
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn error_of(options: &ConnectOptions, env: &ProcessEnv) -> String {
        let problem = resolve(options, env).expect_err("nothing to connect to");
        assert_eq!(problem.kind, ProblemKind::Configuration);
        format!("{problem}; {}", problem.advice.as_deref().unwrap())
    }

    #[test]
    fn the_current_context_says_where_and_who() {
        let file = file(STAGE);
        let resolved = resolve(&options(), &env(&[file.path()])).unwrap();
        assert_eq!(
            resolved.target,
            Target {
                server: "https://api.stage:6443".into(),
                context: Some("stage".into()),
                user: Some("oncall".into()),
                namespace: "managed-services-stage".into(),
            }
        );
        assert!(!resolved.config.default_retry);
        let exec = resolved.config.auth_info.exec.unwrap();
        assert_eq!(exec.interactive_mode, Some(ExecInteractiveMode::Never));
    }

    #[test]
    fn options_outrank_the_file() {
        let file = file(STAGE);
        let options = ConnectOptions {
            kubeconfig: Some(file.path().into()),
            context: Some("bare".into()),
            namespace: Some("other".into()),
            impersonate: Some("someone".into()),
            ..options()
        };
        let resolved = resolve(&options, &ProcessEnv::default()).unwrap();
        assert_eq!(resolved.target.context.as_deref(), Some("bare"));
        assert_eq!(resolved.target.namespace, "other");
        assert_eq!(resolved.config.auth_info.impersonate.as_deref(), Some("someone"));
    }

    #[test]
    fn a_list_of_files_is_merged_and_missing_ones_are_skipped() {
        let first = file("apiVersion: v1\nkind: Config\ncurrent-context: bare\n");
        let second = file(STAGE);
        let list = [Path::new("/nowhere/config"), first.path(), second.path()];
        let resolved = resolve(&options(), &env(&list)).unwrap();
        assert_eq!(resolved.target.context.as_deref(), Some("bare"));
        assert_eq!(resolved.target.namespace, "default");
    }

    #[test]
    fn the_url_of_the_server_is_known_without_its_secrets() {
        let with_token = "api.stage:6443/clusters/sha256~abcdefghijklmnop";
        let file = file(&STAGE.replace("api.stage:6443/", with_token));
        let resolved = resolve(&options(), &env(&[file.path()])).unwrap();
        assert_eq!(
            resolved.target.server,
            "https://api.stage:6443/clusters/⟨redacted⟩"
        );
        let asked = resolved.config.cluster_url.to_string();
        assert!(asked.contains("sha256~abcdefghijklmnop"), "{asked}");
    }

    #[test]
    fn the_home_directory_holds_the_default() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".kube")).unwrap();
        std::fs::write(home.path().join(".kube/config"), STAGE).unwrap();
        let env = ProcessEnv {
            home: Some(home.path().into()),
            ..ProcessEnv::default()
        };
        assert_eq!(
            resolve(&options(), &env).unwrap().target.server,
            "https://api.stage:6443"
        );
    }

    #[test]
    fn errors_name_the_file_the_context_and_what_to_do() {
        let file = file(STAGE);
        let env = env(&[file.path()]);
        let with = |context: &str| ConnectOptions {
            context: Some(context.into()),
            ..options()
        };
        let said = error_of(&with("nope"), &env);
        assert!(said.contains(&file.path().display().to_string()), "{said}");
        assert!(
            said.contains("no context nope (there are: stage, lost, broken, bare)"),
            "{said}"
        );
        assert!(said.contains("--context"), "{said}");
        assert!(error_of(&with("lost"), &env).contains("refers to cluster nowhere"));
        assert!(error_of(&with("broken"), &env).contains("no usable server URL"));
        let missing = ConnectOptions {
            kubeconfig: Some("/nowhere/config".into()),
            ..options()
        };
        assert!(error_of(&missing, &env).contains("/nowhere/config: No such file"));
        assert!(error_of(&options(), &ProcessEnv::default()).contains("neither KUBECONFIG nor HOME"));
    }

    #[test]
    fn an_empty_current_context_of_the_first_file_is_none() {
        let first = file("apiVersion: v1\nkind: Config\ncurrent-context: \"\"\n");
        let second = file(STAGE);
        let resolved = resolve(&options(), &env(&[first.path(), second.path()])).unwrap();
        assert_eq!(resolved.target.context.as_deref(), Some("stage"));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test compares it")]
    fn of_a_key_that_is_there_twice_the_later_counts() {
        let text = STAGE.replace("token: secret-token", "token: early, token: late");
        let twice = file(&format!("{text}current-context: bare\n"));
        let named = ConnectOptions {
            context: Some("stage".into()),
            ..options()
        };
        let resolved = resolve(&named, &env(&[twice.path()])).unwrap();
        let token = resolved.config.auth_info.token.unwrap();
        assert_eq!(token.expose_secret(), "late");
        let resolved = resolve(&options(), &env(&[twice.path()])).unwrap();
        assert_eq!(resolved.target.context.as_deref(), Some("bare"));
    }

    #[test]
    fn base64_may_be_wrapped_and_a_mark_of_the_byte_order_come_first() {
        use base64::Engine;
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let data = base64::prelude::BASE64_STANDARD.encode(certificate.pem());
        let lines: Vec<_> = data.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        let wrapped = lines.join("\n      ");
        let of = |data: &str| {
            let cluster = format!(
                "- name: stage\n  cluster:\n    server: https://api.stage:6443\n    certificate-authority-data: {data}"
            );
            let with_authority = STAGE.replace(
                "- {name: stage, cluster: {server: 'https://user:pw@api.stage:6443/'}}",
                &cluster,
            );
            let file = file(&format!("\u{feff}{with_authority}"));
            resolve(&options(), &env(&[file.path()]))
                .unwrap()
                .config
                .root_cert
                .unwrap()
        };
        let expected = vec![certificate.der().to_vec()];
        assert_eq!(of(&data), expected);
        assert_eq!(of(&format!("|\n      {wrapped}")), expected);
        assert_eq!(of(&format!("\n      {wrapped}")), expected);
    }

    /// Inputs that other clients are reported to trip over, and `kubectl` does not.
    #[test]
    fn what_is_null_empty_or_half_written_elsewhere_in_the_files_does_not_matter() {
        let nulls = "apiVersion: v1\nclusters: null\ncontexts: null\ncurrent-context: stage\nkind: Config\npreferences: null\nusers: null\n";
        let halves = "apiVersion: v1\nkind: Config\nclusters:\n- {name: half}\n- {name: empty, cluster: {}}\ncontexts:\n\
            - {name: half}\n- {name: alone, context: {cluster: stage}}\n- {name: unnamed, context: {cluster: '', user: ''}}\nusers:\n\
            - {name: half}\n- {name: empty, user: {}}\n- {name: none, user: null}\n\
            - {name: provider, user: {auth-provider: {name: oidc}}}\n\
            - {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: x, args: null, env: null, interactiveMode: Never}}}\n";
        let unknown = "apiVersion: v1\nkind: Config\nusers: []\nclusters: []\ncontexts: []\nextensions:\n- {name: x, extension: {a: 1}}\nother: {b: [2]}\n";
        for text in ["", "---\n", "# nothing\n", nulls, halves, unknown] {
            let (first, second) = (file(text), file(STAGE));
            let resolved = resolve(&options(), &env(&[first.path(), second.path()]))
                .unwrap_or_else(|problem| unreachable!("{text}: {problem}"));
            assert_eq!(resolved.target.context.as_deref(), Some("stage"), "{text}");
            let resolved = resolve(&options(), &env(&[second.path(), first.path()]));
            assert!(resolved.is_ok(), "{text}");
        }
        let stage = STAGE
            .replace("token: secret-token, ", "")
            .replace("command: get-token", "command: get-token, args: null, env: null");
        let file = file(&stage);
        let auth = resolve(&options(), &env(&[file.path()]))
            .unwrap()
            .config
            .auth_info;
        assert_eq!(auth.exec.unwrap().args, None);
    }

    #[test]
    fn paths_are_relative_to_the_file_and_bare_commands_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        for (command, expected) in [
            ("./plugin", folder.path().join("./plugin")),
            ("plugin", "plugin".into()),
        ] {
            let text = STAGE
                .replace("token: secret-token", "tokenFile: token")
                .replace("get-token", command);
            std::fs::write(&config, text).unwrap();
            let auth = resolve(&options(), &env(&[&config])).unwrap().config.auth_info;
            assert_eq!(
                auth.token_file,
                folder.path().join("token").to_str().map(str::to_owned)
            );
            assert_eq!(auth.exec.unwrap().command.as_deref(), expected.to_str());
        }
    }

    #[test]
    fn an_error_never_repeats_what_is_in_the_file() {
        let file = file("apiVersion: v1\nusers:\n- name: x\n  user: {token: [secret-token}\n");
        let said = error_of(&options(), &env(&[file.path()]));
        assert!(
            said.contains("not a kubeconfig: error in line 4, column ") && !said.contains("secret-token"),
            "{said}"
        );
    }
}
