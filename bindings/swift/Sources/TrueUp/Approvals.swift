import Foundation
import TrueUpNative

/// A key that signs: for a log, or for a person.
public final class Key: Sendable, CustomStringConvertible {
    let native: TrueUpNative.Key

    private init(_ native: TrueUpNative.Key) {
        self.native = native
    }

    /// A new key of this name, which lasts as long as the object.
    public static func generate(_ name: String) throws -> Key {
        Key(try guarded { try .generate(name: name) })
    }

    /// The key of this name that comes from these 32 secret bytes.
    public static func fromSeed(_ name: String, _ seed: Data) throws -> Key {
        Key(try guarded { try .fromSeed(name: name, seed: seed) })
    }

    /// A key that is kept elsewhere: its public half, and who makes Ed25519 signatures with it, from any thread.
    public static func ofHost(_ verifier: String, sign: @escaping @Sendable (Data) throws -> Data) throws -> Key {
        Key(try guarded { try .ofHost(verifier: verifier, host: Elsewhere(sign)) })
    }

    /// The public half as text: what others check signatures with.
    public var verifier: String { native.verifier() }

    /// The Ed25519 signature of these bytes.
    public func sign(_ message: Data) throws -> Data {
        try guarded { try native.sign(message: message) }
    }

    /// Its public half.
    public var description: String { "Key(\(verifier))" }
}

private final class Elsewhere: HostKey {
    private let make: @Sendable (Data) throws -> Data

    init(_ make: @escaping @Sendable (Data) throws -> Data) {
        self.make = make
    }

    func sign(message: Data) throws -> Data {
        do {
            return try make(message)
        } catch {
            throw Failure(thrown: error)
        }
    }
}

/// Which public keys are whose: `["person:bo": [bo.verifier]]`. An answer that is signed counts under one of them.
public typealias Keys = [String: [String]]

/// Permission to carry one plan out, once, until it expires. It comes of answers, and of nothing else.
public final class Grant: Sendable {
    let native: TrueUpNative.Grant
    /// Names it, in hexadecimal digits.
    public let id: String
    /// The digest of the plan that may be carried out.
    public let plan: String
    /// When it ends.
    public let expires: Date
    /// What it rests on: `"policy"`, or the people.
    public let by: JSON

    private struct Facts: Decodable {
        let id: String
        let plan: String
        let expires: Int64
        let by: JSON
    }

    init(_ native: TrueUpNative.Grant) throws {
        let facts = try readJSON(native.facts(), as: Facts.self)
        self.native = native
        (id, plan, expires, by) = (facts.id, facts.plan, date(facts.expires), facts.by)
    }
}

/// A person's answer, bound to a question. It counts once it is signed or attested.
public struct Approval: Hashable, Sendable, Codable {
    /// The answer as plain data: to be kept, sent and read again.
    public let data: JSON

    public init(data: JSON) {
        self.data = data
    }

    public init(from decoder: any Decoder) throws {
        data = try JSON(from: decoder)
    }

    public func encode(to encoder: any Encoder) throws {
        try data.encode(to: encoder)
    }

    /// The answer with the person's signature.
    public func sign(_ key: Key) throws -> Approval {
        let said = try jsonText(data, "the answer")
        return Approval(data: try readJSON(try guarded { try signAnswer(answer: said, key: key.native) }))
    }

    /// The answer with the host's word that the person gave it: nobody can check that afterwards.
    public func attest(_ host: String) throws -> Approval {
        let said = try jsonText(data, "the answer")
        return Approval(data: try readJSON(try guarded { try attestAnswer(answer: said, host: host) }))
    }

    /// Whose answer it is.
    public var person: String { data["approver"]?["actor"]?.array?.first?.string ?? "" }
}

/// What the answers to a question come to.
public enum Standing: Sendable, CustomStringConvertible {
    /// All said yes who must.
    case granted(Grant)
    /// Somebody must still answer, and maybe not before a moment.
    case waiting(missing: [JSON], notBefore: Date?, text: String)
    /// Somebody said no.
    case rejected(by: String, reason: String)
    /// The question is over; ask again.
    case expired(at: Date)

