//! Secrets in environment variables.

use trueup_connector::{Result, async_trait};

use super::{Secret, Secrets, missing};

/// Secrets in environment variables: a prefix, then the name in capitals with `_` for what a
/// variable's name cannot have.
///
/// ```
/// let secrets = trueup_kit::Environment::new("TRUEUP_");
/// assert_eq!(secrets.variable("intune/client-secret"), "TRUEUP_INTUNE_CLIENT_SECRET");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Environment {
    prefix: String,
}

impl Environment {
    /// Variables whose names start like this.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The variable that holds the secret of this name.
    pub fn variable(&self, name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        self.prefix.chars().chain(name.chars().map(plain)).collect()
    }
}

#[async_trait]
impl Secrets for Environment {
    async fn get(&self, name: &str) -> Result<Secret> {
        let variable = self.variable(name);
        match std::env::var(&variable) {
            Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
            Ok(_) => Err(missing(name, &format!(": the variable `{variable}` is empty"))),
            Err(std::env::VarError::NotPresent) => {
                Err(missing(name, &format!("; set the variable `{variable}`")))
            }
            Err(_) => Err(missing(name, &format!(": the variable `{variable}` is not UTF-8"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_variable_is_named() {
        let error = Environment::new("TRUEUP_TEST_NOBODY_SETS_").get("it").await.unwrap_err();
        let wanted = "there is no secret `it`; set the variable `TRUEUP_TEST_NOBODY_SETS_IT`";
        assert_eq!(error.to_string(), wanted);
    }

    #[tokio::test]
    async fn a_variable_is_a_secret() {
        assert!(!Environment::default().get("path").await.unwrap().expose().is_empty());
    }
}
