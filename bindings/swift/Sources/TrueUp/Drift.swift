import TrueUpNative

/// What became of the findings of an earlier report: opened, changed, resolved.
public func drift(from before: Report, to after: Report, progress: ProgressStream? = nil) async throws -> Drift {
    try Drift(
        await work(progress) {
            try await TrueUpNative.drift(before: before.native, after: after.native, call: $0)
        })
}

/// What became of findings between two reports.
public final class Drift: Sendable, CustomStringConvertible {
    private let native: TrueUpNative.Drift
    private let facts: Facts

    private struct Facts: Decodable {
        let counts: Counts
        let rulesChanged: Bool
        let coverageChanged: Bool
        let isEmpty: Bool
        let text: String

        enum CodingKeys: String, CodingKey {
            case counts, text
            case rulesChanged = "rules_changed"
            case coverageChanged = "coverage_changed"
            case isEmpty = "is_empty"
        }
    }

    /// How many findings went which way.
    public struct Counts: Hashable, Sendable, Codable {
        public let opened: Int
        public let changed: Int
        public let resolved: Int
        public let unchanged: Int
    }

    init(_ native: TrueUpNative.Drift) throws {
        self.native = native
        facts = try readJSON(native.facts(), as: Facts.self)
    }

    /// Findings that are new.
    public var opened: Table { table(.opened) }
    /// Findings whose state is another.
    public var changed: Table { table(.changed) }
    /// Findings that are gone.
    public var resolved: Table { table(.resolved) }
    /// Findings that stayed as they were.
    public var unchangedIDs: [String] { native.unchangedIds() }

    /// How many findings went which way.
    public var counts: Counts { facts.counts }
    /// Whether the two reports went by different rules.
    public var rulesChanged: Bool { facts.rulesChanged }
    /// Whether the two reports covered different things.
    public var coverageChanged: Bool { facts.coverageChanged }
    /// Whether nothing opened, changed or was resolved.
    public var isEmpty: Bool { facts.isEmpty }
    /// The counts in words.
    public var description: String { facts.text }

    private func table(_ way: Way) -> Table {
        Table { [native] in try await work { try await native.table(way: way, call: $0) } }
    }
}