    /// In words.
    public var description: String {
        switch self {
        case .granted(let grant): "granted until \(grant.expires.formatted(.iso8601))"
        case .waiting(_, _, let text): text
        case .rejected(let by, let reason): "`\(by)` said no: \(reason)"
        case .expired: "the question is over; ask again"
        }
    }

    /// The grant, where there is one.
    public var grant: Grant? {
        if case .granted(let grant) = self { grant } else { nil }
    }

    init(_ standing: TrueUpNative.Standing) throws {
        let said = try readJSON(standing.said, as: Said.self)
        switch said.state {
        case "granted": self = .granted(try Grant(standing.grant.orBroken()))
        case "rejected": self = .rejected(by: try said.by.orBroken(), reason: try said.reason.orBroken())
        case "expired": self = .expired(at: date(try said.at.orBroken()))
        case "waiting":
            self = .waiting(
                missing: try said.missing.orBroken(), notBefore: said.notBefore.map(date), text: try said.text.orBroken())
        default: throw TrueUpError.internal("a question stands in a way that is not known here: \(said.state)")
        }
    }

    private struct Said: Decodable {
        let state: String
        let missing: [JSON]?
        let notBefore: Int64?
        let by: String?
        let reason: String?
        let at: Int64?
        let text: String?

        enum CodingKeys: String, CodingKey {
            case state, missing, by, reason, at, text
            case notBefore = "not_before"
        }
    }
}

/// A question put to people: what they answer is bound to it, to its plan, and to what that rests on.
public struct Question: Hashable, Sendable, Codable {
    /// The question as plain data: to be kept, sent and read again.
    public let data: JSON
    /// Who must answer, escalations left aside.
    public let asks: [JSON]
    /// When it is over.
    public let expires: Date

    /// Reads the data; the engine holds it to its form when it is asked something about it.
    public init(data: JSON) throws {
        guard let asks = data["asks"]?.array, let expires = data["expires"]?.int else {
            throw TrueUpError.invalid("the question is wrong: it has `asks` and `expires`")
        }
        (self.data, self.asks, self.expires) = (data, asks, date(expires))
    }

    public init(from decoder: any Decoder) throws {
        try self.init(data: JSON(from: decoder))
    }

    public func encode(to encoder: any Encoder) throws {
        try data.encode(to: encoder)
    }

    /// Yes.
    public func approve(
        _ person: String, roles: Names, delegateOf: Names = [], now: Date = Date()
    ) throws -> Approval {
        try answer("approve", person, roles, delegateOf, now)
    }

    /// No. It stands until the person says otherwise, or two others override it.
    public func reject(
        _ person: String, roles: Names, reason: String, delegateOf: Names = [], now: Date = Date()
    ) throws -> Approval {
        try answer(["reject": ["reason": .string(reason)]], person, roles, delegateOf, now)
    }

    /// Yes, in spite of a rejection or deferral: two people must say so.
    public func override(
        _ person: String, roles: Names, reason: String, delegateOf: Names = [], now: Date = Date()
    ) throws -> Approval {
        try answer(["override": ["reason": .string(reason)]], person, roles, delegateOf, now)
    }

    /// One more person must be asked, with one of the roles `to`.
    public func escalate(
        _ person: String, roles: Names, to: Names, reason: String, delegateOf: Names = [], now: Date = Date()
    ) throws -> Approval {
        let whom: JSON = ["roles": .array(to.all.map(JSON.string)), "reason": .string(reason)]
        return try answer(["escalate": whom], person, roles, delegateOf, now)
    }

    /// Not before this moment.
    public func `defer`(
        _ person: String, roles: Names, until: Date, delegateOf: Names = [], now: Date = Date()
    ) throws -> Approval {
        try answer(["defer": ["until": .int(milliseconds(until))]], person, roles, delegateOf, now)
    }

    /// Why an answer counts for nothing, if so; `before` are those given already.
    public func refusal(
        _ answer: Approval, before: [Approval] = [], keys: Keys = [:], now: Date = Date()
    ) throws -> String? {
        let said = (try jsonText(data, "the question"), try jsonText(answer, "the answer"))
        let others = (try jsonText(before, "the answers"), try jsonText(keys, "the keys"))
        return try guarded {
            try TrueUpNative.refusal(
                question: said.0, answer: said.1, before: others.0, keys: others.1, now: milliseconds(now))
        }
    }

