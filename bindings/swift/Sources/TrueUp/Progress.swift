import TrueUpNative

/// How far a long call is, as a sequence that ends when the call does. Make one for a call, and give it along:
///
/// ```swift
/// let progress = ProgressStream()
/// async let report = reconcile(expected, actual, key: "id", progress: progress)
/// for await step in progress { print(step.stage, step.done) }
/// print(try await report.counts)
/// ```
public final class ProgressStream: AsyncSequence, Sendable {
    /// How far it is.
    public struct Step: Hashable, Sendable {
        /// What it is doing.
        public let stage: String
        /// The rows done.
        public let done: UInt64
        /// The rows in all, where that is known.
        public let total: UInt64?
    }

    private let steps: AsyncStream<Step>
    private let reporter: AsyncStream<Step>.Continuation

    public init() {
        // Whoever is slow sees the newest.
        (steps, reporter) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    public func makeAsyncIterator() -> AsyncStream<Step>.Iterator {
        steps.makeAsyncIterator()
    }

    /// Looks at the call a few times a second, until the task is cancelled.
    fileprivate func follow(_ call: Call) -> Task<Void, Never> {
        Task { [reporter] in
            while !Task.isCancelled {
                if let step = call.progress() {
                    reporter.yield(Step(stage: step.stage, done: step.done, total: step.total))
                }
                try? await Task.sleep(for: .milliseconds(50))
            }
        }
    }

    fileprivate func finish() {
        reporter.finish()
    }
}

/// Makes a call of the native half: cancelled with the task that waits for it, and with errors of ours.
func work<T: Sendable>(
    _ progress: ProgressStream? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (Call) async throws -> T
) async throws -> T {
    let call = Call()
    let following = progress?.follow(call)
    defer {
        following?.cancel()
        progress?.finish()
    }
    do {
        return try await withTaskCancellationHandler {
            try await body(call)
        } onCancel: {
            call.cancel()
        }
    } catch let failure as Failure {
        throw TrueUpError(failure)
    }
}

/// Calls the native half, with errors of ours.
func guarded<T>(_ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let failure as Failure {
        throw TrueUpError(failure)
    }
}
