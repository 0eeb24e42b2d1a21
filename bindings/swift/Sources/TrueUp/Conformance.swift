import TrueUpNative

/// A connector under test, and the truth about its source.
///
/// Give it two resources, one of them with more records than fit on a page, and one without records if there can be such
/// a one. The system behind must be one that exists for the test.
public struct Subject: Sendable {
    public typealias Truth = [String: any RecordSource]

    public var connector: any Connector
    /// All records of each resource, as somebody knows them who did not use the connector.
    public var truth: Truth
    /// A resource that may be written, and at least four records of it that are not there and can be made.
    public var writes: (resource: String, records: any RecordSource)?
    /// Breaks the source, so that it cannot be read any more; none where that cannot happen.
    public var breakSource: (@Sendable () async throws -> Void)?
    /// Changes the source, and gives the new truth; a connector that claims deltas must have it.
    public var changeSource: (@Sendable () async throws -> Truth)?

    public init(
        _ connector: any Connector, truth: Truth, writes: (resource: String, records: any RecordSource)? = nil,
        breakSource: (@Sendable () async throws -> Void)? = nil,
        changeSource: (@Sendable () async throws -> Truth)? = nil
    ) {
        (self.connector, self.truth, self.writes) = (connector, truth, writes)
        (self.breakSource, self.changeSource) = (breakSource, changeSource)
    }
}

/// Checks every promise of the contract on a connector; `make` makes it afresh for each.
///
/// - Returns: The names of the promises, all kept.
/// - Throws: `protocolBroken`, with every promise that is broken, and how.
@discardableResult
public func conformance(
    progress: ProgressStream? = nil, _ make: @escaping @Sendable () async throws -> Subject
) async throws -> [String] {
    let checked: [JSON] = try readJSON(
        await work(progress) { try await TrueUpNative.conformance(maker: Making(make), call: $0) })
    return checked.compactMap { $0["promise"]?.string }
}

private final class Making: Maker {
    private let subject: @Sendable () async throws -> Subject

    init(_ subject: @escaping @Sendable () async throws -> Subject) {
        self.subject = subject
    }

    func make() async throws -> HostSubject {
        try await told {
            let subject = try await subject()
            let resources = try await subject.connector.describe().resources
            let fields = Dictionary(resources.map { ($0.name, $0.fields) }) { first, _ in first }
            let writes = try subject.writes.map { try named([$0.resource: $0.records], fields)[0] }
            return HostSubject(
                source: subject.connector.source, truth: try named(subject.truth, fields), writes: writes,
                behind: Behind(subject, fields), canBreak: subject.breakSource != nil,
                canChange: subject.changeSource != nil)
        }
    }
}

/// The source behind a connector.
private final class Behind: HostSource {
    private let subject: Subject
    private let fields: [String: [Field]]

    init(_ subject: Subject, _ fields: [String: [Field]]) {
        (self.subject, self.fields) = (subject, fields)
    }

    func breakDown() async throws {
        try await told { try await subject.breakSource?() }
    }

    func change() async throws -> [NamedRecords] {
        try await told { try named(try await subject.changeSource?() ?? [:], fields) }
    }
}

/// Records of resources; rows have the fields of theirs.
private func named(_ truth: Subject.Truth, _ fields: [String: [Field]]) throws -> [NamedRecords] {
    try truth.sorted { $0.key < $1.key }.map { name, records in
        let rows = records as? [Row]
        let given = try rows.map { try Records.rows($0, schema: fields[name]) } ?? records.records()
        return NamedRecords(name: name, records: given.native)
    }
}
