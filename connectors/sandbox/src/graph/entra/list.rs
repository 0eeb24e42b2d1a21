//! Lists of objects: which, in which order, and with which properties.

use serde_json::{Value as Json, json};

use super::super::odata::{Sizes, select, sized};
use super::super::refused::{Outcome, Refused};
use super::directory::{Directory, text_of, typed};
use super::filter::Filter;
use super::table::{Kind, Members};
use super::{crowd::Crowd, licences};
use crate::http::{Call, Reply};

/// Pages of the directory.
const SIZES: Sizes = Sizes { usual: 100, most: 999 };

/// What a user has where nothing is selected.
const USER: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];
/// What the directory finds quickly.
const INDEXED: &[&str] = &[
    "accountEnabled",
    "createdDateTime",
    "department",
    "deviceId",
    "displayName",
    "employeeId",
    "givenName",
    "groupTypes",
    "id",
    "jobTitle",
    "mail",
    "mailEnabled",
    "mailNickname",
    "operatingSystem",
    "securityEnabled",
    "surname",
    "uniqueName",
    "usageLocation",
    "userPrincipalName",
    "userType",
];

/// Whether the caller takes what may be a little old.
pub(super) fn is_eventual(call: &Call) -> bool {
    call.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
}

/// What a list is asked for.
struct Query {
    filter: Option<Filter>,
    search: Option<(String, String)>,
    order: Option<(String, bool)>,
    counted: bool,
}

impl Query {
    /// `cast`: a list of one kind among others, which is an advanced query by itself.
    fn of(call: &Call, cast: bool) -> Outcome<Self> {
        if call.parameter("$skip").is_some() {
            return Err(Refused::request("'$skip' is not supported by the service."));
        }
        let counted = call.parameter("$count") == Some("true") && is_eventual(call);
        let query = Self {
            filter: call.parameter("$filter").map(Filter::parse).transpose()?,
            search: call.parameter("$search").map(searched).transpose()?,
            order: call.parameter("$orderby").map(ordered),
            counted,
        };
        query.check(cast, is_eventual(call))?;
        Ok(query)
    }

    fn check(&self, cast: bool, eventual: bool) -> Outcome<()> {
        let rare = |filter: &Filter| filter.names().iter().any(|name| !INDEXED.contains(name));
        let filter = self.filter.as_ref();
        let advanced = filter.is_some_and(|filter| filter.is_advanced() || rare(filter))
            || (filter.is_some() && self.order.is_some())
            || cast;
        match (self.search.is_some() && !eventual, advanced && !self.counted) {
            (true, _) => Err(Refused::query(
                "Request with $search query parameter only works through MSGraph with a special request \
                 header: 'ConsistencyLevel: eventual'",
            )),
            (_, true) => Err(Refused::query(
                "Operator is not supported because the required parameters might be missing. Try adding \
                 $count=true query parameter and ConsistencyLevel:eventual header.",
            )),
            _ => Ok(()),
        }
    }

    fn finds(&self, object: &Members) -> bool {
        let named = self.search.as_ref().is_none_or(|(name, wanted)| {
            let text = text_of(object, name).to_lowercase();
            text.split_whitespace().any(|word| word.starts_with(wanted.as_str()))
                || text.starts_with(wanted)
        });
        named && self.filter.as_ref().is_none_or(|filter| filter.holds(object))
    }

    fn is_plain(&self) -> bool {
        self.filter.is_none() && self.search.is_none()
    }
}

/// `"displayName:abc"`, with the quotes.
fn searched(text: &str) -> Outcome<(String, String)> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let pair = inner.and_then(|inner| inner.split_once(':'));
    let (name, wanted) = pair.ok_or_else(|| {
        Refused::request("Syntax error: $search needs the form \"property:text\" with the quotes.")
    })?;
    Ok((name.to_owned(), wanted.to_lowercase()))
}

