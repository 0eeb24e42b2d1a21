import Foundation
import Testing
import TrueUp

@Suite struct WorkTests {
    @Test func aTaskThatIsCancelledCancelsItsWork() async throws {
        let rows = (0..<300_000).map { ["id": .int($0), "text": .text("row \($0)")] as Row }
        let snapshot = try await Snapshot.of(rows)
        let work = Task { try await reconcile(snapshot, snapshot, key: "id", threads: 1) }
        work.cancel()
        let error = try await fails(.cancelled) { _ = try await work.value }
        #expect(!error.message.isEmpty)
    }

    @Test func progressIsASequenceThatEnds() async throws {
        let slow = Numbers(pages: 8, pause: .milliseconds(30))
        let progress = ProgressStream()
        async let read = slow.read("small", progress: progress)
        var seen: [ProgressStream.Step] = []
        for await step in progress { seen.append(step) }
        #expect(try await read.count == 16)
        #expect(!seen.isEmpty && seen.allSatisfy { $0.done <= 16 }, "\(seen)")
    }

    @Test func everyKindIsACase() {
        #expect(TrueUpError.Kind.allCases.map(\.rawValue).sorted() == kinds.sorted())
        for kind in TrueUpError.Kind.allCases {
            let error = TrueUpError(kind, "why", ErrorDetails(retryAfter: 2))
            #expect(error.kind == kind && error.message == "why" && error.details.retryAfter == 2)
            #expect(error.localizedDescription == "why")
        }
    }
}
