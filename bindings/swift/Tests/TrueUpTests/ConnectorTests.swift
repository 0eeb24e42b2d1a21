import Foundation
import Testing
import TrueUp

/// A connector of Swift: pages of two numbers.
struct Numbers: Connector {
    var pages = 3
    var pause: Duration?
    var broken: (@Sendable (ReadRequest) throws -> Page?)?

    func describe() async throws -> Description {
        Description(
            system: "numbers", tenant: "acme",
            resources: [.init("small", fields: [Field("n", "int", role: .key), Field("day", "date")])])
    }

    func readPage(_ request: ReadRequest) async throws -> Page {
        if let pause { try await Task.sleep(for: pause) }
        if let page = try broken?(request) { return page }
        guard let at = Int64(request.cursor ?? "0") else {
            throw TrueUpError.invalid("`\(request.cursor ?? "")` is no cursor of the numbers")
        }
        let rows: [Row] = [0, 1].map { ["n": .int(2 * at + $0), "day": "2026-01-31"] }
        return Page(rows, next: at + 1 < pages ? String(at + 1) : nil)
    }
}

struct OutOfPaper: Error, Equatable {
    let sheets: Int
}

@Suite struct ConnectorTests {
    @Test func oneOfSwiftIsReadWhole() async throws {
        let snapshot = try await Numbers().read("small")
        #expect(try await snapshot.rows().map { $0["n"] } == [0, 1, 2, 3, 4, 5])
        #expect(snapshot.fields[0].role == .key && snapshot.fields[1].type == "date")
        #expect(snapshot.provenance["system"] == "numbers" && snapshot.provenance["tenant"] == "acme")
        #expect(try await Numbers().description().resources[0].fields[0].role == .key)
        try await Numbers().check()
    }

    @Test func pageAfterPage() async throws {
        var counts: [Int] = []
        for try await page in Numbers().pages("small") { counts.append(try await page.records.count()) }
        #expect(counts == [2, 2, 2])
        let arrow = Numbers(broken: { _ in nil })
        let bytes = try await arrow.read("small").ipc()
        let again = Numbers(broken: { _ in Page(bytes, coverage: .partial) })
        #expect(try await again.read("small").count == 6)
        #expect(try await again.read("small").coverage == .partial)
    }

    @Test func manyAtOnce() async throws {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await Numbers(pause: .milliseconds(2)).read("small").count } }
            for try await count in group { #expect(count == 6) }
        }
    }

    @Test func whatItThrowsIsTheCause() async throws {
        let error = try await fails(.protocolBroken) {
            _ = try await Numbers(broken: { _ in throw OutOfPaper(sheets: 7) }).read("small")
        }
        #expect(error.message == "the connector threw `OutOfPaper(sheets: 7)`")
        #expect(error.details.cause as? OutOfPaper == OutOfPaper(sheets: 7))
    }

    @Test func anErrorOfOursKeepsItsCase() async throws {
        let error = try await fails(.throttled) {
            _ = try await Numbers(broken: { _ in
                throw TrueUpError.throttled("too many calls", ErrorDetails(retryAfter: 1.5))
            }).read("small")
        }
        #expect(error.message == "too many calls" && error.details.retryAfter == 1.5 && error.details.retry)
    }

    @Test func whatBreaksTheContractIsNamed() async throws {
        let columns = Numbers(broken: { _ in Page([["m": 1]] as [Row]) })
        try await fails(.data) { _ = try await columns.read("small") }
        let cursor = Numbers(broken: { _ in Page([] as [Row], next: "1") })
        let error = try await fails(.protocolBroken) { _ = try await cursor.read("small") }
        #expect(error.message.contains("cursor"), "\(error)")
        let unknown = try await fails(.notFound) { _ = try await Numbers().read("smal") }
        #expect(unknown.message.contains("did you mean `small`?"), "\(unknown)")
        try await fails(.unsupported) { for try await _ in Numbers().pages("small", pageSize: 1) {} }
    }

    @Test func cancellingReachesTheConnector() async throws {
        let (calls, told) = AsyncStream<String>.makeStream()
        let waiting = Waiting(told: told)
        let reading = Task { try await waiting.read("small") }
        var heard = calls.makeAsyncIterator()
        #expect(await heard.next() == "asked")
        reading.cancel()
        try await fails(.cancelled) { _ = try await reading.value }
        #expect(await heard.next() == "cancelled")
    }

    @Test func filesAndTables() async throws {
        try await inFolder { folder in
            try "id,site\n1,Bern\n".write(toFile: "\(folder)/a.csv", atomically: true, encoding: .utf8)
            let files = try Files("\(folder)/a.csv")
            #expect(try await files.describe().resources.map(\.name) == ["a"])
            #expect(try await files.read("a").rows() == [["id": 1, "site": "Bern"]])
            try await files.check()
            let page = try await files.readPage(ReadRequest("a"))
            #expect(try await Snapshot.of(try page.records.records()).count == 1)
            let config: [String: JSON] = ["path": .string("\(folder)/a.csv"), "csv": ["delimiter": ";"]]
            #expect(try await Files([config]).read("a").fields.count == 1)
            try await fails(.invalid) { _ = try Files([["pth": "a.csv"]]) }
            try await fails(.notFound) { _ = try await Sqlite.open("\(folder)/none.db") }
        }
        try await fails(.invalid) { _ = try await Postgres.connect("mysql://localhost/x") }
    }
}

/// Waits until it is cancelled, and says so.
struct Waiting: Connector {
    let told: AsyncStream<String>.Continuation

    func describe() async throws -> Description { try await Numbers().describe() }

    func readPage(_ request: ReadRequest) async throws -> Page {
        told.yield("asked")
        do {
            try await Task.sleep(for: .seconds(60))
        } catch {
            told.yield("cancelled")
            throw error
        }
        return Page([] as [Row])
    }
}