    /// What the answers come to now. Those that ``refusal(_:before:keys:now:)`` names a reason for count for nothing.
    public func standing(_ answers: [Approval], keys: Keys = [:], now: Date = Date()) throws -> Standing {
        let (question, answers) = (try jsonText(data, "the question"), try jsonText(answers, "the answers"))
        let keys = try jsonText(keys, "the keys")
        return try Standing(
            guarded {
                try questionStanding(question: question, answers: answers, keys: keys, now: milliseconds(now))
            })
    }

    private func answer(
        _ answer: JSON, _ person: String, _ roles: Names, _ delegateOf: Names, _ now: Date
    ) throws -> Approval {
        let approver: JSON = [
            "actor": [.string(person)], "roles": .array(roles.all.map(JSON.string)),
            "delegate_of": .array(delegateOf.all.map(JSON.string)),
        ]
        let said = (try jsonText(data, "the question"), try jsonText(answer, "the answer"))
        let who = try jsonText(approver, "the approver")
        let made = try guarded {
            try makeAnswer(question: said.0, answer: said.1, approver: who, now: milliseconds(now))
        }
        return Approval(data: try readJSON(made))
    }
}

/// What is to be lifted for a few hours, by whom it is asked for, and why.
public struct Opening: Hashable, Sendable {
    public var requester: Names
    /// The ids of the limits and freezes that are lifted.
    public var lifts: [String]
    public var reason: String
    public var from: Date
    public var until: Date

    public init(requester: Names, lifts: [String], reason: String, from: Date, until: Date) {
        (self.requester, self.lifts, self.reason) = (requester, lifts, reason)
        (self.from, self.until) = (from, until)
    }

    func said() throws -> String {
        let json: JSON = [
            "requester": .array(requester.all.map(JSON.string)), "lifts": .array(lifts.map(JSON.string)),
            "reason": .string(reason), "from": .int(milliseconds(from)), "until": .int(milliseconds(until)),
        ]
        return try jsonText(json, "the opening")
    }
}

/// Limits that two people lifted for a few hours.
public final class BreakGlass: Sendable {
    let native: TrueUpNative.BreakGlass
    /// What it says of itself: the opening, the people, the digest.
    public let facts: JSON

    init(_ native: TrueUpNative.BreakGlass) throws {
        self.native = native
        facts = try readJSON(native.facts())
    }

    /// The one grant of a plan, and when its review is due; `granted` are the digests of plans that had theirs.
    public func grant(
        _ decision: Decision, answers: [Approval] = [], granted: [String] = [], keys: Keys = [:], now: Date = Date()
    ) throws -> (grant: Grant, reviewDue: Date) {
        let (answers, keys) = (try jsonText(answers, "the answers"), try jsonText(keys, "the keys"))
        let made = try guarded {
            try native.grant(
                decision: decision.native, answers: answers, granted: granted, keys: keys, now: milliseconds(now))
        }
        let review = try readJSON(made.said, as: JSON.self)
        return (try Grant(made.grant.orBroken()), date(try (review["due"]?.int).orBroken()))
    }
}

extension Policy {
    /// The question whether to break glass.
    public func glassQuestion(_ opening: Opening) throws -> Question {
        let said = try opening.said()
        return try Question(data: readJSON(guarded { try native.glassQuestion(opening: said) }))
    }

    /// Breaks glass, with the answers to ``glassQuestion(_:)``.
    public func breakGlass(
        _ opening: Opening, answers: [Approval], keys: Keys = [:], now: Date = Date()
    ) throws -> BreakGlass {
        let (said, answers) = (try opening.said(), try jsonText(answers, "the answers"))
        let keys = try jsonText(keys, "the keys")
        return try BreakGlass(
            guarded {
                try .open(policy: native, opening: said, answers: answers, keys: keys, now: milliseconds(now))
            })
    }
}

extension Optional {
    /// What must be there.
    func orBroken() throws -> Wrapped {
        guard let value = self else { throw TrueUpError.internal("a part of an answer is missing; please report it") }
        return value
    }
}
