import TrueUpNative

/// What must say yes when a plan is carried out: the policy is asked again.
public struct PolicyGate: Sendable {
    public var policy: Policy
    /// Who asks, where, and what else is known.
    public var request: Request
    /// What break-glass lifts, while it is open.
    public var glass: BreakGlass?

    public init(_ policy: Policy, _ request: Request, glass: BreakGlass? = nil) {
        (self.policy, self.request, self.glass) = (policy, request, glass)
    }
}

/// Carries plans out. Nothing without a grant, nothing that is not on disk, and nothing twice.
///
/// A change of unknown outcome is settled as its target allows, or a person is asked.
public struct Executor: Sendable {
    private let store: Store
    private let settings: [String: JSON]

    /// Settings are `in_flight`, `batch`, `retry`, `error_share`, `error_count`, `lease_ms`, `pending_ms`, `verify` and
    /// `clock_back_ms`.
    public init(_ store: Store, settings: [String: JSON] = [:]) {
        (self.store, self.settings) = (store, settings)
    }

    /// Carries a plan out, and waits for its end. A task that is cancelled cancels the run, which first finishes what is
    /// under way: no outcome is lost.
    public func execute(
        _ plan: Plan, _ grant: Grant, gate: PolicyGate, actual: (any Connector)? = nil,
        expected: (any Connector)? = nil, progress: ProgressStream? = nil
    ) async throws -> RunReport {
        let run = try await start(plan, grant, gate: gate, actual: actual, expected: expected)
        return try await run.wait(progress: progress)
    }

    /// Begins to carry a plan out, and does not wait.
    public func start(
        _ plan: Plan, _ grant: Grant, gate: PolicyGate, actual: (any Connector)? = nil,
        expected: (any Connector)? = nil
    ) async throws -> Run {
        try await run(plan, grant, nil, gate, actual, expected)
    }

    /// Takes a run up again: finds out what became of changes that may have been sent, and goes on with the rest.
    ///
    /// The plan is taken from the store, but for one that writes secrets: hand that in again.
    public func recover(
        _ run: String, gate: PolicyGate, actual: (any Connector)? = nil, expected: (any Connector)? = nil,
        plan: Plan? = nil, progress: ProgressStream? = nil
    ) async throws -> RunReport {
        try await self.run(plan, nil, run, gate, actual, expected).wait(progress: progress)
    }

    /// Runs that have not ended: their process did, or they wait for pending changes.
    public func openRuns() async throws -> [String] {
        try await work { try await store.native.openRuns(call: $0) }
    }

    /// What a person says became of a change that nobody knew about: whether it took place.
    public func answer(_ run: String, place: Int, tookPlace: Bool, by: String, reason: String) async throws {
        try await work {
            try await store.native.answerFor(
                run: run, place: UInt64(max(place, 0)), tookPlace: tookPlace, by: by, reason: reason, call: $0)
        }
    }

    private func run(
        _ plan: Plan?, _ grant: Grant?, _ name: String?, _ gate: PolicyGate, _ actual: (any Connector)?,
        _ expected: (any Connector)?
    ) async throws -> Run {
        let sides = [("actual", actual), ("expected", expected)]
        let order = Order(
            settings: try jsonText(settings, "the executor's settings"), plan: plan?.native, grant: grant?.native,
            run: name,
            systems: sides.compactMap { side, connector in
                connector.map { SystemOfSide(side: side, source: $0.source) }
            },
            policy: gate.policy.native, request: try gate.request.said(), glass: gate.glass?.native)
        return Run(try await work { try await store.native.run(order: order, call: $0) })
    }
}

/// A run that goes on by itself; losing this handle, or not waiting, does not stop it.
public final class Run: Sendable {
    private let native: TrueUpNative.Run

    init(_ native: TrueUpNative.Run) {
        self.native = native
    }

    /// Its name, as soon as it has begun.
    public var id: String? { native.id() }

    /// What happens, until its end: each change's state, waits, the ends of waves and of the run. Each is told once.
    public var events: Events { Events(native: native) }

    /// Asks it to stop: what is under way is finished and written down, nothing more is sent.
    public func cancel() {
        native.cancel()
    }

    /// Waits for its end. Cancelling the task cancels the run, which loses nothing: the store knows what was done.
    public func wait(progress: ProgressStream? = nil) async throws -> RunReport {
        try RunReport(await work(progress) { try await native.outcome(call: $0) })
    }

    /// What happens in a run.
    public struct Events: AsyncSequence, AsyncIteratorProtocol, Sendable {
        fileprivate let native: TrueUpNative.Run
        private var next: ArraySlice<JSON> = []

        fileprivate init(native: TrueUpNative.Run) {
            self.native = native
        }

        public func makeAsyncIterator() -> Events { self }

        public mutating func next() async throws -> JSON? {
            while next.isEmpty {
                // What happens before its end is told before its end.
                let isOver = native.isOver()
                next = try readJSON(native.events(), as: [JSON].self)[...]
                if next.isEmpty, isOver { return nil }
                if next.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            }
            return next.popFirst()
        }
    }
}

/// What became of a run.
public struct RunReport: Sendable, CustomStringConvertible {
    /// The run's name.
    public let run: String
    /// `finished`, `stopped`, `cancelled` or `waiting`.
    public let status: String
    /// Why it stopped.
    public let reason: String?
    /// How many changes there are of each state, and in `total`.
    public let counts: [String: Int]
    /// Every change, in the order of the plan.
    public let changes: [ChangeReport]
    /// The changes that took place: what ``Plan/rollback(_:reading:)`` takes.
    public let effects: [Effect]
    /// The places of changes of which nobody knows whether they took place: a person is asked.
    public let questions: [Int]
    /// In one line.
    public let description: String

    private struct Said: Decodable {
        let run: String
        let status: String
        let reason: String?
        let counts: [String: Int]
        let changes: [ChangeReport]
        let effects: [Effect]
        let questions: [Int]
        let text: String
    }

    init(_ outcome: TrueUpNative.Outcome) throws {
        let said = try readJSON(outcome.said, as: Said.self)
        let thrown = Dictionary(outcome.thrown.map { (Int($0.place), held($0.thrown)) }) { _, last in last }
        (run, status, reason, counts) = (said.run, said.status, said.reason, said.counts)
        (effects, questions, description) = (said.effects, said.questions, said.text)
        changes = said.changes.map { change in
            var change = change
            change.cause = thrown[change.place] ?? nil
            return change
        }
    }
}

/// What became of one change.
public struct ChangeReport: Sendable, Decodable {
    /// Its place in the plan.
    public let place: Int
    /// `done`, `pending`, `stale`, `refused`, `failed` or `unknown`.
    public let state: String
    public let attempts: Int
    public let id: String?
    public let version: String?
    /// Whether it was found in the target when that was read back; nil where nobody looked.
    public let verified: Bool?
    public let error: String?
    /// What a connector's `apply` threw.
    public var cause: (any Error)?

    enum CodingKeys: CodingKey { case place, state, attempts, id, version, verified, error }
}
