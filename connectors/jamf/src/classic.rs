//! The Classic API: XML, one policy a call.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value as Json, json};
use trueup_connector::{Context, Error, Kind as ErrorKind, Result, Retry};
use trueup_kit::{Answer, Client, Request, encode};

use crate::error::or_absent;
use crate::model::Kind;
use crate::page::{At, Entries};

pub(crate) const POLICIES: &str = "JSSResource/policies";
pub(crate) const GROUPS: &str = "JSSResource/computergroups";

/// No document has more elements, attributes and texts.
const MOST_NODES: u32 = 1_000_000;

/// The lists of a scope, and what one entry is called there.
pub(crate) const SCOPES: [(&str, &str); 4] = [
    ("computers", "computer"),
    ("computer_groups", "computer_group"),
    ("buildings", "building"),
    ("departments", "department"),
];

/// Records of the policies that come next by their identifiers.
pub(crate) async fn read(
    client: &Client,
    context: &Context,
    kind: Kind,
    at: At,
) -> Result<Entries> {
    let last = at.last.as_deref().and_then(|last| last.parse::<u64>().ok());
    let mut ids = names(client, context).await?;
    ids.retain(|(id, _)| last.is_none_or(|last| *id > last));
    ids.sort_unstable();
    let size = usize::try_from(at.size).unwrap_or(usize::MAX);
    let more = ids.len() > size;
    let mut rows = Vec::new();
    for (id, _) in ids.iter().take(size) {
        // Gone since it was listed.
        let Some(policy) = policy(client, context, &id.to_string()).await? else { continue };
        rows.extend(policy.records(kind));
    }
    let last = ids.get(size.saturating_sub(1)).map(|(id, _)| id.to_string());
    let next = At { last, skip: 0, ..at };
    Ok((rows, more.then_some(next)))
}

/// The identifiers and names of all policies.
pub(crate) async fn names(client: &Client, context: &Context) -> Result<Vec<(u64, String)>> {
    let request = xml_request(Request::get(POLICIES));
    client.read(context, request, listed).await
}

fn listed(answer: &Answer) -> Result<Vec<(u64, String)>> {
    let text = decoded(answer)?;
    let document = parsed(&text)?;
    let root = named(&document, "policies")?;
    let entries: Vec<Node<'_, '_>> = children(root, "policy").collect();
    let size = leaf(root, "size").and_then(|size| size.parse::<usize>().ok());
    // A list that was cut must not pass for a whole one.
    if size != Some(entries.len()) {
        return Err(wrong("a list is not as long as it says"));
    }
    let one = |entry: Node<'_, '_>| {
        let id = leaf(entry, "id").and_then(|id| id.parse().ok());
        let id = id.ok_or_else(|| wrong("a policy of the list has no identifier"))?;
        Ok((id, leaf(entry, "name").unwrap_or_default()))
    };
    entries.into_iter().map(one).collect()
}

/// A policy, as much of it as is read here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Policy {
    id: String,
    fields: Map<String, Json>,
    /// Part, kind, identifier, name.
    scope: Vec<[String; 4]>,
    /// Identifier, name, and the whole entry as it came.
    packages: Vec<Map<String, Json>>,
}

/// One policy; `None` where there is none.
pub(crate) async fn policy(client: &Client, context: &Context, id: &str) -> Result<Option<Policy>> {
    let request = xml_request(Request::get(format!("{POLICIES}/id/{}", encode(id))));
    or_absent(client.read(context, request, Policy::read).await)
}

/// A group of computers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) smart: bool,
    /// The identifiers of its members.
    pub(crate) members: Vec<String>,
}

/// One group; `None` where there is none.
pub(crate) async fn group(client: &Client, context: &Context, id: &str) -> Result<Option<Group>> {
    let request = xml_request(Request::get(format!("{GROUPS}/id/{}", encode(id))));
    or_absent(client.read(context, request, members).await)
}

