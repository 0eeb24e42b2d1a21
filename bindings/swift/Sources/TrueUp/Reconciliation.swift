import TrueUpNative

/// Finds exactly where two sides disagree.
///
/// ```swift
/// let report = try await reconcile(expected, actual, key: "id", compare: ["gib": .tolerance(absolute: 4)])
/// for try await finding in report.findings { print(finding.kind, finding.key) }
/// ```
///
/// - Parameters:
///   - expected: The wish: rows, Arrow IPC, a path, a snapshot, or other records.
///   - actual: The state.
///   - key: The field or fields that identify a record on both sides.
///   - name: The name of the reconciliation, part of each finding's id.
///   - compare: The rules of fields whose values need not be equal.
///   - fields: Which fields are compared.
///   - alternateKeys: Fields on which records meet whose key only one side has: a rename.
///   - mapping: How the systems call fields and values.
///   - base: What both sides last agreed on (``Report/advance(base:progress:)``), for a three-way comparison.
///   - threads: How many threads work at once; all processors if not given.
///   - progress: Is told how far it is.
/// - Throws: ``TrueUpError``; `cancelled` where the task is.
public func reconcile(
    _ expected: some RecordSource, _ actual: some RecordSource, key: Names, name: String? = nil,
    compare: [String: Rule] = [:], fields: Fields = .all, alternateKeys: [Names] = [], mapping: Mapping? = nil,
    tenant: String? = nil, resource: String? = nil, base: (any RecordSource)? = nil, threads: Int? = nil,
    progress: ProgressStream? = nil
) async throws -> Report {
    let reconciliation = try Reconciliation(
        key: key, name: name, compare: compare, fields: fields, alternateKeys: alternateKeys, mapping: mapping,
        tenant: tenant, resource: resource)
    return try await reconciliation.run(expected, actual, base: base, threads: threads, progress: progress)
}

/// What is compared and how, as a document: plain data that can be kept, shown and run again.
public struct Reconciliation: Sendable {
    private let native: TrueUpNative.Reconciliation

    /// The parameters of ``reconcile(_:_:key:name:compare:fields:alternateKeys:mapping:tenant:resource:base:threads:progress:)``.
    public init(
        key: Names, name: String? = nil, compare: [String: Rule] = [:], fields: Fields = .all,
        alternateKeys: [Names] = [], mapping: Mapping? = nil, tenant: String? = nil, resource: String? = nil
    ) throws {
        let document = Document(
            key: key.all, name: name, compare: compare.isEmpty ? nil : compare, fields: fields,
            alternate_keys: alternateKeys.isEmpty ? nil : alternateKeys.map(\.all), mapping: mapping,
            tenant: tenant, resource: resource)
        try self.init(json: try jsonText(document, "the reconciliation"))
    }

    /// Reads the JSON form; a misspelt member or word is answered with the nearest one.
    public init(json: String) throws {
        native = try guarded { try .fromJson(text: json) }
    }

    /// The document as JSON; members that say nothing are left out.
    public var json: String { native.toJson() }

    /// Compares.
    public func run(
        _ expected: some RecordSource, _ actual: some RecordSource, base: (any RecordSource)? = nil,
        threads: Int? = nil, progress: ProgressStream? = nil
    ) async throws -> Report {
        let (wish, state) = (try expected.records().native, try actual.records().native)
        let (base, threads) = (try base?.records().native, try number(of: threads))
        return try Report(
            await work(progress) {
                try await native.run(expected: wish, actual: state, base: base, threads: threads, call: $0)
            })
    }

    /// Compares, and keeps an index that takes changes.
    public func index(
        _ expected: some RecordSource, _ actual: some RecordSource, threads: Int? = nil,
        progress: ProgressStream? = nil
    ) async throws -> Incremental {
        let (wish, state) = (try expected.records().native, try actual.records().native)
        let threads = try number(of: threads)
        return Incremental(
            try await work(progress) {
                try await native.index(expected: wish, actual: state, threads: threads, call: $0)
            })
    }
}

/// Which fields are compared.
public enum Fields: Hashable, Sendable, Encodable {
    /// All; one that stands on one side only is an error.
    case all
    /// Those of both sides.
    case common
    /// These.
    case only([String])

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .all: try container.encode("all")
        case .common: try container.encode("common")
        case .only(let names): try container.encode(names)
        }
    }
}

/// How the systems of both sides call things.
public struct Mapping: Hashable, Sendable, Encodable {
    public var expected: Side?
    public var actual: Side?

    public init(expected: Side? = nil, actual: Side? = nil) {
        (self.expected, self.actual) = (expected, actual)
    }

    /// How one system calls things.
    public struct Side: Hashable, Sendable, Encodable {
        /// Canonical name to the system's name.
        public var fields: [String: String]
        /// For a field, canonical value to the system's value.
        public var values: [String: [String: Value]]

        public init(fields: [String: String] = [:], values: [String: [String: Value]] = [:]) {
            (self.fields, self.values) = (fields, values)
        }
    }
}

/// A side of a comparison.
public enum Side: String, CaseIterable, Sendable, Codable {
    case expected, actual
}

/// Two snapshots held side by side with an index, so that each may take changes at the cost of the change.
public final class Incremental: Sendable {
    private let native: TrueUpNative.Incremental

    init(_ native: TrueUpNative.Incremental) {
        self.native = native
    }

    /// Puts these records in the place of those of a side that have their keys, and adds new ones.
    public func change(_ side: Side, _ records: some RecordSource, progress: ProgressStream? = nil) async throws {
        let given = try records.records().native
        try await work(progress) { try await native.change(side: side.rawValue, records: given, call: $0) }
    }

    /// Removes the records of a side that have these keys; gives how many there were.
    @discardableResult
    public func remove(
        _ side: Side, keys: some RecordSource, progress: ProgressStream? = nil
    ) async throws -> Int {
        let given = try keys.records().native
        return Int(try await work(progress) { try await native.remove(side: side.rawValue, keys: given, call: $0) })
    }

    /// What the two sides agree and disagree on now: the report that comparing afresh would give.
    public func report(progress: ProgressStream? = nil) async throws -> Report {
        try Report(await work(progress) { try await native.report(call: $0) })
    }
}

/// The document, under the names it has in JSON.
private struct Document: Encodable {
    let key: [String]
    let name: String?
    let compare: [String: Rule]?
    let fields: Fields
    let alternate_keys: [[String]]?
    let mapping: Mapping?
    let tenant: String?
    let resource: String?
}

private func number(of threads: Int?) throws -> UInt32? {
    guard let threads else { return nil }
    guard let number = UInt32(exactly: threads), number > 0 else {
        throw TrueUpError.invalid("`threads` must be at least 1")
    }
    return number
}
