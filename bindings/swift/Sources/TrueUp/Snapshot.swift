import Foundation
import TrueUpNative

/// An immutable set of records of one resource, with where they come from and what they cover.
///
/// Wherever records are taken, a snapshot may be given; one is needed only to say more than the records do.
public final class Snapshot: RecordConvertible, Sendable {
    let native: TrueUpNative.Snapshot

    /// The fields: name, type, role and facts of each.
    public let fields: [Field]
    /// What it covers.
    public let coverage: Coverage
    /// Where it comes from.
    public let provenance: Provenance
    /// Whether it was taken at one moment.
    public let consistency: Consistency

    private struct Facts: Decodable {
        let fields: [Field]
        let coverage: Coverage
        let provenance: Provenance
        let consistency: Consistency
    }

    init(_ native: TrueUpNative.Snapshot) throws {
        let facts = try readJSON(native.facts(), as: Facts.self)
        self.native = native
        (fields, coverage) = (facts.fields, facts.coverage)
        (provenance, consistency) = (facts.provenance, facts.consistency)
    }

    /// Takes records over.
    public static func of(
        _ records: some RecordSource, coverage: Coverage? = nil, provenance: Provenance? = nil,
        consistency: Consistency? = nil, progress: ProgressStream? = nil
    ) async throws -> Snapshot {
        let given = try records.records().native
        let facts = try said(coverage, provenance, consistency)
        return try Snapshot(
            await work(progress) { try await makeSnapshot(records: given, facts: facts, call: $0) })
    }

    /// Loads what ``save(_:progress:)`` saved, or any Parquet file as a complete snapshot.
    public static func load(_ path: String, progress: ProgressStream? = nil) async throws -> Snapshot {
        try Snapshot(await work(progress) { try await loadSnapshot(path: path, call: $0) })
    }

    /// Saves it as a Parquet file that any tool can read, with provenance and coverage; secret fields too.
    public func save(_ path: String, progress: ProgressStream? = nil) async throws {
        try await work(progress) { try await native.save(path: path, call: $0) }
    }

    /// The same records with other facts; members of the provenance that are not given stay.
    public func with(
        coverage: Coverage? = nil, provenance: Provenance? = nil, consistency: Consistency? = nil
    ) throws -> Snapshot {
        let facts = try Snapshot.said(coverage, provenance, consistency)
        return try Snapshot(guarded { try native.withFacts(facts: facts) })
    }

    /// The same records with other facts of a field.
    public func with(
        field name: String, role: Field.Role? = nil, writable: Bool? = nil, immutable: Bool? = nil,
        secret: Bool? = nil
    ) throws -> Snapshot {
        var facts: [String: JSON] = role.map { ["role": .string($0.rawValue)] } ?? [:]
        for (fact, holds) in [("writable", writable), ("immutable", immutable), ("secret", secret)] {
            facts[fact] = holds.map(JSON.bool)
        }
        let said = try jsonText(facts, "the field's facts")
        return try Snapshot(guarded { try native.withField(name: name, facts: said) })
    }

    /// How many records there are.
    public var count: Int { Int(native.rows()) }

    /// The root of the tree over all records, in hexadecimal digits: it stands for the content.
    public func contentRoot(key: Names, progress: ProgressStream? = nil) async throws -> String {
        try await work(progress) { try await native.contentRoot(key: key.all, call: $0) }
    }

    /// The records as a table.
    public var table: Table {
        Table { [native] in native.table() }
    }

    /// All records.
    public func rows() async throws -> [Row] {
        try await table.rows()
    }

    /// The records as Arrow IPC, of the streaming format.
    public func ipc(progress: ProgressStream? = nil) async throws -> Data {
        try await table.ipc(progress: progress)
    }

    public func records() -> Records {
        Records(native: .snapshot(snapshot: native))
    }

    private static func said(
        _ coverage: Coverage?, _ provenance: Provenance?, _ consistency: Consistency?
    ) throws -> String {
        var facts: [String: JSON] = [:]
        facts["coverage"] = coverage?.json
        facts["provenance"] = provenance.map(JSON.object)
        facts["consistency"] = (consistency?.rawValue).map(JSON.string)
        return try jsonText(facts, "the snapshot's facts")
    }
}

/// Where records come from: `tenant`, `system`, `resource`, `read_id`, …
public typealias Provenance = [String: JSON]

/// Whether a snapshot was taken at one moment.
public enum Consistency: String, Sendable, Codable {
    case snapshot
    case bestEffort = "best_effort"
}

/// What part of a resource a snapshot holds: only there may a missing record be called absent.
public enum Coverage: Hashable, Sendable, Codable {
    case complete
    case partial
    /// The records that a predicate holds for: `["field": "site", "is": "berlin"]` and the like.
    case within(JSON)

    /// Its JSON form.
    public var json: JSON {
        switch self {
        case .complete: "complete"
        case .partial: "partial"
        case .within(let predicate): ["within": predicate]
        }
    }

    public init(from decoder: any Decoder) throws {
        let json = try JSON(from: decoder)
        switch (json, json["within"]) {
        case ("complete", _): self = .complete
        case ("partial", _): self = .partial
        case (_, .some(let predicate)): self = .within(predicate)
        default:
            let said = "a coverage is `complete`, `partial` or {\"within\": …}"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: said))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        try json.encode(to: encoder)
    }
}