fn members(answer: &Answer) -> Result<Group> {
    let text = decoded(answer)?;
    let document = parsed(&text)?;
    let group = named(&document, "computer_group")?;
    let smart = leaf(group, "is_smart").ok_or_else(|| wrong("a group came without `is_smart`"))?;
    let list =
        child(group, "computers").ok_or_else(|| wrong("a group came without `computers`"))?;
    let ids: Option<Vec<String>> =
        children(list, "computer").map(|computer| leaf(computer, "id")).collect();
    let members = ids.ok_or_else(|| wrong("a member of a group has no identifier"))?;
    let name = leaf(group, "name").unwrap_or_default();
    Ok(Group { name, smart: smart == "true", members })
}

fn xml_request(request: Request) -> Request {
    request.header("accept", "application/xml")
}

impl Policy {
    fn read(answer: &Answer) -> Result<Self> {
        let text = decoded(answer)?;
        let document = parsed(&text)?;
        let root = named(&document, "policy")?;
        let part = |name: &str| {
            child(root, name).ok_or_else(|| wrong(&format!("a policy came without `{name}`")))
        };
        let (general, scope) = (part("general")?, part("scope")?);
        let id = leaf(general, "id").ok_or_else(|| wrong("a policy came without `id`"))?;
        let mut fields = Map::new();
        GENERAL.iter().for_each(|name| put(&mut fields, general, name));
        put(&mut fields, scope, "all_computers");
        for (member, parent) in [("category_id", "category"), ("site_id", "site")] {
            let id = child(general, parent).and_then(|parent| leaf(parent, "id"));
            fields.insert(member.to_owned(), json!(id));
        }
        if let Some(service) = child(root, "self_service") {
            put(&mut fields, service, "use_for_self_service");
            put(&mut fields, service, "self_service_display_name");
        }
        let exclusions = child(scope, "exclusions").map(|node| targets(node, "exclusion"));
        let scope: Result<Vec<_>> =
            targets(scope, "target").into_iter().chain(exclusions.into_iter().flatten()).collect();
        let packages =
            child(root, "package_configuration").and_then(|node| child(node, "packages"));
        let packages = packages.into_iter().flat_map(|node| children(node, "package"));
        Ok(Self { id, fields, scope: scope?, packages: packages.map(entry).collect() })
    }

    pub(crate) fn records(&self, kind: Kind) -> Vec<Json> {
        match kind {
            Kind::PolicyScopes => self.scope.iter().map(|target| self.target(target)).collect(),
            Kind::PolicyPackages => self.packages.iter().map(|package| self.of(package)).collect(),
            _ => {
                let mut fields = self.fields.clone();
                fields.insert("id".into(), json!(self.id));
                vec![Json::Object(fields)]
            }
        }
    }

    /// The identifiers in one list of the scope.
    pub(crate) fn targets(&self, part: &str, kind: &str) -> Vec<String> {
        let there = self.scope.iter().filter(|[p, k, ..]| p == part && k == kind);
        there.map(|[_, _, id, _]| id.clone()).collect()
    }

    /// Packages with everything the server said of them.
    pub(crate) fn packages(&self) -> &[Map<String, Json>] {
        &self.packages
    }

    fn target(&self, [part, kind, id, name]: &[String; 4]) -> Json {
        json!({"policy_id": self.id, "part": part, "kind": kind, "id": id, "name": name})
    }

    fn of(&self, package: &Map<String, Json>) -> Json {
        let mut package = package.clone();
        package.insert("policy_id".into(), json!(self.id));
        Json::Object(package)
    }
}

const GENERAL: [&str; 8] = [
    "name",
    "enabled",
    "frequency",
    "trigger_checkin",
    "trigger_enrollment_complete",
    "trigger_login",
    "trigger_startup",
    "trigger_other",
];

const FLAGS: [&str; 7] = [
    "enabled",
    "trigger_checkin",
    "trigger_enrollment_complete",
    "trigger_login",
    "trigger_startup",
    "all_computers",
    "use_for_self_service",
];

