import Foundation
import TrueUpNative

/// A connector of the library.
protocol BuiltIn: Connector {
    var native: Source { get }
}

extension BuiltIn {
    public func describe() async throws -> Description {
        try readJSON(await work { try await native.describe(call: $0) })
    }

    public func check() async throws {
        try await work { try await native.check(call: $0) }
    }

    public func readPage(_ request: ReadRequest) async throws -> Page {
        let page = try await page(of: native, request)
        return Page(
            try await page.records.ipc(), next: page.next, resume: page.resume, removed: page.removed,
            coverage: page.coverage)
    }
}

/// A system within layers.
struct Layered: BuiltIn {
    let native: Source
}

/// What a system said, kept: to be looked at, and to be said again without the system.
public final class Tape: Sendable {
    private let native: TrueUpNative.Tape

    init(_ native: TrueUpNative.Tape) {
        self.native = native
    }

    /// All of it, as JSON lines.
    public func text() throws -> String {
        try guarded { try native.text() }
    }

    /// The system that says what is on a tape.
    public static func replay(_ text: String) throws -> some Connector {
        Layered(native: try guarded { try .replay(tape: text) })
    }
}

/// Files as a system: CSV, JSON lines, JSON, Parquet and Arrow, each a resource; types are found without loss.
public struct Files: BuiltIn {
    let native: Source

    /// Files by their paths.
    public init(_ paths: String..., tenant: String? = nil, threads: Int? = nil) throws {
        try self.init(paths.map { ["path": .string($0)] }, tenant: tenant, threads: threads)
    }

    /// Files by their settings: `["path": "stock.csv", "key": ["sku"], "csv": ["delimiter": ";"]]`.
    public init(_ files: [[String: JSON]], tenant: String? = nil, threads: Int? = nil) throws {
        var settings: [String: JSON] = ["files": .array(files.map(JSON.object))]
        settings["tenant"] = tenant.map(JSON.string)
        settings["threads"] = threads.map { .int(Int64($0)) }
        let said = try jsonText(settings, "the settings of files")
        native = try guarded { try .files(settings: said) }
    }
}

/// The tables and queries of an SQLite file.
public struct Sqlite: BuiltIn {
    let native: Source

    /// Opens a file. `resources` names tables, or `["name": …, "query": …, "key": […]]`; every table if none is given.
    /// Other settings have the names they have in documents.
    public static func open(
        _ path: String, resources: [JSON]? = nil, tenant: String? = nil, settings: [String: JSON] = [:],
        progress: ProgressStream? = nil
    ) async throws -> Sqlite {
        let settings = settings.merging(["path": .string(path)]) { _, last in last }
        let config = try sql(settings, resources, tenant)
        return Sqlite(native: try await work(progress) { try await openSqlite(config: config, call: $0) })
    }
}

/// The tables and queries of a PostgreSQL database. The password never shows.
public struct Postgres: BuiltIn {
    let native: Source

    /// Connects by an address, `postgres://user@host/database`, or by settings: `host`, `port`, `database`, `user`, …
    public static func connect(
        _ url: String? = nil, password: String? = nil, resources: [JSON]? = nil, tenant: String? = nil,
        settings: [String: JSON] = [:], progress: ProgressStream? = nil
    ) async throws -> Postgres {
        let config = try sql(settings, resources, tenant)
        let source = try await work(progress) {
            try await connectPostgres(config: config, url: url, password: password, call: $0)
        }
        return Postgres(native: source)
    }
}

private func sql(_ settings: [String: JSON], _ resources: [JSON]?, _ tenant: String?) throws -> String {
    var settings = settings
    if let resources {
        settings["resources"] = .array(resources.map { $0.string == nil ? $0 : ["table": $0] })
    }
    if let tenant { settings["tenant"] = .string(tenant) }
    return try jsonText(settings, "the settings")
}
