import Foundation
import TrueUpNative

/// One SQLite file that remembers what was read, found, planned, permitted and done.
///
/// Everything it does is done whole, with its entry in the audit log, or not at all. It may be used from any task; each
/// call ends with its commit. The file is let go of with the last handle.
public final class Store: Sendable {
    let native: TrueUpNative.Store

    /// How a store comes to be.
    public enum Mode: String, Sendable {
        case create, open
        case openOrCreate = "open_or_create"
        case inMemory = "in_memory"
    }

    init(_ native: TrueUpNative.Store) {
        self.native = native
    }

    /// Opens a store; settings are `busy_ms`, `batch`, `most_pages` and `log`, a new store's name of its log.
    public static func open(
        _ path: String = "", mode: Mode = .openOrCreate, settings: [String: JSON] = [:]
    ) async throws -> Store {
        let (opening, said) = (try jsonText(mode.rawValue, "the mode"), try jsonText(settings, "the settings"))
        return Store(try await work { try await makeStore(path: path, opening: opening, settings: said, call: $0) })
    }

    /// Makes a store of a backup, which is checked first and stays as it is.
    public static func restore(_ backup: String, to: String) async throws -> Store {
        Store(try await work { try await restoreStore(backup: backup, to: to, call: $0) })
    }

    /// Writes down a plan; secret values are not kept.
    public func keep(_ plan: Plan) async throws {
        try await work { try await native.keepPlan(plan: plan.native, call: $0) }
    }

    /// Writes down what was decided about a plan that was kept.
    public func keep(_ decision: Decision) async throws {
        try await work { try await native.keepDecision(decision: decision.native, call: $0) }
    }

    /// Writes down what a person said.
    public func keep(_ answer: Approval) async throws {
        try await tell(["keep_answer": ["answer": answer.data]])
    }

    /// Writes down that a plan was granted.
    public func keep(_ grant: Grant) async throws {
        try await work { try await native.keepGrant(grant: grant.native, call: $0) }
    }

    /// A plan that was kept. One that writes secrets can be looked at, but not carried out.
    public func plan(_ digest: String) async throws -> Plan {
        try Plan(await work { try await native.plan(digest: digest, call: $0) })
    }

    /// What was decided about the plan of this digest, first to last.
    public func decisions(_ plan: String) async throws -> [JSON] {
        try await ask(["decisions": ["plan": .string(plan)]])
    }

    /// What people said about the plan of this digest, first to last; what was erased is left out.
    public func answers(_ plan: String) async throws -> [Approval] {
        let noted: [JSON] = try await ask(["answers": ["plan": .string(plan)]])
        return noted.compactMap { $0["document"] }.filter { $0 != .null }.map(Approval.init(data:))
    }

    /// A grant that was written down, and the run that used it.
    public func grant(_ id: String) async throws -> JSON {
        try await ask(["grant": ["grant": .string(id)]])
    }

    /// How much of a limit plans have used since then.
    public func used(_ limit: String, since: Date) async throws -> Int {
        try await ask(["used": ["limit": .string(limit), "since": .int(milliseconds(since))]])
    }

    /// Every review that break-glass brought, with when it is due and who has made it.
    public func reviews() async throws -> [JSON] {
        try await ask("reviews")
    }

    /// Writes down that somebody has looked at what was done under a grant of break-glass.
    public func review(_ grant: String, by: String) async throws {
        try await tell(["review": ["grant": .string(grant), "by": .string(by)]])
    }

    /// Notes a reading in the catalogue.
    public func note(reading snapshot: Snapshot) async throws {
        try await work { try await native.noteReading(snapshot: snapshot.native, call: $0) }
    }

    /// The readings of a system, last first.
    public func readings(_ system: String, tenant: String = "") async throws -> [JSON] {
        try await ask(["readings": ["tenant": .string(tenant), "system": .string(system)]])
    }

    /// Notes that both sides agree as this report says: what later plans are measured against.
    public func note(agreed report: Report) async throws {
        try await work { try await native.noteAgreed(report: report.native, call: $0) }
    }

    /// How many records both sides had when they last agreed.
    public func lastAgreed(
        _ name: String, resource: String = "", tenant: String = ""
    ) async throws -> (expected: Int, actual: Int)? {
        let agreed: [String: Int]? = try await ask(["last_agreed": scope(tenant, name, resource)])
        guard let agreed, let expected = agreed["expected"], let actual = agreed["actual"] else { return nil }
        return (expected, actual)
    }

    /// Follows the findings of a reconciliation from its last report to this one.
    public func follow(_ report: Report) async throws -> Followed {
        try readJSON(await work { try await native.follow(report: report.native, call: $0) })
    }

    /// The findings of a reconciliation, those that are resolved too, by id.
    public func findings(_ name: String, resource: String = "", tenant: String = "") async throws -> [JSON] {
        try await ask(["findings": scope(tenant, name, resource)])
    }

    /// Keeps an open finding out of sight until then; whoever owns that says why.
    public func suppress(
        _ finding: String, of report: Report, owner: String, reason: String, until: Date
    ) async throws {
        try await work {
            try await native.suppress(
                report: report.native, finding: finding, owner: owner, reason: reason, until: milliseconds(until),
                call: $0)
        }
    }

    /// Ends a suppression before its time.
    public func unsuppress(_ finding: String, of report: Report, by: String) async throws {
        try await work { try await native.unsuppress(report: report.native, finding: finding, by: by, call: $0) }
    }

