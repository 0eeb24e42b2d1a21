//! An HTML page, written so that text can never be taken for markup.

/// The most characters of a value that a page shows.
const LONGEST: usize = 600;

/// Nothing is loaded from anywhere, whatever a value says.
const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>";

/// A page while it is written.
pub(super) struct Page(String);

impl Page {
    pub(super) fn new(title: &str) -> Self {
        let mut page = Self(HEAD.to_owned());
        page.text(title)
            .raw("</title><style>")
            .raw(include_str!("page.css"))
            .raw("</style></head><body><main>");
        page
    }

    pub(super) fn finish(mut self) -> String {
        self.raw("</main><script>").raw(include_str!("page.js")).raw("</script></body></html>\n");
        self.0
    }

    /// Appends markup; never a value.
    pub(super) fn raw(&mut self, markup: &str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Appends text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\t' | '\n' => self.0.push(c),
                // Controls are no HTML.
                c if c.is_control() => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self
    }

    /// Appends a record's value, so that null, empty and blank ones can be told apart, and its
    /// writing direction does not change what stands beside it.
    pub(super) fn value(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            None => self.raw("<span class=\"null\">null</span>"),
            Some("") => self.raw("<span class=\"null\">empty</span>"),
            Some(value) => {
                let length = value.chars().count();
                let start: String = value.chars().take(LONGEST).collect();
                self.raw("<bdi>").text(&start).raw("</bdi>");
                if length > LONGEST {
                    let rest = format!(" … {} more characters", grouped((length - LONGEST) as u64));
                    self.raw("<span class=\"null\">").text(&rest).raw("</span>");
                }
                self
            }
        }
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
