import TrueUpNative

/// One system that records can be read from. Those of trueup are connectors, and so is any type of yours that conforms.
///
/// Following `next` from the first page to the last gives every record that the pages' coverage includes. An error is
/// never data: throw it (`TrueUpError.unavailable("…")`, say), and do not return an empty page. Any other error you throw
/// arrives at the caller as the `cause`. Calls are cancelled as tasks are, when nobody waits for the answer any more.
public protocol Connector: Sendable {
    /// What there is.
    func describe() async throws -> Description
    /// Throws what stands in the way of reading: settings, reachability, permissions.
    func check() async throws
    /// One page.
    func readPage(_ request: ReadRequest) async throws -> Page
    /// Carries out changes: one receipt a change, in their order. Only the executor calls it, with changes that a decision
    /// allows, on resources that say something of `idempotency`.
    ///
    /// A change that fails is a receipt, and the others go on. An error means that nothing is known of any change in the
    /// call. What the resource's fields cannot take was refused before.
    func apply(_ changes: [Change]) async throws -> [Receipt]
    /// What became of a change that was pending.
    func status(_ handle: String) async throws -> Receipt
}

/// A connector whose description and receipts are plain data already: one that passes on what somebody else says, say.
/// The engine holds them to the contract as it does those of any other.
public protocol PlainConnector: Connector {
    /// What there is.
    func describeAsData() async throws -> JSON
    /// Carries out changes: one receipt a change.
    func applyAsData(_ changes: [Change]) async throws -> JSON
}

extension PlainConnector {
    public func describe() async throws -> Description {
        try readJSON(try jsonText(try await describeAsData(), "the description"))
    }
}

/// What a connector says of itself.
public struct Description: Hashable, Sendable, Codable {
    public var system: String
    public var instance: String
    public var tenant: String
    /// What it can do beyond reading page after page: `page_size`, `delta`, `consistency`, …
    public var capability: [String: JSON]
    public var resources: [Resource]

    public init(
        system: String, instance: String = "", tenant: String = "", capability: [String: JSON] = [:],
        resources: [Resource]
    ) {
        (self.system, self.instance, self.tenant) = (system, instance, tenant)
        (self.capability, self.resources) = (capability, resources)
    }

    /// One named kind of record.
    public struct Resource: Hashable, Sendable, Codable {
        public var name: String
        public var fields: [Field]
        /// How sending a change twice is kept from having two effects; a resource that says so can be written.
        public var idempotency: Idempotency?
        /// What can be done beside creating, updating and deleting.
        public var actions: [String]?

        public init(_ name: String, fields: [Field], idempotency: Idempotency? = nil, actions: [String]? = nil) {
            (self.name, self.fields) = (name, fields)
            (self.idempotency, self.actions) = (idempotency, actions)
        }
    }
}

/// Asks a connector for one page.
public struct ReadRequest: Hashable, Sendable, Codable {
    /// The resource to read.
    public var resource: String
    /// The page after the one that gave this cursor; nil for the first.
    public var cursor: String?
    /// Only what changed after the reading that gave this token.
    public var since: String?
    /// The most records the page may have.
    public var pageSize: Int?

    public init(_ resource: String, cursor: String? = nil, since: String? = nil, pageSize: Int? = nil) {
        (self.resource, self.cursor, self.since, self.pageSize) = (resource, cursor, since, pageSize)
    }
}

/// One page of records, as a connector gives it.
public struct Page: Sendable {
    /// The records: rows, Arrow IPC, or whatever else records may be. Rows are of the resource's schema.
    public var records: any RecordSource
    /// Where the next page is; nil after the last.
    public var next: String?
    /// On the last page: the token a later delta goes on from.
    public var resume: String?
    /// In a delta, what is no longer there.
    public var removed: [Removed]
    /// What the whole reading covers, as far as this page can tell.
    public var coverage: Coverage

    public init(
        _ records: any RecordSource, next: String? = nil, resume: String? = nil, removed: [Removed] = [],
        coverage: Coverage = .complete
    ) {
        (self.records, self.next, self.resume) = (records, next, resume)
        (self.removed, self.coverage) = (removed, coverage)
    }
}

/// What is no longer there.
public enum Removed: Hashable, Sendable, Codable {
    /// The values of its key fields, in the order of the schema.
    case key([Value])
    /// The system's own identifier.
    case id(String)

    public init(from decoder: any Decoder) throws {
        let json = try JSON(from: decoder)
        if let values = json["key"]?.array {
            self = .key(values.compactMap(Value.init(json:)))
        } else {
            self = .id(json["id"]?.string ?? "")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        let json: JSON =
            switch self {
            case .key(let values): ["key": .array(values.map(\.json))]
            case .id(let id): ["id": .string(id)]
            }
        try json.encode(to: encoder)
    }
}

/// A page as it was read: what the connector gave, held to the contract.
public struct PageRead: Sendable {
    public let records: Table
    public let next: String?
    public let resume: String?
    public let removed: [Removed]
    public let coverage: Coverage

