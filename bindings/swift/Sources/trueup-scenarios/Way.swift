import Foundation
import TrueUp

/// A scenario of the whole way: a system's connector, a decision, people's answers, a run.
struct Way {
    let json: JSON

    init(_ json: JSON) {
        self.json = json
    }

    /// The report's digest, and what differs from what must come out.
    func checked() async throws -> (digest: String?, why: [String]) {
        let got = try await run()
        guard case .object(var want)? = json["want"] else { return (nil, ["there is no `want`"]) }
        if let error = want["error"] { return (got["digest"]?.string, ["no error, but \(error) is wanted"]) }
        let refusals = (got["refusals"]?.array ?? [], want.removeValue(forKey: "refusals")?.array ?? [])
        var rest = got
        rest["refusals"] = nil
        let names = Set(rest.keys).union(want.keys).sorted()
        var why = names.filter { rest[$0] != want[$0] }.map { "\($0): \(show(rest[$0])) instead of \(show(want[$0]))" }
        if !fits(refusals.0, refusals.1) { why.append("refusals: \(refusals.0) instead of \(refusals.1)") }
        return (got["digest"]?.string, why)
    }

    /// What comes of it, in the form of its `want`.
    private func run() async throws -> [String: JSON] {
        let system = System(json["system"] ?? .null)
        let report = try await compare(system)
        var got: [String: JSON] = [
            "digest": .string(try await report.digest()), "converged": .bool(report.converged),
        ]
        guard let actor = json["actor"] else { return got }
        let request = Request(actor: names(actor))
        let (plan, policy) = (try await report.plan(), try policy())
        let decision = try await policy.decide(plan, request)
        let places = Dictionary(uniqueKeysWithValues: Outcome.allCases.map { ($0.rawValue, decision.places($0)) })
        got["plan"] = .string(plan.digest)
        got["policy"] = .string(policy.hash)
        got["outcome"] = .string(decision.outcome.rawValue)
        got["places"] = try plain(places)
        guard let given = json["answers"]?.array else { return got }
        let question = try decision.question()
        let answers = try given.map { try answer(question, $0) }
        let standing = try question.standing(answers)
        got["standing"] = .string(state(standing))
        got["refusals"] = .array(
            try answers.enumerated().map { place, answer in
                try question.refusal(answer, before: Array(answers[..<place])).map(JSON.string) ?? .null
            })
        guard let grant = standing.grant else { return got }
        let gate = PolicyGate(policy, request)
        return got.merging(try await carriedOut(system, plan, grant, gate)) { _, last in last }
    }

    private func carriedOut(
        _ system: System, _ plan: Plan, _ grant: Grant, _ gate: PolicyGate
    ) async throws -> [String: JSON] {
        if let rows = json["meanwhile"]?.array { await system.leave(rows.map(row)) }
        let store = try await Store.open(mode: .inMemory)
        try await store.keep(plan)
        try await store.keep(grant)
        let executor = Executor(store, settings: ["batch": 100, "error_count": 1000, "retry": ["attempts": 1]])
        let done = try await executor.execute(plan, grant, gate: gate, actual: system)
        var left = JSON.null
        if json["system"]?["receipts"] == nil { left = .int(Int64(disagreeing(try await compare(system).counts))) }
        return [
            "status": .string(done.status), "states": .array(done.changes.map { .string($0.state) }), "left": left,
        ]
    }

    private func compare(_ system: System) async throws -> Report {
        let side = json["expected"] ?? .null
        let fields: [Field] = try read(side["fields"] ?? [])
        let rows = (side["rows"]?.array ?? []).map { ($0.array ?? []).map(cell) }
        let wish = try await Snapshot.of(
            try Records.rows(rows, schema: fields), provenance: ["read_id": "read-1"])
        let state = try await system.read(json["resource"]?.string ?? "").with(provenance: ["read_id": "read-2"])
        return try await Reconciliation(json: try text(json["reconciliation"] ?? .null)).run(wish, state)
    }

    private func policy() throws -> Policy {
        let said = json["policy"] ?? "standard"
        return said == "standard" ? try Policy.standard() : try Policy(json: try text(said))
    }
}