fn ordered(text: &str) -> (String, bool) {
    match text.trim().split_once(' ') {
        Some((name, way)) => (name.to_owned(), way.trim() == "desc"),
        None => (text.trim().to_owned(), false),
    }
}

/// All of a kind.
pub(super) fn all(directory: &Directory, call: &Call, kind: Kind) -> Outcome<Json> {
    let table = directory.table(kind);
    let seen = (0..table.len()).filter(|at| table.is_seen(*at)).map(|at| (kind, at));
    some(directory, call, kind.list(), seen.collect(), None)
}

/// These, as a list of objects of any kind.
pub(super) fn some(
    directory: &Directory,
    call: &Call,
    context: &str,
    found: Vec<(Kind, usize)>,
    cast: Option<Kind>,
) -> Outcome<Json> {
    let mixed = context.ends_with("directoryObjects");
    let query = Query::of(call, cast.is_some() && mixed)?;
    let found = found.into_iter().filter(|(kind, _)| cast.is_none_or(|cast| cast == *kind));
    let mut found: Vec<(Kind, usize)> = match query.is_plain() {
        true => found.collect(),
        false => found.filter(|(k, at)| query.finds(&seen(directory, *k, *at))).collect(),
    };
    if let Some((name, down)) = &query.order {
        found.sort_by_cached_key(|(k, at)| text_of(&seen(directory, *k, *at), name).to_lowercase());
        if *down {
            found.reverse();
        }
    }
    let record = |at: usize| {
        let (kind, at) = found.get(at).copied().unwrap_or((Kind::User, usize::MAX));
        let object = shown(directory, call, kind, at);
        if mixed { typed(kind, object) } else { Json::Object(object) }
    };
    let mut page = sized(call, context, found.len(), SIZES, record)?;
    let first = call.parameter("$skiptoken").is_none();
    if let (Json::Object(members), true) = (&mut page, query.counted && first) {
        members.insert("@odata.count".into(), json!(found.len()));
    }
    Ok(page)
}

fn seen(directory: &Directory, kind: Kind, at: usize) -> Members {
    directory.table(kind).seen(at).unwrap_or_default()
}

/// How many there are, as a bare number.
pub(super) fn count(call: &Call, found: usize) -> Outcome<Reply> {
    match is_eventual(call) {
        true => {
            Ok(Reply::new(200).header("content-type", "text/plain").with_body(found.to_string()))
        }
        false => Err(Refused::request("$count is not currently supported.")),
    }
}

/// An object with the properties that are asked for, or those that it has without a word.
pub(super) fn shown(directory: &Directory, call: &Call, kind: Kind, at: usize) -> Members {
    let mut object = seen(directory, kind, at);
    let selected = call.parameter("$select").unwrap_or_default();
    if kind == Kind::User && selected.contains("icense") {
        licences::add(directory, at, &mut object);
    }
    if selected.is_empty() && kind == Kind::User {
        object.retain(|name, _| USER.contains(&name.as_str()));
    }
    let expanded = call.parameter("$expand").unwrap_or_default();
    if kind == Kind::Group && expanded.starts_with("members") {
        object.insert("members".into(), few(directory, directory.members.get(&at)));
    }
    object
}

/// An expanded list has twenty at most, and no pages.
fn few(directory: &Directory, crowd: Option<&Crowd>) -> Json {
    let present = crowd.map(|crowd| directory.present(crowd)).unwrap_or_default();
    let few = present.into_iter().take(20);
    few.map(|(_, kind, at)| typed(kind, seen(directory, kind, at))).collect()
}

/// One object by itself.
pub(super) fn one(directory: &Directory, call: &Call, kind: Kind, at: usize) -> Reply {
    let mut object = select(call, Json::Object(shown(directory, call, kind, at)));
    if let Json::Object(members) = &mut object {
        let context = format!("{}/v1.0/$metadata#{}/$entity", call.origin, kind.list());
        members.insert("@odata.context".into(), json!(context));
    }
    Reply::json(200, &object)
}