fn targets(scope: Node<'_, '_>, part: &str) -> Vec<Result<[String; 4]>> {
    let lists = SCOPES.iter().filter_map(|(list, one)| Some((child(scope, list)?, *one)));
    let all = lists.flat_map(|(list, one)| children(list, one).map(move |target| (one, target)));
    let each = all.map(|(kind, target)| {
        let id =
            leaf(target, "id").ok_or_else(|| wrong("a target of a scope has no identifier"))?;
        let name = leaf(target, "name").unwrap_or_default();
        Ok([part.to_owned(), kind.to_owned(), id, name])
    });
    each.collect()
}

fn put(fields: &mut Map<String, Json>, node: Node<'_, '_>, name: &str) {
    let flag = FLAGS.contains(&name);
    let value = match leaf(node, name).as_deref() {
        Some("true") if flag => json!(true),
        Some("false") if flag => json!(false),
        text => json!(text),
    };
    fields.insert(name.to_owned(), value);
}

/// An element whose children have text only.
fn entry(node: Node<'_, '_>) -> Map<String, Json> {
    let parts = node.children().filter(Node::is_element);
    parts.map(|part| (part.tag_name().name().to_owned(), json!(text(part)))).collect()
}

fn decoded(answer: &Answer) -> Result<String> {
    String::from_utf8(answer.body.clone()).map_err(|_| wrong("an answer is not UTF-8"))
}

/// A document without a document type: entities of its own are not expanded, they are refused.
fn parsed(text: &str) -> Result<Document<'_>> {
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: MOST_NODES, ..Default::default() };
    Document::parse_with_options(text, options).map_err(|cause| {
        let at = cause.pos();
        let message = match cause {
            roxmltree::Error::DtdDetected => {
                "an answer has a document type, which is not read".into()
            }
            _ => format!("an answer is no XML, at line {} column {}", at.row, at.col),
        };
        wrong(&message)
    })
}

fn named<'a>(document: &'a Document<'a>, name: &str) -> Result<Node<'a, 'a>> {
    let root = document.root_element();
    match root.has_tag_name(name) {
        true => Ok(root),
        false => Err(wrong(&format!("an answer is no `{name}`"))),
    }
}

fn children<'a>(node: Node<'a, 'a>, name: &str) -> impl Iterator<Item = Node<'a, 'a>> {
    let name = name.to_owned();
    node.children().filter(move |child| child.has_tag_name(name.as_str()))
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name(name))
}

fn leaf(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.children().find(|child| child.has_tag_name(name)).map(text)
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|part| part.text()).collect()
}

/// Text between tags.
pub(crate) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // As it stands it would be read as the end of a line.
    text.replace('\r', "&#13;")
}

/// An element with this inside.
pub(crate) fn element(name: &str, inside: &str) -> String {
    format!("<{name}>{inside}</{name}>")
}

/// A call with an XML body.
pub(crate) fn send(request: Request, body: String) -> Request {
    let mut request = request.header("accept", "application/xml");
    request.body = Some(("application/xml".to_owned(), body.into_bytes()));
    request
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, what).with_retry(Retry::Backoff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entities_are_refused_and_not_expanded() {
        let bomb =
            "<!DOCTYPE p [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><policy>&b;</policy>";
        let outside =
            "<!DOCTYPE p [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><policy>&x;</policy>";
        for hostile in [bomb, outside] {
            let error = parsed(hostile).unwrap_err();
            assert!(error.message().contains("document type"), "{error}");
        }
        for wrong in ["<policy>", "", "{}", "<policy>&nothing;</policy>"] {
            assert_eq!(parsed(wrong).unwrap_err().kind(), ErrorKind::Protocol, "{wrong}");
        }
        let deep = "<policy>".repeat(100_000) + &"</policy>".repeat(100_000);
        assert!(parsed(&deep).is_ok_and(|document| text(document.root_element()).is_empty()));
        assert!(parsed("<a><b/><b/><c>x</c></a>").is_ok());
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let name = "a & b <c> \"é\" ]]>";
        let text = element("name", &escaped(name));
        let document = parsed(&text).unwrap();
        assert_eq!(super::text(document.root_element()), name);
    }
}