/// Somebody's answer; without `host`, nobody vouches for it.
private func answer(_ question: Question, _ said: JSON) throws -> Approval {
    let (person, roles) = (said["person"]?.string ?? "", names(said["roles"] ?? []))
    let (answer, of) = (said["answer"] ?? "approve", names(said["delegate_of"] ?? []))
    func reason(_ kind: String) -> String { answer[kind]?["reason"]?.string ?? "" }
    let made: Approval
    if answer["reject"] != nil {
        made = try question.reject(person, roles: roles, reason: reason("reject"), delegateOf: of)
    } else if answer["override"] != nil {
        made = try question.override(person, roles: roles, reason: reason("override"), delegateOf: of)
    } else if let escalate = answer["escalate"] {
        let to = names(escalate["roles"] ?? [])
        made = try question.escalate(person, roles: roles, to: to, reason: reason("escalate"), delegateOf: of)
    } else if answer == "defer" || answer["defer"] != nil {
        made = try question.defer(person, roles: roles, until: question.expires, delegateOf: of)
    } else {
        made = try question.approve(person, roles: roles, delegateOf: of)
    }
    return try said["host"]?.string.map(made.attest) ?? made
}

/// A name, or several.
private func names(_ json: JSON) -> Names {
    Names(json.string.map { [$0] } ?? (json.array ?? []).compactMap(\.string))
}

private func row(_ json: JSON) -> Row {
    guard case .object(let members) = json else { return [:] }
    return members.mapValues(cell)
}

private func state(_ standing: Standing) -> String {
    switch standing {
    case .granted: "granted"
    case .waiting: "waiting"
    case .rejected: "rejected"
    case .expired: "expired"
    }
}

private func disagreeing(_ counts: Counts) -> Int {
    counts.missing + counts.unexpected + counts.changed + counts.duplicate + counts.ambiguous + counts.conflict
        + counts.uncovered
}

/// Refusals are held to pieces of their words.
private func fits(_ got: [JSON], _ want: [JSON]) -> Bool {
    got.count == want.count
        && zip(got, want).allSatisfy { said, piece in
            guard let said = said.string, let piece = piece.string else { return said == piece }
            return said.contains(piece)
        }
}

/// The system of a scenario: it says and does what the scenario tells it.
private actor System: PlainConnector {
    private let said: JSON
    private var written: [Row]?

    init(_ said: JSON) {
        self.said = said
    }

    func leave(_ rows: [Row]) {
        written = rows
    }

    func describeAsData() throws -> JSON {
        said["describe"] ?? .null
    }

    func readPage(_ request: ReadRequest) throws -> Page {
        if let written { return Page(written) }
        let page = pages.first { $0["at"]?.string == request.cursor } ?? .null
        try raise(page)
        return Page((page["records"]?.array ?? []).map(row), next: page["next"]?.string)
    }

    func applyAsData(_ changes: [Change]) throws -> JSON {
        if let receipts = said["receipts"] {
            try raise(receipts)
            return receipts
        }
        return .array(try changes.map(change))
    }

    /// Does as it is told, in memory.
    private func change(_ change: Change) throws -> JSON {
        var rows = written ?? pages.flatMap { $0["records"]?.array ?? [] }.map(row)
        let place = rows.firstIndex { row in change.key.allSatisfy { row[$0.key] == $0.value } }
        let found = place.map { rows[$0] }
        let standing = try change.standing(found)
        if standing == .holds {
            if let place { rows.remove(at: place) }
            let made = (found ?? [:]).merging(change.key) { _, key in key }.merging(change.after) { _, after in after }
            if change.operation != "delete" { rows.append(made) }
        }
        written = rows
        return standing == .stale ? "stale" : "done"
    }

    private var pages: [JSON] { said["pages"]?.array ?? [["records": []]] }

    private func raise(_ said: JSON) throws {
        guard let raised = said["raises"] else { return }
        let kind = TrueUpError.Kind(rawValue: raised["kind"]?.string ?? "") ?? .internal
        throw TrueUpError(kind, raised["message"]?.string ?? "")
    }
}
