//! A report as one HTML file that needs nothing else.

use arrow_array::RecordBatch;
use trueup_connector::{Column, Result, hex};

use super::Report;
use super::explain::shown;
use super::page::{Page, grouped};

/// How many findings a page shows.
const MOST: usize = 1000;

impl Report {
    /// The report as one self-contained HTML page: counts, fields, findings, inputs, rules, digest.
    ///
    /// It loads nothing, shows the first 1,000 findings (and says so where there are more), can be
    /// printed, and follows the reader's choice of light or dark. Values of records are escaped.
    ///
    /// # Errors
    /// `data` where a value cannot be shown or normalised under its rule.
    ///
    /// ```
    /// # use trueup::*;
    /// # use std::num::NonZero;
    /// # let rows = |json: &str| Snapshot::from_json(&serde_json::from_str::<Vec<_>>(json).unwrap());
    /// let wish = rows(r#"[{"id": 7, "os": "<b>14"}]"#)?;
    /// let state = rows(r#"[{"id": 7, "os": "13"}]"#)?;
    /// let run = Run::new(NonZero::<usize>::MIN, [1, 2, 3, 4]);
    /// let report = Reconciliation::new("fleet").with_key(["id"]).compare(&run, &wish, &state)?;
    /// assert!(report.html()?.contains("&lt;b&gt;14"));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn html(&self) -> Result<String> {
        let mut page = Page::new(self.name());
        self.title(&mut page);
        self.count_section(&mut page);
        page.raw("<div class=\"pair\">");
        self.field_section(&mut page);
        self.input_section(&mut page);
        page.raw("</div>");
        self.finding_section(&mut page)?;
        self.rule_section(&mut page);
        page.raw("<footer>Report digest <code>")
            .text(&hex(&self.digest()?))
            .raw("</code><br>Rules digest <code>");
        page.text(self.rules_digest()).raw("</code></footer>");
        Ok(page.finish())
    }

    fn title(&self, page: &mut Page) {
        let about = [("tenant", self.tenant()), ("resource", self.resource())];
        let about = about.iter().filter(|(_, value)| !value.is_empty());
        let about: Vec<String> = about.map(|(name, value)| format!("{name} {value}")).collect();
        page.raw("<header><div><p class=\"kicker\">Reconciliation report</p><h1>")
            .text(self.name())
            .raw("</h1>");
        page.raw("<p class=\"about\">").text(&about.join(" · ")).raw("</p></div>");
        let class = if self.converged() { "good" } else { "bad" };
        page.raw("<div class=\"verdict ").raw(class).raw("\">").text(&self.verdict());
        page.raw("</div></header>");
    }

    fn verdict(&self) -> String {
        let counts = self.counts();
        let differ = counts.keys() - counts.matched - counts.uncovered;
        match (differ, counts.uncovered, counts.unkeyed) {
            (0, 0, 0) => "Both sides agree".to_owned(),
            (0, 0, rows) => format!("{} rows have no key", grouped(rows)),
            (0, keys, _) => format!("{} keys cannot be told", grouped(keys)),
            _ => format!("{} of {} keys do not agree", grouped(differ), grouped(counts.keys())),
        }
    }

    fn count_section(&self, page: &mut Page) {
        let keys = self.counts().keys().max(1);
        let named = self.counts().named();
        page.raw("<section><h2>Keys</h2><div class=\"stack\">");
        for (name, count) in named.iter().filter(|(name, count)| *count > 0 && *name != "unkeyed") {
            let share = format!("flex:{count};background:var(--{name})");
            page.raw("<div title=\"")
                .text(&format!("{name} {}", grouped(*count)))
                .raw("\" style=\"")
                .text(&share)
                .raw("\"></div>");
        }
        page.raw("</div><div class=\"tiles\">");
        for (name, count) in named.iter().filter(|(name, count)| *count > 0 || *name == "matched") {
            let share = if *name == "unkeyed" { "rows".to_owned() } else { share(*count, keys) };
            page.raw("<div class=\"tile\"><strong>")
                .text(&grouped(*count))
                .raw("</strong><span><i style=\"background:var(--")
                .raw(name);
            page.raw(")\"></i>").raw(name).text(&format!(" · {share}")).raw("</span></div>");
        }
        page.raw("</div>");
        if self.counts().renamed > 0 {
            let renamed = grouped(self.counts().renamed);
            page.raw("<p class=\"note\" style=\"margin:14px 0 0\">")
                .text(&renamed)
                .raw(" of the changed keys are one record under two keys.</p>");
        }
        page.raw("</section>");
    }

    fn field_section(&self, page: &mut Page) {
        page.raw("<section><h2>Differences by field</h2>");
        let mut fields: Vec<_> = self.counts_by_field().iter().collect();
        fields.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let most = fields.first().map_or(1, |(_, count)| **count);
        if fields.is_empty() {
            page.raw("<p class=\"note\">No field differs.</p>");
        }
        page.raw("<div class=\"bars\">");
        for (field, count) in fields {
            let width = format!(
                "width:{:.1}%;background:var(--changed)",
                100.0 * *count as f64 / most as f64
            );
            page.raw("<div class=\"name\">")
                .text(field)
                .raw("</div><div class=\"bar\"><div style=\"")
                .raw(&width);
            page.raw("\"></div></div><div class=\"number\">").text(&grouped(*count)).raw("</div>");
        }
        page.raw("</div></section>");
    }

    fn input_section(&self, page: &mut Page) {
        page.raw(
            "<section><h2>Inputs</h2><table><tr><th></th><th>Expected</th><th>Actual</th></tr>",
        );
        let [expected, actual] = self.facts().sides;
        let [e, a] = [&expected.provenance, &actual.provenance];
        let read_at = |at: &Option<String>| at.clone().unwrap_or_default();
        let coverage = |json: &serde_json::Value| {
            json.as_str().map_or_else(|| json.to_string(), str::to_owned)
        };
        let [covers_e, covers_a] = &self.head().coverage;
        for (name, e, a) in [
            ("System", e.system.clone(), a.system.clone()),
            ("Resource", e.resource.clone(), a.resource.clone()),
            ("Read", e.read_id.clone(), a.read_id.clone()),
            ("Read at", read_at(&e.read_at), read_at(&a.read_at)),
            ("Made by", read_at(&e.derived_by), read_at(&a.derived_by)),
            ("Rows", grouped(expected.rows), grouped(actual.rows)),
            ("Covers", coverage(covers_e), coverage(covers_a)),
        ] {
            if !(e.is_empty() && a.is_empty()) {
                page.raw("<tr><td class=\"dim\">")
                    .raw(name)
                    .raw("</td><td>")
                    .value(Some(&e))
                    .raw("</td><td>")
                    .value(Some(&a))
                    .raw("</td></tr>");
            }
        }
        page.raw("</table></section>");
    }

    fn finding_section(&self, page: &mut Page) -> Result<()> {
        page.raw("<section><h2>Findings</h2>");
        let (all, some) = (self.len(), self.len().min(MOST));
        match (all, some) {
            (0, _) => page.raw("<p class=\"note\">None.</p></section>"),
            (all, some) if some < all => page
                .raw("<p class=\"note\">The first ")
                .text(&grouped(some as u64))
                .raw(" of ")
                .text(&grouped(all as u64))
                .raw("; the saved report and its CSV have all.</p>"),
            (all, _) => page.raw("<p class=\"note\">All ").text(&grouped(all as u64)).raw(".</p>"),
        };
        if all == 0 {
            return Ok(());
        }
        let batch = self.findings_between(0, some)?;
        let columns = batch.columns().iter().map(Column::new).collect::<Result<Vec<_>>>()?;
        self.filters(page, &batch, &columns);
        page.raw("<div class=\"wide\"><table id=\"findings\"><thead><tr>");
        for field in batch.schema().fields().iter().skip(1) {
            page.raw("<th>").text(field.name()).raw("</th>");
        }
        page.raw("</tr></thead><tbody>");
        for row in 0..batch.num_rows() {
            finding(page, &batch, &columns, row);
        }
        page.raw("</tbody></table></div></section>");
        Ok(())
    }

    fn filters(&self, page: &mut Page, batch: &RecordBatch, columns: &[Column]) {
        page.raw("<div class=\"filters\"><input id=\"text\" type=\"search\" placeholder=\"Filter by text\" aria-label=\"Filter by text\">");
        for (id, name, prefix) in [("kind", "kind", ""), ("field", "field", "=")] {
            let column = batch.schema().index_of(name).ok().and_then(|place| columns.get(place));
            let words = column.map(|column| (0..column.len()).filter_map(|row| shown(column, row)));
            let mut words: Vec<String> = words.into_iter().flatten().collect();
            words.sort();
            words.dedup();
            page.raw("<select id=\"")
                .raw(id)
                .raw("\" aria-label=\"")
                .raw(name)
                .raw("\"><option value=\"\">Every ")
                .raw(name)
                .raw("</option>");
            for word in words {
                page.raw("<option value=\"")
                    .raw(prefix)
                    .text(&word)
                    .raw("\">")
                    .text(&word)
                    .raw("</option>");
            }
            page.raw("</select>");
        }
        page.raw("<span id=\"shown\" class=\"dim\"></span></div>");
    }

    fn rule_section(&self, page: &mut Page) {
        page.raw("<section><h2>Rules</h2><table><tr><th>Field</th><th>Part</th><th>Rule</th></tr>");
        for words in self.facts().rules {
            page.raw("<tr><td>")
                .value(Some(&words.field))
                .raw("</td><td class=\"dim\">")
                .text(&words.part);
            page.raw("</td><td>").value(Some(&words.rule)).raw("</td></tr>");
        }
        page.raw("</table></section>");
    }
}