    /// Copies the store, as it is at one moment, into a new file, and checks the copy.
    public func backup(to path: String) async throws {
        try await tell(["backup": ["to": .string(path)]])
    }

    /// Checks the file, its tables and every entry of the log; gives the log's size and root.
    public func verify() async throws -> JSON {
        try await ask("verify")
    }

    /// Entries of the audit log from this place on: `place`, `kind`, `at`, `payload`, `leaf`.
    public func logEntries(from: Int = 0, most: Int = 1000) async throws -> [JSON] {
        try await ask(["log_entries": ["from": .int(Int64(from)), "most": .int(Int64(most))]])
    }

    /// Signs the log's head: whoever keeps the note finds any later change of what it covers.
    public func checkpoint(_ key: Key) async throws -> String {
        try await work { try await native.checkpoint(key: key.native, call: $0) }
    }

    /// The checkpoints that were signed, smallest first.
    public func checkpoints() async throws -> [String] {
        try await ask("checkpoints")
    }

    /// Verifies the log against its checkpoints, and one that was kept elsewhere, with these public keys.
    public func verifyLog(logs: [String], saved: String? = nil) async throws -> Verdict {
        let trust: JSON = ["logs": .array(logs.map(JSON.string))]
        return try await ask(["verify_log": ["trust": trust, "saved": saved.map(JSON.string) ?? .null]])
    }

    /// The evidence pack of a run: plan, decisions, answers, receipts, entries of the log and their proofs.
    ///
    /// `files` go in too. Whoever gets the pack can read them.
    public func evidence(_ run: String, _ key: Key, files: [EvidenceFile] = []) async throws -> Data {
        let given = files.map { PackFile(name: $0.name, mediaType: $0.mediaType, bytes: $0.data) }
        return try await work { try await native.evidence(run: run, files: given, key: key.native, call: $0) }
    }

    /// Forgets payloads, documents and records that are older; the log still verifies.
    public func forget(before time: Date, by: String, reason: String) async throws -> [String: Int] {
        let what: JSON = ["time": .int(milliseconds(time)), "by": .string(by), "reason": .string(reason)]
        return try await ask(["forget_before": what])
    }

    /// Forgets what a person said, and every payload that tells of them.
    public func forget(person: String, by: String, reason: String) async throws -> [String: Int] {
        let what: JSON = ["person": .string(person), "by": .string(by), "reason": .string(reason)]
        return try await ask(["forget_person": what])
    }

    private func ask<T: Decodable & Sendable>(_ question: JSON) async throws -> T {
        let said = try jsonText(question, "the question")
        return try readJSON(await work { try await native.ask(question: said, call: $0) })
    }

    /// A question that is answered by doing it.
    private func tell(_ question: JSON) async throws {
        let _: JSON = try await ask(question)
    }

    private func scope(_ tenant: String, _ name: String, _ resource: String) -> JSON {
        ["tenant": .string(tenant), "name": .string(name), "resource": .string(resource)]
    }
}

/// What became of findings since the last report of a reconciliation.
public struct Followed: Hashable, Sendable, Decodable {
    public let opened: [String]
    public let changed: [String]
    public let resolved: [String]
    /// Findings that the report cannot see: it covers something else. They stay open.
    public let unseen: [String]
    public let unchanged: Int
    /// Open findings that are suppressed now.
    public let suppressed: Int
}

/// A file of the host's in an evidence pack.
public struct EvidenceFile: Hashable, Sendable {
    public var name: String
    public var mediaType: String
    public var data: Data

    public init(_ name: String, mediaType: String, _ data: Data) {
        (self.name, self.mediaType, self.data) = (name, mediaType, data)
    }
}

/// What an evidence pack or a log was found to show. Look at `holds` first.
public struct Verdict: Hashable, Sendable, Decodable, CustomStringConvertible {
    /// Whether nothing is wrong.
    public let holds: Bool
    public let problems: [JSON]
    public let about: JSON?
    public let checkpoint: JSON?
    /// Whose signatures hold, of the trusted keys.
    public let signers: [String]
    public let strangers: [String]
    /// Entries of the log that a checkpoint covers: nobody can rewrite them any more.
    public let anchored: [Int]
    public let notAnchored: [Int]
    public let erased: [JSON]
    public let files: [JSON]
    /// In a few lines.
    public let description: String

    enum CodingKeys: String, CodingKey {
        case holds, problems, about, checkpoint, signers, strangers, anchored, erased, files
        case notAnchored = "not_anchored"
        case description = "text"
    }
}

/// Checks an evidence pack, offline, with the public keys of logs and people that you trust.
///
/// `saved` is a checkpoint that you kept from before: against it, a log that was cut or rewritten is found.
public func verifyEvidence(
    _ pack: Data, logs: [String] = [], approvers: [String] = [], saved: String? = nil
) async throws -> Verdict {
    let trust = try jsonText(["logs": logs, "approvers": approvers], "the trusted keys")
    return try readJSON(
        await work { try await TrueUpNative.verifyEvidence(pack: pack, trust: trust, saved: saved, call: $0) })
}

/// The pack with one more signature of its manifest; verify it before you sign.
public func signEvidence(_ pack: Data, _ key: Key) async throws -> Data {
    try await work { try await TrueUpNative.signEvidence(pack: pack, key: key.native, call: $0) }
}
