//! The facts that conditions may name, and where each comes from.

use super::condition::{Scope, Type};

/// Where a fact comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Actor,
    Chain,
    Person,
    Environment,
    Tenant,
    Name,
    Resource,
    System,
    Instance,
    Creates,
    Updates,
    Deletes,
    Actions,
    CoveredRows,
    WantedRows,
    AgreedRows,
    Action,
    Target,
    Wave,
    Fields,
    /// A fact of the change, or of the request, by name; absent means `false`.
    Flag(String),
    /// The same; absent means unknown.
    Declared(String, Type),
}

impl Origin {
    /// Whether it may differ between the changes of one side with the same action.
    pub(crate) fn is_of_change(&self) -> bool {
        matches!(self, Self::Wave | Self::Fields | Self::Flag(_) | Self::Declared(..))
    }
}

/// The facts there are in every policy.
fn built_in() -> Vec<(&'static str, Type, Origin)> {
    let text = || Type::Text;
    vec![
        ("request.actor", text(), Origin::Actor),
        ("request.chain", Type::Text.list(), Origin::Chain),
        ("request.person", text(), Origin::Person),
        ("request.environment", text(), Origin::Environment),
        ("plan.tenant", text(), Origin::Tenant),
        ("plan.name", text(), Origin::Name),
        ("plan.resource", text(), Origin::Resource),
        ("plan.system", text(), Origin::System),
        ("plan.instance", text(), Origin::Instance),
        ("plan.creates", Type::Int, Origin::Creates),
        ("plan.updates", Type::Int, Origin::Updates),
        ("plan.deletes", Type::Int, Origin::Deletes),
        ("plan.actions", Type::Int, Origin::Actions),
        ("plan.covered_rows", Type::Int, Origin::CoveredRows),
        ("plan.wanted_rows", Type::Int, Origin::WantedRows),
        ("plan.agreed_rows", Type::Int, Origin::AgreedRows),
        ("change.action", text(), Origin::Action),
        ("change.target", text(), Origin::Target),
        ("change.wave", Type::Int, Origin::Wave),
        ("change.fields", Type::Text.list(), Origin::Fields),
        ("facts.shares_id", Type::Bool, Origin::Flag("shares_id".into())),
        ("facts.renamed", Type::Bool, Origin::Flag("renamed".into())),
        ("facts.cause", text(), Origin::Declared("cause".into(), Type::Text)),
    ]
}

/// The facts of one policy, by their places in the scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) scope: Scope,
    pub(crate) origins: Vec<Origin>,
}

impl Catalogue {
    /// The facts there always are, and these.
    pub(crate) fn new(declared: impl IntoIterator<Item = (String, Type)>) -> Self {
        let always = built_in().into_iter().map(|(name, of, origin)| (name.to_owned(), of, origin));
        let declared = declared
            .into_iter()
            .map(|(name, of)| (format!("facts.{name}"), of.clone(), Origin::Declared(name, of)));
        let (facts, origins) =
            always.chain(declared).map(|(name, of, origin)| ((name, of), origin)).unzip();
        Self { scope: Scope::new(facts), origins }
    }

    /// Whether a fact of this name is there in every policy.
    pub(crate) fn is_built_in(name: &str) -> bool {
        built_in().iter().any(|(known, ..)| known.strip_prefix("facts.") == Some(name))
    }
}

/// The type that a policy calls by this name.
pub(crate) fn type_named(name: &str) -> Option<Type> {
    Some(match name {
        "bool" => Type::Bool,
        "int" => Type::Int,
        "double" => Type::Double,
        "string" => Type::Text,
        "timestamp" => Type::Timestamp,
        "list" => Type::Text.list(),
        _ => return None,
    })
}
