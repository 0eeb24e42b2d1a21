//! Canonical JSON: RFC 8785 for what has no fractions in it.

use serde_json::Value as Json;

/// The bytes that any writer of RFC 8785 gives for this value.
///
/// Numbers must be integers that a double holds; everything else that is a number is text by then.
pub(crate) fn canonical_json(json: &Json) -> Vec<u8> {
    let mut text = String::new();
    write(&mut text, json);
    text.into_bytes()
}

fn write(out: &mut String, json: &Json) {
    match json {
        Json::Array(items) => sequence(out, '[', ']', items, write),
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            sequence(out, '{', '}', &members, |out, (name, value)| {
                out.push_str(&Json::from(name.as_str()).to_string());
                out.push(':');
                write(out, value);
            });
        }
        // The escapes of serde_json in texts are those of RFC 8785.
        plain => out.push_str(&plain.to_string()),
    }
}

fn sequence<T>(
    out: &mut String,
    open: char,
    close: char,
    items: &[T],
    mut each: impl FnMut(&mut String, &T),
) {
    out.push(open);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        each(out, item);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_sorted_by_utf16_and_texts_escaped() {
        let json = serde_json::json!({"～": 1, "😀": [null, true], "a": "\u{1f}\n\"\\é\u{7f}"});
        let want = "{\"a\":\"\\u001f\\n\\\"\\\\é\u{7f}\",\"😀\":[null,true],\"～\":1}";
        assert_eq!(String::from_utf8(canonical_json(&json)).unwrap(), want);
    }
}
