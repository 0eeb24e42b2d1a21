import Foundation
import Testing
import TrueUp

@Suite struct ReportTests {
    @Test func countsAndFindings() async throws {
        let report = try await sites()
        #expect(report.counts.matched == 1 && report.counts.changed == 1 && report.counts.missing == 1)
        #expect(report.countsByField == ["site": 1] && !report.converged && report.key == ["id"])
        #expect("\(report)" == "sites: matched 1, missing 1, unexpected 1, changed 1")
        let findings = try await report.findings.all()
        #expect(findings.map(\.kind) == [.changed, .missing, .unexpected])
        let changed = findings[0]
        #expect((changed.key, changed.field, changed.expected, changed.actual) == (["id": 1], "site", "Bern", "Berne"))
        var count = 0
        for try await finding in report.findings { count += finding.id.count == 32 ? 1 : 0 }
        #expect(count == 3)
        #expect(try await report.findings.count() == 3)
        #expect(try await report.findings.head(1) == [changed])
        let table = try await Snapshot.of(try await report.findings.ipc())
        #expect(table.fields.map(\.name) == ["finding_id", "kind", "id", "field", "expected", "actual"])
    }

    @Test func inWords() async throws {
        let report = try await sites()
        let finding = try await report.findings.head(1)[0]
        let said = try await report.explain(finding.id)
        #expect(said.remedy == "set `site` to `Bern` on the actual side" && said.key == ["id": "1"])
        try await fails(.notFound) { _ = try await report.explain(String(repeating: "0", count: 32)) }
        try await fails(.invalid) { _ = try await report.explain("x") }
        #expect(try await report.html().contains("<html"))
        #expect(try await report.states().count == 3)
        #expect(try await report.matched.rows() == [expected[2]])
        #expect(try await report.inputs().expected.rows == 3)
    }

    @Test func savedAndLoaded() async throws {
        let report = try await sites()
        try await inFolder { folder in
            try await report.save("\(folder)/r.parquet")
            let loaded = try await Report.load("\(folder)/r.parquet")
            #expect(try await loaded.digest() == report.digest())
            #expect(loaded.rulesDigest == report.rulesDigest)
            try await report.toHTML("\(folder)/r.html")
            try await report.toCSV("\(folder)/r.csv")
            #expect(try await Snapshot.of("\(folder)/r.csv").count == 3)
            try await fails(.notFound) { _ = try await Report.load("\(folder)/none.parquet") }
        }
    }

    @Test func rules() async throws {
        let (wish, state): ([Row], [Row]) = (
            [["id": 1, "name": " ADA ", "role": nil, "at": .instant("2026-01-31T09:00:00Z"), "tags": ["a", "b"]]],
            [["id": 1, "name": "ada", "role": "none", "at": .instant("2026-01-31T09:01:00Z"), "tags": ["b", "a"]]]
        )
        let rules: [String: Rule] = [
            "name": .text(case: .ignore, space: .trim), "role": .defaultValue("none"),
            "at": .timeTolerance(.seconds(90)), "tags": .set.and(.owner(.actual)),
        ]
        let report = try await reconcile(wish, state, key: "id", compare: rules)
        #expect(report.converged, "\(report)")
        #expect(!(try await reconcile(wish, state, key: "id").converged))
        let aliased = try await reconcile(
            [["id": 1, "os": "w"]] as [Row], [["id": 1, "os": "windows"]] as [Row], key: "id",
            compare: ["os": .alias(["w": "windows"])])
        #expect(aliased.converged)
        let error = try await fails(.invalid) { _ = try await sites(compare: ["gbi": .ignore]) }
        #expect(error.message == "unknown field `gbi`; did you mean `gib`?")
    }

    @Test func documents() async throws {
        let reconciliation = try Reconciliation(
            key: ["id"], name: "fleet", compare: ["gib": .tolerance(relative: "0.05")], fields: .common,
            mapping: Mapping(actual: .init(fields: ["site": "location"])))
        let again = try Reconciliation(json: reconciliation.json)
        #expect(again.json == reconciliation.json)
        let state: [Row] = [["id": 1, "location": "Bern", "gib": 99]]
        #expect(try await again.run([expected[0]], state).converged)
        try await fails(.invalid) { _ = try Reconciliation(json: #"{"key": ["id"], "feilds": "all"}"#) }
        try await fails(.invalid) { _ = try await again.run(expected, state, threads: 0) }
        let error = try await fails(.incompatible) { _ = try await reconcile(expected, state, key: "id") }
        #expect(error.message.contains("location"), "\(error)")
    }

    @Test func threeWay() async throws {
        let base = try await reconcile(expected, expected, key: "id").advance()
        let report = try await reconcile(expected, actual, key: "id", base: base)
        let changed = try await report.findings.all().first { $0.field == "site" }
        #expect(changed?.cause == "actual_changed")
    }

    @Test func drifting() async throws {
        let before = try await sites()
        let fixed: [Row] = [expected[0], actual[1], actual[2]]
        let rules: [String: Rule] = ["gib": .tolerance(absolute: 4)]
        let after = try await reconcile(expected, fixed, key: "id", name: "sites", compare: rules)
        let drift = try await drift(from: before, to: after)
        #expect(drift.counts.resolved == 1 && drift.counts.unchanged == 2 && !drift.isEmpty, "\(drift)")
        #expect(!drift.rulesChanged && !drift.coverageChanged)
        #expect(try await drift.resolved.rows()[0]["field"] == "site")
        #expect(try await drift.opened.count() == 0)
        #expect(drift.unchangedIDs.count == 2)
        let ruled = try await TrueUp.drift(from: before, to: sites(compare: ["gib": .ignore]))
        #expect(ruled.rulesChanged)
    }

    @Test func incremental() async throws {
        let index = try await Reconciliation(key: "id", name: "sites").index(expected, actual)
        try await index.change(.actual, [["id": 1, "site": "Bern", "gib": 100]] as [Row])
        #expect(try await index.remove(.actual, keys: [["id": 3]] as [Row]) == 1)
        let report = try await index.report()
        let state: [Row] = [expected[0], actual[2]]
        let fresh = try await Reconciliation(key: "id", name: "sites").run(expected, state)
        #expect(report.counts == fresh.counts)
        #expect(try await report.digest() == fresh.digest())
    }
}
