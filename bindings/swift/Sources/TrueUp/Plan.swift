import TrueUpNative

/// How plans are made of findings.
public struct Planner: Hashable, Sendable, Encodable {
    /// The kinds of findings that are settled: `missing`, `unexpected` and `changed` if not given.
    public var kinds: [Finding.Kind]?
    /// Fields whose value is the key of another record, which is made before.
    public var references: [String]
    /// Rising percentages of the records, each a wave or more.
    public var stages: [Int]

    public init(kinds: [Finding.Kind]? = nil, references: [String] = [], stages: [Int] = []) {
        (self.kinds, self.references, self.stages) = (kinds, references, stages)
    }

    /// The changes that would make both sides of a report agree.
    public func plan(_ report: Report, progress: ProgressStream? = nil) async throws -> Plan {
        let settings = try jsonText(self, "the planner's settings")
        return try Plan(await work(progress) { try await makePlan(report: report.native, settings: settings, call: $0) })
    }
}

/// An ordered set of changes with a digest: what people approve and the executor runs, exactly.
public final class Plan: Sendable, CustomStringConvertible {
    let native: TrueUpNative.Plan
    private let facts: Facts
    /// The changes, in the order in which they are made.
    public let changes: [PlannedChange]

    private struct Facts: Decodable {
        let origin: [String: JSON]
        let digest: String
        let waves: Int
        let impacts: [String: JSON]
        let leftOut: [JSON]
        let text: String

        enum CodingKeys: String, CodingKey {
            case origin, digest, waves, impacts, text
            case leftOut = "left_out"
        }
    }

    init(_ native: TrueUpNative.Plan) throws {
        self.native = native
        facts = try readJSON(native.facts(), as: Facts.self)
        changes = try readJSON(native.changes(), as: [PlannedChange].self)
    }

    /// A plan of these changes, proposed rather than found by comparing.
    ///
    /// - Parameters:
    ///   - reading: The provenance of the reading it rests on, with its `read_id`.
    ///   - coveredRows: How many records the systems have, which shares are shares of.
    public static func propose(
        _ name: String, _ changes: [ProposedChange], reading: Provenance, coveredRows: Int = 0
    ) throws -> Plan {
        let (proposed, reading) = (try jsonText(changes, "`changes`"), try jsonText(reading, "`reading`"))
        return try Plan(
            guarded {
                try .propose(name: name, reading: reading, coveredRows: UInt64(max(coveredRows, 0)), changes: proposed)
            })
    }

    /// Reads the JSON form, and holds it to its digest.
    public convenience init(json: String) throws {
        try self.init(guarded { try .fromJson(text: json) })
    }

    /// The plan as JSON. Secret values are not in it; their fields are.
    public var json: String { native.toJson() }
    /// What it was made from: tenant, name, resource, and the systems and readings of both sides.
    public var origin: [String: JSON] { facts.origin }
    /// The digest over origin and changes, in hexadecimal digits.
    public var digest: String { facts.digest }
    /// How many waves it has.
    public var waves: Int { facts.waves }
    /// The findings that it does not settle, and why.
    public var leftOut: [JSON] { facts.leftOut }
    /// The numbers of its changes, in words.
    public var description: String { facts.text }

    /// What it would do to the system on one side, in numbers.
    public func impact(on side: Side) -> JSON { facts.impacts[side.rawValue] ?? .null }

    /// What the system on one side calls the resource.
    public func resource(on side: Side) -> String { (try? native.resource(side: side.rawValue)) ?? "" }

    /// The plan of those changes that `keep` is true for: another plan, with another digest.
    public func narrow(_ keep: (PlannedChange) throws -> Bool) throws -> Plan {
        let kept = try changes.map(keep)
        return try Plan(guarded { try native.narrow(keep: kept) })
    }

    /// The plan of all changes but those at these places: what a decision denies, say.
    public func without(_ places: some Sequence<Int>) throws -> Plan {
        let left = Set(places)
        return try Plan(guarded { try native.narrow(keep: changes.indices.map { !left.contains($0) }) })
    }

    /// The plan that undoes these changes, the last wave first, and the places of those that have no way back.
    public func rollback(_ effects: [Effect], reading: Provenance) throws -> (plan: Plan, irreversible: [Int]) {
        let (took, reading) = (try jsonText(effects, "`effects`"), try jsonText(reading, "`reading`"))
        let undoing = try guarded { try native.rollback(effects: took, reading: reading) }
        return (try Plan(undoing.plan), undoing.irreversible.map(Int.init))
    }
}

/// One write that a plan holds: what is done to which record, and on what it rests. Names and values are canonical; a
/// secret value is not shown (its field is named in `secret`).
public struct PlannedChange: Hashable, Sendable, Decodable, CustomStringConvertible {
    /// The side whose system is written.
    public let target: Side
    /// `create`, `update`, `delete`, or the name of an action.
    public let operation: String
    public let key: Row
    public let id: Value?
    public let version: Value?
    /// The values that must still hold when the change is made.
    public let before: Row
    public let after: Row
    public let secret: [String]
    public let wave: Int
    public let facts: [String: JSON]
    /// The findings that it settles.
    public let findings: [String]
    /// What it does, in words.
    public let description: String

    enum CodingKeys: String, CodingKey {
        case target, operation, key, id, version, before, after, secret, wave, facts, findings
        case description = "text"
    }
}

/// A change that somebody proposes.
public struct ProposedChange: Hashable, Sendable, Encodable {
    public var target: Side
    public var operation: String
    public var key: Row
    public var id: Value?
    public var version: Value?
    public var before: Row
    public var after: Row
    public var secret: [String]
    public var wave: Int
    public var facts: [String: JSON]

    public init(
        target: Side = .actual, operation: String, key: Row, id: Value? = nil, version: Value? = nil, before: Row = [:],
        after: Row = [:], secret: [String] = [], wave: Int = 0, facts: [String: JSON] = [:]
    ) {
        (self.target, self.operation, self.key) = (target, operation, key)
        (self.id, self.version, self.before, self.after) = (id, version, before, after)
        (self.secret, self.wave, self.facts) = (secret, wave, facts)
    }

    /// What can be proposed of a change of a plan.
    public init(_ change: PlannedChange) {
        self.init(
            target: change.target, operation: change.operation, key: change.key, id: change.id,
            version: change.version, before: change.before, after: change.after, secret: change.secret,
            wave: change.wave, facts: change.facts)
    }
}

/// A change of a plan that took place, and what its receipt said of the record.
public struct Effect: Hashable, Sendable, Codable {
    public var place: Int
    public var id: String?
    public var version: String?

    public init(_ place: Int, id: String? = nil, version: String? = nil) {
        (self.place, self.id, self.version) = (place, id, version)
    }
}
