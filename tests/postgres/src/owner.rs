//! Who runs the server: PostgreSQL refuses to run as root.

use std::io;
use std::path::Path;
use std::process::Command;

use crate::clean;

/// Who runs the server; `None` is whoever runs the tests.
#[derive(Debug)]
pub(crate) struct Owner(Option<(u32, u32)>);

#[cfg(unix)]
impl Owner {
    /// Whoever runs this, or, for root, an ordinary user of the system.
    pub(crate) fn find() -> Result<Self, String> {
        if !is_root() {
            return Ok(Self(None));
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let found = ["postgres", "nobody"].iter().find_map(|name| ids(&users, name));
        found.map(|ids| Self(Some(ids))).ok_or_else(|| {
            "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`"
                .to_owned()
        })
    }

    /// Makes a file or folder theirs.
    pub(crate) fn give(&self, path: &Path) -> io::Result<()> {
        match self.0 {
            Some((user, group)) => std::os::unix::fs::chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }

    /// A command that runs as them.
    pub(crate) fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = clean(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }
}

#[cfg(not(unix))]
impl Owner {
    pub(crate) fn find() -> Result<Self, String> {
        Ok(Self(None))
    }

    pub(crate) fn give(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn command(&self, program: &Path) -> Command {
        clean(program)
    }
}

/// Makes a file readable for its owner alone.
#[cfg(unix)]
pub(crate) fn private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
pub(crate) fn private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A new file of this process is root's only when the process is.
#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    tempfile::tempfile().and_then(|file| file.metadata()).is_ok_and(|meta| meta.uid() == 0)
}

#[cfg(unix)]
fn ids(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut parts = line.split(':').skip(2);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
