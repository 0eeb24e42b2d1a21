//! Elements of XML: read, laid over each other, written, and shown as JSON.

use std::fmt;

use serde_json::{Map, Value as Json, json};

/// An element; it has text or children. Attributes mean nothing to the Classic API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

/// What holds a list, which a PUT replaces as a whole.
const LISTS: &[&str] = &[
    "computers",
    "computer_groups",
    "buildings",
    "departments",
    "users",
    "user_groups",
    "network_segments",
    "ibeacons",
    "packages",
    "scripts",
    "criteria",
    "self_service_categories",
];
/// What is a whole number in JSON.
const NUMBERS: &[&str] = &["id", "size", "priority", "retry_attempts"];

impl Element {
    pub(super) fn leaf(name: &str, text: impl fmt::Display) -> Self {
        Self { name: name.to_owned(), text: text.to_string(), children: Vec::new() }
    }

    pub(super) fn node(name: &str, children: impl IntoIterator<Item = Self>) -> Self {
        let children = children.into_iter().collect();
        Self { name: name.to_owned(), text: String::new(), children }
    }

    /// A list, with how long it is in front, as the Classic API has it.
    pub(super) fn list(name: &str, items: impl IntoIterator<Item = Self>) -> Self {
        let items: Vec<Self> = items.into_iter().collect();
        let size = Self::leaf("size", items.len());
        Self::node(name, std::iter::once(size).chain(items))
    }

    /// Reads a document; `None` where it is none, or has a document type.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let document = roxmltree::Document::parse(std::str::from_utf8(bytes).ok()?).ok()?;
        Some(Self::of(document.root_element()))
    }

    fn of(node: roxmltree::Node<'_, '_>) -> Self {
        let children: Vec<Self> =
            node.children().filter(roxmltree::Node::is_element).map(Self::of).collect();
        let text = node.children().filter_map(|part| part.text().filter(|_| part.is_text()));
        let text = if children.is_empty() { text.collect() } else { String::new() };
        Self { name: node.tag_name().name().to_owned(), text, children }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element at the end of these names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    pub(super) fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).map(|element| element.text.as_str()).unwrap_or_default()
    }

    /// The element at the end of these names, made where it is not there.
    pub(super) fn make(&mut self, path: &[&str]) -> &mut Self {
        path.iter().fold(self, |element, name| element.make_child(name))
    }

    fn make_child(&mut self, name: &str) -> &mut Self {
        if self.child(name).is_none() {
            self.children.push(Self::leaf(name, ""));
        }
        let last = self.children.len() - 1;
        let at = self.children.iter().position(|child| child.name == name).unwrap_or(last);
        #[expect(clippy::indexing_slicing, reason = "there is one, and it was just found")]
        &mut self.children[at]
    }

    /// Lays another over this one: what is not told stays, a list that is told replaces the list.
    pub(super) fn lay(&mut self, told: &Self) {
        for child in &told.children {
            let is_list = LISTS.contains(&child.name.as_str());
            let mine = self.make_child(&child.name);
            match is_list || child.children.is_empty() {
                true => *mine = child.clone(),
                false => mine.lay(child),
            }
        }
    }

    pub(super) fn json(&self) -> Json {
        match self.children.as_slice() {
            [] if LISTS.contains(&self.name.as_str()) => json!([]),
            [] => self.scalar(),
            children if LISTS.contains(&self.name.as_str()) => {
                children.iter().filter(|child| child.name != "size").map(Self::json).collect()
            }
            children => {
                let members = children.iter().map(|child| (child.name.clone(), child.json()));
                Json::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    fn scalar(&self) -> Json {
        match (self.text.as_str(), self.text.parse::<i64>()) {
            ("true", _) => json!(true),
            ("false", _) => json!(false),
            (_, Ok(number)) if NUMBERS.contains(&self.name.as_str()) => json!(number),
            (text, _) => json!(text),
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.name)?;
        f.write_str(&escaped(&self.text))?;
        self.children.iter().try_for_each(|child| child.fmt(f))?;
        write!(f, "</{}>", self.name)
    }
}

/// Text between tags.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('\r', "&#13;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Element {
        Element::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_put_merges_and_replaces_lists() {
        let mut policy = parsed(
            "<policy><general><name>a &amp; b</name><enabled>true</enabled></general><scope>\
             <computers><computer><id>1</id></computer></computers></scope></policy>",
        );
        policy.lay(&parsed(
            "<policy><general><enabled>false</enabled></general><scope><computers/></scope></policy>",
        ));
        assert_eq!(policy.text_at(&["general", "name"]), "a & b");
        assert_eq!(policy.text_at(&["general", "enabled"]), "false");
        assert!(policy.at(&["scope", "computers"]).unwrap().children.is_empty());
        assert_eq!(parsed(&policy.to_string()), policy);
    }

    #[test]
    fn what_has_a_document_type_is_not_read() {
        let hostile = "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>";
        assert!(Element::parse(hostile.as_bytes()).is_none());
    }
}
