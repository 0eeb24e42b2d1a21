import Foundation
import TrueUp

/// One scenario, as `tests/scenarios/README.md` says.
struct Scenario {
    let json: JSON

    /// What running it gave.
    struct Outcome {
        let report: Report
        let expectedRoot: String
        let actualRoot: String
    }

    init(_ json: JSON) {
        self.json = json
    }

    /// The report's digest, and what differs from what must come out.
    func checked() async throws -> (digest: String?, why: [String]) {
        let outcome = try await run()
        return (try await outcome.report.digest(), try await differences(outcome))
    }

    func run() async throws -> Outcome {
        let reconciliation = try Reconciliation(json: try text(document))
        let (expected, actual) = (try await snapshot(.expected), try await snapshot(.actual))
        var base: Snapshot?
        if let records = json["base"] { base = try await taken(records) }
        let report = try await reconciliation.run(expected, actual, base: base)
        return Outcome(
            report: report, expectedRoot: try await expected.contentRoot(key: systemKey(.expected)),
            actualRoot: try await actual.contentRoot(key: systemKey(.actual)))
    }

    /// What differs from what must come out.
    func differences(_ outcome: Outcome) async throws -> [String] {
        let want = json["want"] ?? .null
        if let error = want["error"] { return ["no error, but \(error) is wanted"] }
        let got = try await said(outcome)
        let wanted = wanted(want)
        let wrong = got.keys.sorted().filter { got[$0] != wanted[$0] }
        return wrong.map { "\($0): \(show(got[$0])) instead of \(show(wanted[$0]))" }
            + (try await planDifferences(outcome.report))
    }

    private var document: JSON {
        guard case .object(var members) = json["reconciliation"] else { return .null }
        members["mapping"] = json["mapping"]
        return .object(members)
    }

    /// A side's records; what is wrong with them says which side it is.
    private func snapshot(_ side: Side) async throws -> Snapshot {
        do {
            let read = json["plan"]?["\(side.rawValue)_read"] ?? ""
            return try await taken(json[side.rawValue] ?? .null).with(provenance: ["read_id": read])
        } catch let error as TrueUpError {
            throw TrueUpError(error.kind, "\(error.message) (side: \(side.rawValue))")
        }
    }

    private func taken(_ records: JSON) async throws -> Snapshot {
        let fields: [Field] = try read(records["fields"] ?? [])
        let rows = (records["rows"]?.array ?? []).map { ($0.array ?? []).map(cell) }
        let coverage: Coverage? = try records["coverage"].map { try read($0) }
        return try await Snapshot.of(try Records.rows(rows, schema: fields), coverage: coverage)
    }

    private func systemKey(_ side: Side) -> Names {
        let names = json["mapping"]?[side.rawValue]?["fields"]
        let key = (json["reconciliation"]?["key"]?.array ?? []).compactMap(\.string)
        return Names(key.map { names?[$0]?.string ?? $0 })
    }

    private func said(_ outcome: Outcome) async throws -> [String: JSON] {
        let report = outcome.report
        let states = try await report.states()
        let findings = try await report.findings.all().map { finding($0, states[$0.id], isThreeWay: json["base"] != nil) }
        guard case .object(var counts) = try plain(report.counts) else { return [:] }
        let renamed = counts.removeValue(forKey: "renamed")
        return [
            "counts": .object(counts), "renamed": renamed ?? 0, "counts_by_field": try plain(report.countsByField),
            "rules_digest": .string(report.rulesDigest), "digest": .string(try await report.digest()),
            "expected_root": .string(outcome.expectedRoot), "actual_root": .string(outcome.actualRoot),
            "findings": .array(findings),
        ]
    }

    /// What must come out, with what may be left out.
    private func wanted(_ want: JSON) -> [String: JSON] {
        guard case .object(var members) = want else { return [:] }
        members["renamed"] = want["renamed"] ?? 0
        // The key is covered by the finding's id.
        members["findings"] = .array(
            (want["findings"]?.array ?? []).map { finding in
                guard case .object(var members) = finding else { return finding }
                members["key"] = nil
                return .object(members)
            })
        return members
    }

    private func planDifferences(_ report: Report) async throws -> [String] {
        guard let want = json["plan"] else { return [] }
        let plan = try await report.plan()
        let got = plan.changes.map { [.string($0.target.rawValue), .string($0.operation), .int(Int64($0.wave))] as [JSON] }
        let wanted = (want["changes"]?.array ?? []).map { [$0["target"], $0["op"], $0["wave"]].map { $0 ?? .null } }
        let wrong = got == wanted ? [] : ["changes: \(got) instead of \(wanted)"]
        return plan.digest == want["digest"]?.string ? wrong : wrong + ["digest of the plan: \(plan.digest)"]
    }
}

/// A finding as scenarios have it, but for the key.
private func finding(_ finding: Finding, _ state: String?, isThreeWay: Bool) -> JSON {
    var members: [String: JSON] = [
        "id": .string(finding.id), "kind": .string(finding.kind.rawValue), "field": optional(finding.field),
        "expected": optional(finding.expected), "actual": optional(finding.actual), "state": optional(state),
    ]
    if isThreeWay { members["cause"] = optional(finding.cause) }
    return .object(members)
}

/// A cell as scenarios write it: lists and structs may stand as they are.
func cell(_ json: JSON) -> Value {
    if let value = Value(json: json) { return value }
    switch json {
    case .array(let items): return .list(items.map(cell))
    case .object(let members): return .record(members.mapValues(cell))
    default: return .null
    }
}

private func optional(_ text: String?) -> JSON { text.map(JSON.string) ?? .null }

func show(_ json: JSON?) -> String { (try? json.map(text)) ?? "nothing" }

func text(_ json: JSON) throws -> String {
    String(decoding: try JSONEncoder().encode(json), as: UTF8.self)
}

func plain(_ data: some Encodable) throws -> JSON {
    try JSONDecoder().decode(JSON.self, from: JSONEncoder().encode(data))
}

func read<T: Decodable>(_ json: JSON) throws -> T {
    try JSONDecoder().decode(T.self, from: JSONEncoder().encode(json))
}
