//! PATCH (RFC 7644 §3.5.2), lenient where clients are known to be.

use serde_json::{Map, Value as Json};

use super::filter::Path;
use super::schema::{Attribute, ENTERPRISE, Kind};
use super::{Outcome, Refused};

type Resource = Map<String, Json>;

/// Carries out all operations of a request on a resource, or none.
pub(crate) fn apply(kind: Kind, mut resource: Resource, request: &Json) -> Outcome<Resource> {
    let operations = super::member(request, "Operations").and_then(Json::as_array);
    let operations = operations.ok_or_else(|| Refused::bad("invalidSyntax", "no Operations"))?;
    for operation in operations {
        let text = |name: &str| super::member(operation, name).and_then(Json::as_str);
        let op = text("op").map(str::to_lowercase).unwrap_or_default();
        let path = text("path").filter(|path| !path.is_empty()).map(Path::parse).transpose()?;
        let value = super::member(operation, "value").unwrap_or(&Json::Null);
        match (op.as_str(), path) {
            ("add" | "replace", None) => merge(kind, &mut resource, value, &op)?,
            ("add" | "replace", Some(path)) => set(kind, &mut resource, &path, value, &op)?,
            ("remove", None) => return Err(Refused::bad("noTarget", "remove needs a path")),
            ("remove", Some(path)) => remove(kind, &mut resource, &path, value)?,
            _ => return Err(Refused::bad("invalidSyntax", format!("'{op}' is not an operation"))),
        }
    }
    Ok(resource)
}

/// Without a path, every member of the value is a path.
fn merge(kind: Kind, resource: &mut Resource, value: &Json, op: &str) -> Outcome<()> {
    let members = value.as_object();
    let members =
        members.ok_or_else(|| Refused::bad("invalidValue", "the value must be an object"))?;
    for (name, value) in members {
        if !name.eq_ignore_ascii_case("schemas") {
            set(kind, resource, &Path::parse(name)?, value, op)?;
        }
    }
    Ok(())
}

fn set(kind: Kind, resource: &mut Resource, path: &Path, value: &Json, op: &str) -> Outcome<()> {
    if path.attribute.is_empty() {
        let members = value.as_object().into_iter().flatten();
        for (name, value) in members.filter(|(name, _)| !name.eq_ignore_ascii_case("schemas")) {
            let path = Path { extension: path.extension, ..Path::parse(name)? };
            set(kind, resource, &path, value, op)?;
        }
        return Ok(());
    }
    let attribute = attribute(kind, path)?;
    let place = place(resource, path)?;
    match (&path.filter, &path.sub) {
        (Some(_), _) => set_some(kind, place, attribute, path, value, op)?,
        (None, Some(sub)) => set_sub(place, attribute, sub, value)?,
        (None, None) if attribute.multi_valued && op == "add" => append(place, attribute, value)?,
        (None, None) if attribute.ty == "complex" && !attribute.multi_valued => {
            merge_complex(place, attribute, value)?;
        }
        (None, None) => assign(place, &attribute.name, attribute.value(value)?),
    }
    tidy(resource);
    Ok(())
}

fn remove(kind: Kind, resource: &mut Resource, path: &Path, value: &Json) -> Outcome<()> {
    if path.attribute.is_empty() {
        resource.remove(ENTERPRISE);
        return Ok(());
    }
    let attribute = attribute(kind, path)?;
    let place = place(resource, path)?;
    match (&path.filter, &path.sub) {
        (Some(filter), sub) => {
            let items = place.get_mut(&attribute.name).and_then(Json::as_array_mut);
            let Some(items) = items else { return Ok(()) };
            match sub {
                None => items.retain(|item| !filter.holds(kind, Some(attribute), item)),
                Some(sub) => {
                    let met =
                        items.iter_mut().filter(|item| filter.holds(kind, Some(attribute), item));
                    met.filter_map(Json::as_object_mut).for_each(|item| drop(item.remove(sub)));
                }
            }
        }
        (None, Some(sub)) => {
            let inner = place.get_mut(&attribute.name).and_then(Json::as_object_mut);
            let name = attribute.sub(sub).map_or(sub.as_str(), |sub| sub.name.as_str());
            inner.map(|inner| inner.remove(name));
        }
        // Entra names the values to remove, and no filter.
        (None, None) if value.is_array() && attribute.multi_valued => {
            let gone = values_of(value);
            let items = place.get_mut(&attribute.name).and_then(Json::as_array_mut);
            items
                .into_iter()
                .for_each(|items| items.retain(|item| !gone.contains(&item.get("value"))));
        }
        (None, None) => drop(place.remove(&attribute.name)),
    }
    tidy(resource);
    Ok(())
}

fn values_of(values: &Json) -> Vec<Option<&Json>> {
    let values = values.as_array().into_iter().flatten();
    values.map(|value| Some(value.get("value").unwrap_or(value))).collect()
}

