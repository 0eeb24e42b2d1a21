import TrueUpNative

/// What the native half calls a connector by. Whatever the connector throws goes back as a failure that keeps it.
final class Bridge: Host {
    private let connector: any Connector

    init(_ connector: any Connector) {
        self.connector = connector
    }

    func describe() async throws -> String {
        try await told {
            if let plain = connector as? any PlainConnector {
                return try jsonText(try await plain.describeAsData(), "the connector's description")
            }
            return try jsonText(try await connector.describe(), "the connector's description")
        }
    }

    func check() async throws {
        try await told { try await connector.check() }
    }

    func readPage(request: String) async throws -> HostPage {
        try await told {
            let page = try await connector.readPage(try readJSON(request, as: ReadRequest.self))
            let facts = PageFacts(
                next: page.next, resume: page.resume, removed: page.removed, coverage: page.coverage)
            return HostPage(facts: try jsonText(facts, "the page"), records: try page.records.records().native)
        }
    }

    func apply(changes: String) async throws -> String {
        try await told {
            let changes: [Change] = try readJSON(changes)
            if let plain = connector as? any PlainConnector {
                return try jsonText(try await plain.applyAsData(changes), "the receipts")
            }
            return try jsonText(try await connector.apply(changes), "the receipts")
        }
    }

    func status(handle: String) async throws -> String {
        try await told { try jsonText(try await connector.status(handle), "the receipt") }
    }

}

/// Calls the host's code; what it throws goes back as a failure that keeps it.
func told<T>(_ call: () async throws -> T) async throws -> T {
    do {
        return try await call()
    } catch {
        throw Failure(thrown: error)
    }
}
