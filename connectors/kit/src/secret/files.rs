//! Secrets in files of a folder, as Kubernetes mounts them.

use std::path::{Path, PathBuf};

use trueup_connector::{Error, Kind, Result, async_trait};

use super::{Secret, Secrets, missing};

/// Secrets in the files of one folder, one a file, as Kubernetes and container runtimes mount them.
///
/// A file is read each time it is asked for, so that one that is replaced (Kubernetes flips a
/// symbolic link) counts at once. One line break at the end is not part of the secret.
///
/// ```no_run
/// let secrets = trueup_kit::Files::new("/run/secrets");
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

/// No secret is larger.
const LARGEST: u64 = 1 << 20;

impl Files {
    /// The files of this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        match !name.is_empty() && !name.starts_with('.') && name.chars().all(plain) {
            true => Ok(self.folder.join(name)),
            false => {
                let message = format!(
                    "`{name}` is no name of a secret file: letters, digits, `-`, `_` and `.`"
                );
                Err(Error::new(Kind::Invalid, message))
            }
        }
    }
}

#[async_trait]
impl Secrets for Files {
    async fn get(&self, name: &str) -> Result<Secret> {
        read(&self.path(name)?, name)
    }
}

fn read(path: &Path, name: &str) -> Result<Secret> {
    let failed = |cause: std::io::Error| {
        let error = match cause.kind() {
            std::io::ErrorKind::NotFound => missing(name, "; put it into the file"),
            std::io::ErrorKind::PermissionDenied => {
                Error::new(Kind::Forbidden, "the secret's file may not be read")
            }
            _ => Error::new(Kind::Unavailable, "the secret's file cannot be read"),
        };
        error.with("file", path.display()).with_source(cause)
    };
    if std::fs::metadata(path).map_err(failed)?.len() > LARGEST {
        let message = "the file is too large for a secret: at most 1 MiB";
        return Err(Error::new(Kind::Limit, message).with("file", path.display()));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let text =
        text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
    match text.is_empty() {
        false => Ok(Secret::new(text)),
        true => Err(missing(name, ": its file is empty").with("file", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_replaced_file_counts_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Files::new(folder.path());
        std::fs::write(folder.path().join("api"), "first\r\n").unwrap();
        assert_eq!(secrets.get("api").await.unwrap(), Secret::new("first"));
        std::fs::write(folder.path().join("api"), "second").unwrap();
        assert_eq!(secrets.get("api").await.unwrap(), Secret::new("second"));
    }

    #[tokio::test]
    async fn names_stay_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Files::new(folder.path());
        for (name, kind) in [
            ("../shadow", Kind::Invalid),
            ("..", Kind::Invalid),
            ("", Kind::Invalid),
            ("absent", Kind::NotFound),
        ] {
            assert_eq!(secrets.get(name).await.unwrap_err().kind(), kind, "{name}");
        }
    }
}
