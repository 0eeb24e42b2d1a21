import Foundation
import TrueUpNative

/// What two snapshots agree and disagree on; made by ``reconcile(_:_:key:name:compare:fields:alternateKeys:mapping:tenant:resource:base:threads:progress:)``.
public final class Report: Sendable, CustomStringConvertible {
    let native: TrueUpNative.Report
    private let facts: Facts

    private struct Facts: Decodable {
        let name: String
        let tenant: String
        let resource: String
        let key: [String]
        let counts: Counts
        let countsByField: [String: Int]
        let converged: Bool
        let rulesDigest: String
        let text: String

        enum CodingKeys: String, CodingKey {
            case name, tenant, resource, key, counts, converged, text
            case countsByField = "counts_by_field"
            case rulesDigest = "rules_digest"
        }
    }

    init(_ native: TrueUpNative.Report) throws {
        self.native = native
        facts = try readJSON(native.facts(), as: Facts.self)
        findings = Findings(
            table: Table { try await work { try await native.findings(call: $0) } }, keys: facts.key.count)
    }

    /// Loads a saved report, and holds it to its digest.
    public static func load(_ path: String, progress: ProgressStream? = nil) async throws -> Report {
        try Report(await work(progress) { try await loadReport(path: path, call: $0) })
    }

    /// The findings. A `changed` or `conflict` key has one a differing field, every other disagreement has one.
    public let findings: Findings

    /// The name of the reconciliation.
    public var name: String { facts.name }
    /// Whose data was compared.
    public var tenant: String { facts.tenant }
    /// The resource that was compared.
    public var resource: String { facts.resource }
    /// The key fields.
    public var key: [String] { facts.key }
    /// How many keys there are of each kind.
    public var counts: Counts { facts.counts }
    /// How many cells differ, by field; fields without a difference are not in it.
    public var countsByField: [String: Int] { facts.countsByField }
    /// Whether both sides agree, as far as can be told: nothing but matched keys.
    public var converged: Bool { facts.converged }
    /// The digest of the rules the comparison went by.
    public var rulesDigest: String { facts.rulesDigest }
    /// The counts in words.
    public var description: String { name.isEmpty ? facts.text : "\(name): \(facts.text)" }

    /// The digest over name, rules, coverage, counts and findings: the same on any machine, in any language.
    public func digest(progress: ProgressStream? = nil) async throws -> String {
        try await work(progress) { try await native.digest(call: $0) }
    }

    /// Every finding's id, and the digest of its state.
    public func states(progress: ProgressStream? = nil) async throws -> [String: String] {
        try readJSON(await work(progress) { try await native.states(call: $0) })
    }

    /// One finding in words: the rule, the two values, and what would make both sides agree.
    public func explain(_ findingID: String, progress: ProgressStream? = nil) async throws -> Explanation {
        try readJSON(await work(progress) { try await native.explain(finding: findingID, call: $0) })
    }

    /// The rows of a `duplicate` or `ambiguous` finding: finding_id, side, occurrence, then the fields.
    public func members(of findingID: String) -> Table {
        Table { [native] in try await work { try await native.members(finding: findingID, call: $0) } }
    }

    /// The expected side's rows of the keys that matched; secrets are masked.
    public var matched: Table {
        Table { [native] in try await work { try await native.matched(call: $0) } }
    }

    /// Where both sides came from, with their content roots, which are computed now: a hash a record.
    public func inputs(progress: ProgressStream? = nil) async throws -> Inputs {
        try readJSON(await work(progress) { try await native.inputs(call: $0) })
    }

    /// The base for the next three-way comparison: what both sides last agreed on.
    public func advance(base: (any RecordSource)? = nil, progress: ProgressStream? = nil) async throws -> Snapshot {
        let base = try base?.records().native
        return try Snapshot(await work(progress) { try await native.advance(base: base, call: $0) })
    }

    /// The changes that would make both sides agree.
    public func plan(_ planner: Planner = Planner(), progress: ProgressStream? = nil) async throws -> Plan {
        try await planner.plan(self, progress: progress)
    }

    /// Saves the report as one Parquet file that any tool can read; ``load(_:progress:)`` takes it back.
    public func save(_ path: String, progress: ProgressStream? = nil) async throws {
        try await work(progress) { try await native.save(path: path, call: $0) }
    }

    /// The report as one page that loads nothing from anywhere.
    public func html(progress: ProgressStream? = nil) async throws -> String {
        try await work(progress) { try await native.html(call: $0) }
    }

    /// Writes the page of ``html(progress:)``.
    public func toHTML(_ path: String, progress: ProgressStream? = nil) async throws {
        try await work(progress) { try await native.toHtml(path: path, call: $0) }
    }

    /// Writes the findings as CSV.
    public func toCSV(_ path: String, progress: ProgressStream? = nil) async throws {
        try await work(progress) { try await native.toCsv(path: path, call: $0) }
    }
}

/// How many keys there are of each kind; they sum to the distinct keys (`unkeyed` counts rows).
public struct Counts: Hashable, Sendable, Codable {
    public let matched: Int
    public let missing: Int
    public let unexpected: Int
    public let changed: Int
    public let duplicate: Int
    public let ambiguous: Int
    public let conflict: Int
    public let uncovered: Int
    public let unkeyed: Int
    /// Of the changed keys, those that are one record under two keys.
    public let renamed: Int
}

/// One finding in words.
public struct Explanation: Hashable, Sendable, Decodable, Identifiable, CustomStringConvertible {
    public let id: String
    public let kind: Finding.Kind
    public let cause: String?
    public let key: [String: String?]
    public let field: String?
    public let rule: String?
    public let expected: String?
    public let actual: String?
    /// What the expected value was compared as, where the rule changed it.
    public let expectedAs: String?
    /// What the actual value was compared as, where the rule changed it.
    public let actualAs: String?
    /// The rows of a finding about several.
    public let rows: [SideRow]
    /// What would make both sides agree.
    public let remedy: String
    /// All of it, in a few lines.
    public let description: String

    /// A row of a side, shown as text.
    public struct SideRow: Hashable, Sendable, Decodable {
        public let side: Side
        public let row: [String: String?]
    }

    enum CodingKeys: String, CodingKey {
        case id, kind, cause, key, field, rule, expected, actual, rows, remedy
        case expectedAs = "expected_as"
        case actualAs = "actual_as"
        case description = "text"
    }
}

/// Where the records of both sides came from.
public struct Inputs: Hashable, Sendable, Decodable {
    public let expected: Input
    public let actual: Input

    /// Where the records of one side came from.
    public struct Input: Hashable, Sendable, Decodable {
        public let provenance: Provenance
        public let consistency: Consistency
        public let rows: Int
        public let contentRoot: String

        enum CodingKeys: String, CodingKey {
            case provenance, consistency, rows
            case contentRoot = "content_root"
        }
    }
}
