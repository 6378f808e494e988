//! A drill's world that runs beside a program which was not made with it.

use std::path::Path;

use sopwatch::runtime::clock::Clock;
use sopwatch_drill::{Drill, Options, Scenario};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A world on loopback. Ends when dropped.
pub struct World {
    pub drill: Drill,
    pub folder: TempDir,
    _runtime: Runtime,
}

impl World {
    /// The world of a scenario's text.
    pub fn start(scenario: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let options = Options {
            scenario: Scenario::parse("test.toml", scenario).unwrap(),
            start: Clock::system().now(),
            speed: 1.0,
            seed: 1,
            folder: folder.path().to_owned(),
        };
        let drill = runtime.block_on(Drill::start(options)).unwrap();
        Self {
            drill,
            folder,
            _runtime: runtime,
        }
    }

    /// A file in the world's folder.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The kubeconfig's path.
    pub fn kubeconfig(&self) -> &str {
        let path: &Path = self.drill.kubeconfig();
        path.to_str().unwrap()
    }
}
