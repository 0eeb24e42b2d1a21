import Foundation
import TrueUpNative

/// Rules that say what may be done, by whom, when, how much of it, and who is asked. A policy that was read is whole:
/// unknown members, unknown facts and rules that contradict themselves were refused.
public final class Policy: Sendable {
    let native: TrueUpNative.Policy
    /// What it is called.
    public let name: String
    /// Its hash: two documents that mean the same have the same.
    public let hash: String
    /// The ids of its rules, sorted.
    public let ruleIDs: [String]

    private struct Facts: Decodable {
        let name: String
        let hash: String
        let ruleIDs: [String]

        enum CodingKeys: String, CodingKey {
            case name, hash
            case ruleIDs = "rule_ids"
        }
    }

    private init(_ native: TrueUpNative.Policy) throws {
        let facts = try readJSON(native.facts(), as: Facts.self)
        self.native = native
        (name, hash, ruleIDs) = (facts.name, facts.hash, facts.ruleIDs)
    }

    /// Reads a TOML document.
    public convenience init(toml: String) throws {
        try self.init(guarded { try .fromToml(text: toml) })
    }

    /// Reads a JSON document.
    public convenience init(json: String) throws {
        try self.init(guarded { try .fromJson(text: json) })
    }

    /// The policy that holds where nobody wrote one.
    public static func standard() throws -> Policy {
        try Policy(toml: standardDocument)
    }

    /// The document of the standard policy, as TOML: read it, copy it, change it.
    public static let standardDocument = standardPolicy()

    /// The JSON Schema of the document.
    public static let schema = policySchema()

    /// The policy as JSON.
    public var json: String { native.toJson() }

    /// What it decides about a plan, maybe while glass is broken.
    public func decide(
        _ plan: Plan, _ request: Request, glass: BreakGlass? = nil, progress: ProgressStream? = nil
    ) async throws -> Decision {
        let asked = try request.said()
        return try Decision(
            await work(progress) {
                try await native.decide(plan: plan.native, request: asked, glass: glass?.native, call: $0)
            })
    }

    /// Why it decides so.
    public func explain(_ plan: Plan, _ request: Request, progress: ProgressStream? = nil) async throws -> Reasons {
        let asked = try request.said()
        return try readJSON(
            await work(progress) { try await native.explain(plan: plan.native, request: asked, call: $0) })
    }
}

/// What a policy is asked about a plan.
public struct Request: Hashable, Sendable {
    /// Who acts, or a chain: who acts first, then on whose behalf.
    public var actor: Names
    /// When; now if not given.
    public var now: Date?
    public var environment: String
    /// How many rows the expected side had when both sides last agreed.
    public var agreedRows: Int?
    public var facts: [String: JSON]
    /// What of each limit is used up already.
    public var used: [String: Int]

    public init(
        actor: Names, now: Date? = nil, environment: String = "", agreedRows: Int? = nil, facts: [String: JSON] = [:],
        used: [String: Int] = [:]
    ) {
        (self.actor, self.now, self.environment) = (actor, now, environment)
        (self.agreedRows, self.facts, self.used) = (agreedRows, facts, used)
    }

    func said() throws -> String {
        struct Said: Encodable {
            let actor: [String]
            let now: Int64
            let environment: String
            let agreed_rows: Int?
            let facts: [String: JSON]
            let used: [String: Int]
        }
        return try jsonText(
            Said(
                actor: actor.all, now: milliseconds(now ?? Date()), environment: environment, agreed_rows: agreedRows,
                facts: facts, used: used), "the question to the policy")
    }
}

/// What may be done: the greater one wins, `deny` before `ask` before `allow`.
public enum Outcome: String, CaseIterable, Sendable, Codable {
    case allow, ask, deny
}

/// What a policy decided about a plan: an outcome for each change, and the greatest of them for the plan.
public final class Decision: Sendable {
    let native: TrueUpNative.Decision
    private let facts: Facts

    private struct Facts: Decodable {
        let outcome: Outcome
        let risk: String
        let score: Int
        let asks: [JSON]
        let changes: [JSON]
        let at: Int64
        let validUntil: Int64
        let plan: String
        let policy: String
        let places: [String: [Int]]

        enum CodingKeys: String, CodingKey {
            case outcome, risk, score, asks, changes, at, plan, policy, places
            case validUntil = "valid_until"
        }
    }

    init(_ native: TrueUpNative.Decision) throws {
        let said = native.facts()
        self.native = native
        facts = try readJSON(said)
        document = try readJSON(said)
    }

    /// All of it as the engine writes it.
    public let document: JSON

    public var outcome: Outcome { facts.outcome }
    /// The greatest risk of its changes: `R1`, `R2` or `R3`, which always asks.
    public var risk: String { facts.risk }
    public var score: Int { facts.score }
    /// Who must be asked for the plan as a whole: every one of these.
    public var asks: [JSON] { facts.asks }
    /// The different decisions there are among its changes, with the rules that decided.
    public var changes: [JSON] { facts.changes }
    public var at: Date { date(facts.at) }
    /// Until when it holds: no window, freeze or budget changes before.
    public var validUntil: Date { date(facts.validUntil) }
    /// The plan's digest.
    public var plan: String { facts.plan }
    /// The policy's hash.
    public var policy: String { facts.policy }

    /// The places of the changes in the plan that have an outcome; `plan.without(decision.places(.deny))` leaves the
    /// denied out.
    public func places(_ outcome: Outcome) -> [Int] { facts.places[outcome.rawValue] ?? [] }

    /// The question that it puts to people; a denial puts none.
    public func question() throws -> Question {
        try Question(data: readJSON(guarded { try native.question() }))
    }
}

/// Why a policy decides a plan as it does.
public struct Reasons: Hashable, Sendable, Decodable, CustomStringConvertible {
    public let outcome: Outcome
    /// The rules that match or may, those that weigh most first.
    public let rules: [JSON]
    /// What would alter the outcome, each the least of its kind.
    public let remedies: [String]
    /// All of it, in a few lines.
    public let description: String

    enum CodingKeys: String, CodingKey {
        case outcome, rules, remedies
        case description = "text"
    }
}

func milliseconds(_ date: Date) -> Int64 {
    Int64((date.timeIntervalSince1970 * 1000).rounded())
}

func date(_ milliseconds: Int64) -> Date {
    Date(timeIntervalSince1970: Double(milliseconds) / 1000)
}