fn attribute(kind: Kind, path: &Path) -> Outcome<&'static Attribute> {
    let found = kind.attribute(path.extension, &path.attribute).ok_or_else(|| {
        Refused::bad("invalidPath", format!("Attribute '{}' is not known", path.attribute))
    })?;
    let sub = path.sub.as_ref().map(|sub| {
        let unknown =
            || Refused::bad("invalidPath", format!("'{sub}' is not part of '{}'", found.name));
        found.sub(sub).ok_or_else(unknown)
    });
    let sub = sub.transpose()?;
    let fixed = |attribute: &Attribute| attribute.mutability == "readOnly";
    match fixed(found) || sub.is_some_and(fixed) {
        true => {
            Err(Refused::bad("mutability", format!("Attribute '{}' is readOnly", path.attribute)))
        }
        false => Ok(found),
    }
}

/// The object that has the attribute; an extension that stays empty is taken away again.
fn place<'a>(resource: &'a mut Resource, path: &Path) -> Outcome<&'a mut Resource> {
    let Some(extension) = path.extension else { return Ok(resource) };
    let inner = resource.entry(extension).or_insert_with(|| Json::Object(Map::new()));
    inner.as_object_mut().ok_or_else(|| Refused::bad("invalidPath", "the extension is no object"))
}

fn assign(place: &mut Resource, name: &str, value: Option<Json>) {
    match value {
        Some(value) => drop(place.insert(name.to_owned(), value)),
        None => drop(place.remove(name)),
    }
}

fn append(place: &mut Resource, attribute: &Attribute, value: &Json) -> Outcome<()> {
    let Some(Json::Array(new)) = attribute.value(value)? else { return Ok(()) };
    let old = place.entry(&attribute.name).or_insert_with(|| Json::Array(Vec::new()));
    let Json::Array(old) = old else { return Ok(()) };
    for item in new {
        let same = |known: &&mut Json| match (known.get("value"), item.get("value")) {
            (Some(a), Some(b)) => a == b && known.get("type") == item.get("type"),
            _ => **known == item,
        };
        if old.iter_mut().find(same).is_none() {
            old.push(item);
        }
    }
    Ok(())
}

fn merge_complex(place: &mut Resource, attribute: &Attribute, value: &Json) -> Outcome<()> {
    let (old, new) = (place.get(&attribute.name).cloned(), attribute.value(value)?);
    let merged = match (old, new) {
        (Some(Json::Object(mut old)), Some(Json::Object(new))) => {
            old.extend(new);
            Some(Json::Object(old))
        }
        (_, new) => new,
    };
    assign(place, &attribute.name, merged);
    Ok(())
}

fn set_sub(place: &mut Resource, attribute: &Attribute, sub: &str, value: &Json) -> Outcome<()> {
    let Some(sub) = attribute.sub(sub) else { return Ok(()) };
    let value = sub.value(value)?;
    let empty =
        || if attribute.multi_valued { Json::Array(Vec::new()) } else { Json::Object(Map::new()) };
    match place.entry(&attribute.name).or_insert_with(empty) {
        Json::Object(inner) => assign(inner, &sub.name, value),
        Json::Array(items) => {
            let items = items.iter_mut().filter_map(Json::as_object_mut);
            items.for_each(|item| assign(item, &sub.name, value.clone()));
        }
        _ => {}
    }
    Ok(())
}

fn set_some(
    kind: Kind,
    place: &mut Resource,
    attribute: &Attribute,
    path: &Path,
    value: &Json,
    op: &str,
) -> Outcome<()> {
    let Some(filter) = &path.filter else { return Ok(()) };
    let items = place.get_mut(&attribute.name).and_then(Json::as_array_mut);
    let met = items.into_iter().flatten().filter(|item| filter.holds(kind, Some(attribute), item));
    let mut count = 0;
    for item in met {
        count += 1;
        let Json::Object(members) = item else { continue };
        match path.sub.as_ref().and_then(|sub| attribute.sub(sub)) {
            Some(sub) => assign(members, &sub.name, sub.value(value)?),
            None => {
                if let Some(Json::Object(new)) = attribute.single(value)? {
                    members.extend(new);
                }
            }
        }
    }
    match count {
        0 if op == "replace" => Err(Refused::bad("noTarget", "no value meets the filter")),
        0 => Err(Refused::bad("noTarget", "no value meets the filter, and none can be made of it")),
        _ => Ok(()),
    }
}

/// Nothing unassigned is kept.
fn tidy(resource: &mut Resource) {
    resource.retain(|_, value| match value {
        Json::Array(items) => {
            items.retain(|item| item.as_object().is_none_or(|members| !members.is_empty()));
            !items.is_empty()
        }
        Json::Object(members) => {
            members.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
            !members.is_empty()
        }
        _ => true,
    });
}