    init(_ page: ReadPage) throws {
        let facts = try readJSON(page.facts, as: PageFacts.self)
        let table = page.records
        records = Table { table }
        (next, resume, removed, coverage) = (facts.next, facts.resume, facts.removed, facts.coverage)
    }
}

/// What a page says beside its records.
struct PageFacts: Codable {
    let next: String?
    let resume: String?
    let removed: [Removed]
    let coverage: Coverage
}

extension Connector {
    /// Nothing stands in the way.
    public func check() async throws {}

    public func apply(_ changes: [Change]) async throws -> [Receipt] {
        throw TrueUpError.unsupported("\(type(of: self)) writes nothing")
    }

    public func status(_ handle: String) async throws -> Receipt {
        throw TrueUpError.notFound("there is no pending change `\(handle)`")
    }

    /// Reads a whole resource. The connector is held to its promises: one that breaks the contract (a cursor that stands
    /// twice, a page of other columns) fails with `protocolBroken`.
    public func read(
        _ resource: String, pageSize: Int? = nil, progress: ProgressStream? = nil
    ) async throws -> Snapshot {
        let (source, size) = (source, pageSize.map(UInt64.init))
        return try Snapshot(await work(progress) { try await source.read(resource: resource, pageSize: size, call: $0) })
    }

    /// What changed since the reading whose provenance has this `cursor`: the records that changed, and those that are
    /// gone.
    public func readDelta(
        _ resource: String, since: String, pageSize: Int? = nil, progress: ProgressStream? = nil
    ) async throws -> (records: Snapshot, removed: [Removed]) {
        let (source, size) = (source, pageSize.map(UInt64.init))
        let delta = try await work(progress) {
            try await source.readDelta(resource: resource, since: since, pageSize: size, call: $0)
        }
        return (try Snapshot(delta.records), try readJSON(delta.removed))
    }

    /// The same system with manners: calls that end in time, that are not too many, and that are made again.
    ///
    /// - Parameters:
    ///   - timeout: `["ask_ms": 60_000, "apply_ms": 120_000]`: how long a question, and a write, may take.
    ///   - rate: `["calls": 10, "per_ms": 1_000, "burst": 10]`: how many calls there may be in that time.
    ///   - retry: `["attempts": 5, "first_ms": 200, "longest_ms": 30_000, "patience_ms": 300_000]`: how often a question is
    ///     asked that could not be answered; a write is never made again by a layer.
    ///   - readOnly: Without its writer.
    public func layered(
        timeout: [String: Int]? = nil, rate: [String: Int]? = nil, retry: [String: Int]? = nil, readOnly: Bool = false
    ) async throws -> some Connector {
        let given = [("timeout", timeout), ("rate", rate), ("retry", retry)]
        var layers = given.compactMap { name, settings in
            settings.map { JSON.object([name: .object($0.mapValues { .int(Int64($0)) })]) }
        }
        if readOnly { layers.append("read_only") }
        let (source, said) = (source, try jsonText(layers, "the layers"))
        return Layered(native: try await work { try await source.within(layers: said, call: $0) })
    }

    /// The same system, whose answers are kept on a tape.
    public func recorded() async throws -> (connector: some Connector, tape: Tape) {
        let source = source
        let recorded = try await work { try await source.record(call: $0) }
        return (Layered(native: recorded.source), Tape(recorded.tape))
    }

    /// The pages of a resource, one after the other, as the engine sees them.
    public func pages(_ resource: String, pageSize: Int? = nil) -> ResourcePages {
        ResourcePages(source: source, request: ReadRequest(resource, pageSize: pageSize))
    }

    /// What the connector says of itself, as the engine understands it.
    public func description(progress: ProgressStream? = nil) async throws -> Description {
        let source = source
        return try readJSON(await work(progress) { try await source.describe(call: $0) })
    }

    /// What reads it. One of Swift gets a new one each time: kept, it would keep the connector for ever.
    var source: Source {
        (self as? any BuiltIn)?.native ?? Source.host(host: Bridge(self))
    }
}

/// The pages of a resource, for `for try await`.
public struct ResourcePages: AsyncSequence, AsyncIteratorProtocol, Sendable {
    let source: Source
    private var request: ReadRequest?

    init(source: Source, request: ReadRequest) {
        (self.source, self.request) = (source, request)
    }

    public func makeAsyncIterator() -> ResourcePages { self }

    public mutating func next() async throws -> PageRead? {
        guard let asked = request else { return nil }
        let page = try await page(of: source, asked)
        request?.cursor = page.next
        if page.next == nil { request = nil }
        return page
    }
}

func page(of source: Source, _ request: ReadRequest) async throws -> PageRead {
    try PageRead(
        await work {
            try await source.readPage(
                resource: request.resource, cursor: request.cursor, since: request.since,
                pageSize: request.pageSize.map(UInt64.init), call: $0)
        })
}
