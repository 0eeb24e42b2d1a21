import Foundation
import Testing
import TrueUp

@Suite struct PlanTests {
    func planned(_ planner: Planner = Planner()) async throws -> Plan {
        let state: [Row] = [["id": 1, "os": "13"], ["id": 3, "os": "1"]]
        let wish: [Row] = [["id": 1, "os": "14"], ["id": .int(1 << 60), "os": "14"]]
        let read = try await Snapshot.of(state, provenance: ["read_id": "r-1"])
        return try await reconcile(wish, read, key: "id", name: "f").plan(planner)
    }

    @Test func changesNarrowed() async throws {
        let plan = try await planned()
        #expect(plan.changes.map(\.operation).sorted() == ["create", "delete", "update"])
        let update = try #require(plan.changes.first { $0.operation == "update" })
        #expect((update.key, update.before, update.after) == (["id": 1], ["os": "13"], ["os": "14"]))
        #expect(plan.changes.contains { $0.key["id"] == .int(1 << 60) })
        let narrow = try plan.narrow { $0.operation != "delete" }
        #expect(narrow.changes.count == 2 && narrow.digest != plan.digest)
        #expect(plan.impact(on: .actual)["deletes"] == 1 && "\(plan)".contains("1 to create"))
    }

    @Test func keptAsJSON() async throws {
        let plan = try await planned()
        #expect(try Plan(json: plan.json).digest == plan.digest)
        let altered = plan.json.replacingOccurrences(of: "\"wave\":0", with: "\"wave\":7")
        try await fails(.data) { _ = try Plan(json: altered) }
        try await fails(.invalid) { _ = try Plan(json: "{}") }
    }

    @Test func settings() async throws {
        let only = try await planned(Planner(kinds: [.changed]))
        #expect(only.changes.map(\.operation) == ["update"] && !only.leftOut.isEmpty)
        try await fails(.invalid) { _ = try await planned(Planner(stages: [50, 20])) }
    }

    @Test func proposedAndUndone() async throws {
        let reading: Provenance = ["system": "directory", "read_id": "r-2"]
        let change = ProposedChange(operation: "update", key: ["id": 1], before: ["tags": ["a"]], after: ["tags": []])
        let plan = try Plan.propose("fleet", [change], reading: reading, coveredRows: 10)
        #expect(plan.changes[0].before == ["tags": ["a"]])
        let again = try Plan.propose("fleet", plan.changes.map(ProposedChange.init), reading: reading, coveredRows: 10)
        #expect(again.digest == plan.digest)
        let (back, irreversible) = try plan.rollback(
            [Effect(0)], reading: reading.merging(["read_id": "r-3"]) { _, last in last })
        #expect(back.changes[0].after == ["tags": ["a"]] && irreversible.isEmpty)
    }
}

@Suite struct PolicyTests {
    static let creates = """
        version = 1
        name = "creates only"
        [[rule]]
        id = "creates"
        action = "create"
        outcome = "allow"
        """

    func planned() async throws -> Plan {
        let state = try await Snapshot.of([["id": 1], ["id": 3]] as [Row], provenance: ["read_id": "r-17"])
        return try await reconcile([["id": 1], ["id": 2]] as [Row], state, key: "id").plan()
    }

    @Test func whatIsDeniedCanBeLeftOut() async throws {
        let (policy, plan) = (try Policy(toml: Self.creates), try await planned())
        let noon = Date(timeIntervalSince1970: 1_769_860_800)
        let question = Request(actor: ["agent:sync", "person:ada"], now: noon, facts: ["lost": true])
        let decision = try await policy.decide(plan, question)
        #expect(decision.outcome == .deny && decision.at == noon)
        #expect(decision.places(.deny).map { plan.changes[$0].operation } == ["delete"])
        #expect(decision.plan == plan.digest && decision.policy == policy.hash)
        let left = try plan.without(decision.places(.deny))
        #expect(try await policy.decide(left, question).outcome == .allow)
        let reasons = try await policy.explain(plan, question)
        #expect(reasons.outcome == .deny && !reasons.description.isEmpty)
        try await fails(.invalid) { _ = try await policy.decide(plan, Request(actor: [])) }
    }

    @Test func documents() async throws {
        let policy = try Policy(toml: Self.creates)
        #expect(policy.name == "creates only" && policy.ruleIDs == ["creates"])
        #expect(try Policy(json: policy.json).hash == policy.hash)
        #expect(try Policy.standard().hash == Policy(toml: Policy.standardDocument).hash)
        #expect(Policy.schema.contains("$schema"))
        let error = try await fails(.invalid) {
            _ = try Policy(toml: Self.creates.replacingOccurrences(of: "action", with: "acton"))
        }
        #expect(error.message.contains("acton"), "\(error)")
    }
}