fn finding(page: &mut Page, batch: &RecordBatch, columns: &[Column], row: usize) {
    let schema = batch.schema();
    let cell = |name: &str| shown(columns.get(schema.index_of(name).ok()?)?, row);
    let (id, kind) = (cell("finding_id").unwrap_or_default(), cell("kind").unwrap_or_default());
    page.raw("<tr title=\"").text(&id).raw("\" data-kind=\"").text(&kind).raw("\" data-field=\"");
    page.text(&cell("field").unwrap_or_default()).raw("\">");
    for (field, column) in schema.fields().iter().zip(columns).skip(1) {
        let class = if field.name() == "field" { "<td class=\"word\">" } else { "<td>" };
        page.raw(class);
        match (field.name().as_str(), shown(column, row)) {
            ("kind", _) => page
                .raw("<span class=\"pill\"><i class=\"dot\" style=\"background:var(--")
                .text(&kind)
                .raw(")\"></i>")
                .text(&kind)
                .raw("</span>"),
            ("field" | "cause", None) => page,
            ("expected" | "actual", None) if cell("field").is_none() => page,
            (_, value) => page.value(value.as_deref()),
        };
        page.raw("</td>");
    }
    page.raw("</tr>");
}

fn share(count: u64, keys: u64) -> String {
    let share = 100.0 * count as f64 / keys as f64;
    match (count, keys - count.min(keys)) {
        (0, _) => "0%".to_owned(),
        (_, 0) => "100%".to_owned(),
        _ if share < 0.1 => "under 0.1%".to_owned(),
        _ if share > 99.9 => "over 99.9%".to_owned(),
        _ => format!("{share:.1}%"),
    }
}
