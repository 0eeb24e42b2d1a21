//! Policies, as the Classic API has them.

use serde_json::{Value as Json, json};

use super::records::Records;
use super::xml::Element;
use super::{Outcome, Refused};

/// The first few packages are installed by a policy each.
pub(super) fn fill(records: &mut Records) {
    let packages: Vec<(u64, String)> = records
        .packages
        .iter()
        .take(5)
        .map(|(id, package)| (*id, super::text(package, "packageName").to_owned()))
        .collect();
    let groups: Vec<u64> = records.smart.keys().chain(records.fixed.keys()).copied().collect();
    for (place, (package, name)) in packages.into_iter().enumerate() {
        let mut policy = blank();
        policy.make(&["general", "name"]).text = format!("Install {name}");
        let install = [Element::leaf("id", package), Element::leaf("action", "Install")];
        *policy.make(&["package_configuration", "packages"]) =
            Element::node("packages", [Element::node("package", install)]);
        match groups.get(place) {
            Some(group) => {
                let group = Element::node("computer_group", [Element::leaf("id", group)]);
                *policy.make(&["scope", "computer_groups"]) =
                    Element::node("computer_groups", [group]);
            }
            None => policy.make(&["scope", "all_computers"]).text = "true".into(),
        }
        if let Ok(policy) = completed(records, policy) {
            let id = records.next();
            records.policies.insert(id, policy);
        }
    }
}

/// A new policy, with all that a server adds.
pub(super) fn blank() -> Element {
    let leaf = Element::leaf;
    let empty = |name: &str| Element::node(name, []);
    let off = |name: &str| leaf(name, "false");
    Element::node(
        "policy",
        [
            Element::node(
                "general",
                [
                    leaf("name", ""),
                    leaf("enabled", "true"),
                    leaf("trigger", "USER_INITIATED"),
                    off("trigger_checkin"),
                    off("trigger_enrollment_complete"),
                    off("trigger_login"),
                    off("trigger_startup"),
                    leaf("trigger_other", ""),
                    leaf("frequency", "Once per computer"),
                    leaf("retry_event", "none"),
                    leaf("retry_attempts", "-1"),
                    Element::node(
                        "category",
                        [leaf("id", "-1"), leaf("name", "No category assigned")],
                    ),
                    Element::node("site", [leaf("id", "-1"), leaf("name", "None")]),
                ],
            ),
            Element::node(
                "scope",
                [
                    off("all_computers"),
                    empty("computers"),
                    empty("computer_groups"),
                    empty("buildings"),
                    empty("departments"),
                    Element::node(
                        "exclusions",
                        ["computers", "computer_groups", "buildings", "departments"].map(empty),
                    ),
                ],
            ),
            Element::node(
                "self_service",
                [off("use_for_self_service"), leaf("self_service_display_name", "")],
            ),
            Element::node("package_configuration", [empty("packages")]),
            empty("scripts"),
            Element::node("maintenance", [off("recon")]),
        ],
    )
}

/// With its identifier, sizes, and the names of what it names by identifier.
pub(super) fn shown(id: u64, policy: &Element) -> Element {
    let mut shown = policy.clone();
    let general = shown.make(&["general"]);
    general.children.retain(|child| child.name != "id");
    general.children.insert(0, Element::leaf("id", id));
    let packages = shown.make(&["package_configuration", "packages"]);
    let all: Vec<Element> =
        packages.children.iter().filter(|child| child.name == "package").cloned().collect();
    *packages = Element::list("packages", all);
    shown
}

/// Fills in what the server knows; refuses what it does not.
pub(super) fn completed(records: &Records, mut policy: Element) -> Outcome<Element> {
    for package in &mut policy.make(&["package_configuration", "packages"]).children {
        if package.name != "package" {
            continue;
        }
        let id = package.text_at(&["id"]).parse().ok();
        let known = id.and_then(|id: u64| records.packages.get(&id));
        let known = known.ok_or_else(|| Refused::classic(409, "Unable to match package"))?;
        let name = super::text(known, "packageName").to_owned();
        package.make(&["name"]).text = name;
    }
    for place in [&["scope"][..], &["scope", "exclusions"]] {
        let scope = policy.make(place);
        name_all(scope, "computers", |id| {
            let there = records.computers.binary_search(&id).is_ok();
            there.then(|| format!("MACOS-{:05}", id / 2))
        })?;
        name_all(scope, "computer_groups", |id| {
            let smart = records.smart.get(&id).map(|group| super::text(group, "name").to_owned());
            smart.or_else(|| records.fixed.get(&id).map(|group| group.name.clone()))
        })?;
    }
    Ok(policy)
}

fn name_all(scope: &mut Element, list: &str, name: impl Fn(u64) -> Option<String>) -> Outcome<()> {
    for item in &mut scope.make(&[list]).children {
        let id: Option<u64> = item.text_at(&["id"]).parse().ok();
        let known = id.and_then(&name);
        let known = known.ok_or_else(|| Refused::classic(409, format!("Problem with {list}")))?;
        item.make(&["name"]).text = known;
    }
    Ok(())
}

pub(super) fn rows(records: &Records) -> Vec<Json> {
    let all = records.policies.iter();
    all.map(|(id, policy)| {
        json!({"id": id.to_string(), "name": policy.text_at(&["general", "name"]),
            "enabled": policy.text_at(&["general", "enabled"]) == "true"})
    })
    .collect()
}
