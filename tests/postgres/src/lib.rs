//! A throw-away PostgreSQL server for tests and the demo.
//!
//! [`Server::start`] makes a new cluster in a temporary folder and starts a server on loopback and a
//! Unix socket, from whatever PostgreSQL is installed. It is stopped, and its data removed, when the
//! [`Server`] is dropped.
//!
//! ```
//! # #[cfg(unix)] fn main() {
//! // Tests skip where there is no PostgreSQL, unless the environment says `CI=true`.
//! let Some(server) = trueup_test_postgres::Server::shared() else { return };
//! assert!(server.url().starts_with("postgres://trueup:"));
//! # }
//! # #[cfg(not(unix))] fn main() {}
//! ```

mod binaries;
mod owner;

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::owner::Owner;

const USER: &str = "trueup";
const PASSWORD: &str = "open-sesame-é'\"\\ ";
const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL server that lives as long as this value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    owner: Owner,
    binaries: PathBuf,
    folder: TempDir,
}

impl Server {
    /// Makes a cluster and starts a server for it.
    ///
    /// # Errors
    /// A message that says what to install, or what the server said.
    pub fn start() -> Result<Self, String> {
        let (binaries, owner) = (binaries::find()?, Owner::find()?);
        let folder = tempfile::Builder::new().prefix("trueup-postgres-").tempdir();
        let folder = folder.map_err(|cause| format!("cannot make a temporary folder: {cause}"))?;
        owner
            .give(folder.path())
            .map_err(|cause| format!("cannot give the folder away: {cause}"))?;
        init(&binaries, &owner, folder.path())?;
        // A free port may be taken by another before the server has it.
        let started = (0..5).find_map(|_| launch(&binaries, &owner, folder.path()).transpose());
        let (child, port) = started.unwrap_or_else(|| Err("found no free port".into()))?;
        Ok(Self { child, port, owner, binaries, folder })
    }

    /// A server that all tests of a process share while one of them holds it.
    ///
    /// Where none can be started it says so on the standard error and gives `None`, so that the test
    /// is skipped.
    ///
    /// # Panics
    /// Where none can be started and the environment says `CI=true`: there, no test is skipped.
    #[must_use]
    #[expect(clippy::panic, reason = "it is for tests")]
    pub fn shared() -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Some(server);
        }
        match Self::start() {
            Ok(server) => {
                let server = Arc::new(server);
                *shared = Arc::downgrade(&server);
                Some(server)
            }
            Err(message) if std::env::var("CI").is_ok_and(|ci| ci == "true") => panic!("{message}"),
            Err(message) => {
                eprintln!("skipped: {message}");
                None
            }
        }
    }

    /// The host it listens on.
    #[must_use]
    pub fn host(&self) -> &'static str {
        "127.0.0.1"
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// The superuser.
    #[must_use]
    pub fn user(&self) -> &'static str {
        USER
    }

    /// The superuser's password; it has characters that need care in many places.
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Where to connect to, as a URL with the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Where to connect to for a database, as a URL with the password.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        let password = percent(PASSWORD);
        format!("postgres://{USER}:{password}@127.0.0.1:{}/{}", self.port, percent(database))
    }

    /// The folder of the server's settings and data.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Puts a file into the server's data folder, readable for the server alone.
    ///
    /// # Errors
    /// Those of writing a file.
    pub fn put(&self, name: &str, content: &str) -> io::Result<()> {
        let path = self.data().join(name);
        fs::write(&path, content)?;
        owner::private(&path)?;
        self.owner.give(&path)
    }

    /// Stops the server at once, as a failure would; what it was doing is lost.
    pub fn stop(&mut self) {
        let stopped = self
            .owner
            .command(&self.binaries.join("pg_ctl"))
            .args(["stop", "--silent", "--mode=immediate", "--pgdata"])
            .arg(self.data())
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

fn init(binaries: &Path, owner: &Owner, folder: &Path) -> Result<(), String> {
    let password = folder.join("password");
    fs::write(&password, format!("{PASSWORD}\n"))
        .and_then(|()| owner.give(&password))
        .map_err(|cause| format!("cannot write `{}`: {cause}", password.display()))?;
    let output = owner
        .command(&binaries.join("initdb"))
        .args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
        .args(["--locale", "C", "--no-sync", "--pwfile"])
        .arg(&password)
        .arg("--pgdata")
        .arg(folder.join("data"))
        .current_dir(folder)
        .output()
        .map_err(|cause| format!("cannot run initdb: {cause}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("initdb failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}

/// Starts the server on a free port; `None` where the port was taken meanwhile.
fn launch(binaries: &Path, owner: &Owner, folder: &Path) -> Result<Option<(Child, u16)>, String> {
    let port = free_port().map_err(|cause| format!("cannot find a free port: {cause}"))?;
    let log = folder.join("log");
    let file = fs::File::create(&log).map_err(|cause| format!("cannot write a log: {cause}"))?;
    let settings = ["listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off"];
    let mut command = owner.command(&binaries.join("postgres"));
    command.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string(), "-k"]).arg(folder);
    for setting in settings {
        command.args(["-c", setting]);
    }
    let child = command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(file);
    let mut child = child.spawn().map_err(|cause| format!("cannot run postgres: {cause}"))?;
    match wait_ready(&mut child, &folder.join("data/postmaster.pid")) {
        true => Ok(Some((child, port))),
        false => {
            drop(child.kill());
            drop(child.wait());
            let said = fs::read_to_string(&log).unwrap_or_default();
            match said.contains("Address already in use") {
                true => Ok(None),
                false => Err(format!("postgres did not start: {}", said.trim())),
            }
        }
    }
}

/// The server writes `ready` into its lock file once it takes connections.
fn wait_ready(child: &mut Child, lock: &Path) -> bool {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until && matches!(child.try_wait(), Ok(None)) {
        let text = fs::read_to_string(lock).unwrap_or_default();
        if text.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
            return true;
        }
        sleep(Duration::from_millis(20));
    }
    false
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// A command of this program that does not see the tester's own settings for PostgreSQL.
fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command
}
