import Foundation
import TrueUp

/// Books by id, in memory, that can be read and written. `before` is called ahead of each write; what it throws comes
/// out of `apply`.
actor Shelf: Connector {
    static let fields = [
        Field("id", "int", role: .key, writable: true), Field("title", "text", writable: true),
    ]

    /// Titles, which may be null.
    private var books: [Int64: Value]
    private(set) var calls = 0
    private var isBroken = false
    private let idempotency: Idempotency
    private let before: (@Sendable (Change) async throws -> Void)?

    init(
        _ books: [Int64: String] = [:], idempotency: Idempotency = .conditional,
        before: (@Sendable (Change) async throws -> Void)? = nil
    ) {
        (self.books, self.idempotency, self.before) = (books.mapValues(Value.text), idempotency, before)
    }

    var titles: [Int64: String] { books.compactMapValues(\.text) }

    func breakDown() { isBroken = true }

    func describe() throws -> Description {
        Description(
            system: "shelf", instance: "\(ObjectIdentifier(self))",
            resources: [.init("books", fields: Self.fields, idempotency: idempotency)])
    }

    func readPage(_ request: ReadRequest) throws -> Page {
        if isBroken { throw TrueUpError.unavailable("the shelf fell over") }
        if let cursor = request.cursor { throw TrueUpError.invalid("`\(cursor)` is no cursor of the shelf") }
        return Page(books.map { ["id": .int($0.key), "title": $0.value] as Row })
    }

    func apply(_ changes: [Change]) async throws -> [Receipt] {
        calls += 1
        var receipts: [Receipt] = []
        for change in changes { receipts.append(try await self.change(change)) }
        return receipts
    }

    private func change(_ change: Change) async throws -> Receipt {
        try await before?(change)
        guard let id = change.key["id"]?.int else { throw TrueUpError.invalid("a book has an id") }
        let record = books[id].map { ["id": .int(id), "title": $0] as Row }
        switch try change.standing(record) {
        case .stale: return .stale
        case .already: return .done()
        case .holds:
            let title = change.after["title"] ?? books[id] ?? .null
            books[id] = nil
            if change.operation != "delete" { books[change.after["id"]?.int ?? id] = title }
            return .done()
        }
    }
}

/// Everything up to the run: a wish, a shelf, a plan, a grant.
struct Case {
    let shelf: Shelf
    let wish: [Row]
    let store: Store
    let policy: Policy
    let request = Request(actor: ["agent:sync", "person:ana"])
    let plan: Plan
    let decision: Decision

    init(_ shelf: Shelf, _ books: [Int64: String]) async throws {
        self.shelf = shelf
        wish = books.map { ["id": .int($0.key), "title": .text($0.value)] }
        store = try await Store.open(mode: .inMemory)
        policy = try Policy.standard()
        plan = try await Case.compare(wish, shelf).plan()
        decision = try await policy.decide(plan, request)
    }

    static func compare(_ wish: [Row], _ shelf: Shelf) async throws -> Report {
        let wish = try Records.rows(wish, schema: Shelf.fields)
        return try await reconcile(wish, shelf.read("books"), key: "id", name: "books", resource: "books")
    }

    var gate: PolicyGate { PolicyGate(policy, request) }

    func grant() async throws -> Grant {
        let question = try decision.question()
        let answers = try ["bo", "cy"].map { try question.approve("person:\($0)", roles: "owner").attest("desk") }
        guard let grant = try question.standing(answers).grant else { throw Missing(what: "no grant") }
        try await store.keep(plan)
        try await store.keep(decision)
        for answer in answers { try await store.keep(answer) }
        try await store.keep(grant)
        return grant
    }

    func run(_ settings: [String: JSON] = [:]) async throws -> RunReport {
        try await Executor(store, settings: settings).execute(plan, try await grant(), gate: gate, actual: shelf)
    }
}
