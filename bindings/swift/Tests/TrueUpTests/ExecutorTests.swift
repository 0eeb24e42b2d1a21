import Foundation
import Testing
import TrueUp

let wished: [Int64: String] = [1: "Emma", 2: "Dune", 3: "Ulysses"]
let shelved: [Int64: String] = [1: "Ema", 4: "Hamlet"]

@Suite struct ExecutorTests {
    @Test(arguments: [1, 10] as [Int64]) func aPlanIsCarriedOut(batch: Int64) async throws {
        let this = try await Case(Shelf(shelved), wished)
        let (grant, progress) = (try await this.grant(), ProgressStream())
        let executor = Executor(this.store, settings: ["batch": .int(batch)])
        let run = try await executor.start(this.plan, grant, gate: this.gate, actual: this.shelf)
        let report = try await run.wait(progress: progress)
        #expect(report.status == "finished" && report.counts["done"] == 4 && "\(report)" == "finished: 4 done of 4")
        #expect(report.changes.allSatisfy { $0.verified == true })
        #expect(await this.shelf.titles == wished)
        #expect(try await Case.compare(this.wish, this.shelf).converged)
        var events: [JSON] = []
        for try await event in run.events { events.append(event) }
        #expect(events.first?["event"] == "started" && events.last == ["event": "ended", "status": "finished"])
        #expect(run.id == report.run)
        #expect(try await this.store.grant(grant.id)["run"]?.string == report.run)
        #expect(try await run.wait().run == report.run)
    }

    @Test func aGrantIsGoodOnceAndForOnePlan() async throws {
        let this = try await Case(Shelf(shelved), wished)
        let grant = try await this.grant()
        let executor = Executor(this.store)
        _ = try await executor.execute(this.plan, grant, gate: this.gate, actual: this.shelf)
        try await fails(.conflict) {
            _ = try await executor.execute(this.plan, grant, gate: this.gate, actual: this.shelf)
        }
        let other = try await Case(Shelf(shelved), wished)
        let less = try other.plan.without([0])
        try await fails(.forbidden) {
            let grant = try await other.grant()
            _ = try await Executor(other.store).execute(less, grant, gate: other.gate, actual: other.shelf)
        }
        #expect(await other.shelf.calls == 0)
    }

    @Test func whatApplyThrowsIsTheCause() async throws {
        let shelf = Shelf(shelved, before: { _ in throw OutOfPaper(sheets: 3) })
        let this = try await Case(shelf, wished)
        let report = try await this.run(["retry": ["attempts": 1], "error_count": 100])
        #expect(report.counts["done"] == 0)
        #expect(report.changes.allSatisfy { $0.cause as? OutOfPaper == OutOfPaper(sheets: 3) }, "\(report.changes)")
    }

    @Test func aCancelledTaskLosesNoOutcome() async throws {
        let (calls, told) = AsyncStream<Void>.makeStream()
        let shelf = Shelf(shelved, before: { _ in
            told.yield()
            try? await Task.sleep(for: .milliseconds(100))
        })
        let this = try await Case(shelf, wished)
        let grant = try await this.grant()
        let executor = Executor(this.store, settings: ["in_flight": 1])
        let running = Task { try await executor.execute(this.plan, grant, gate: this.gate, actual: this.shelf) }
        var heard = calls.makeAsyncIterator()
        _ = await heard.next()
        running.cancel()
        let report = try await running.value
        let done = report.counts["done"] ?? 0
        #expect(report.status == "cancelled" && done >= 1 && done < 4, "\(report)")
        let titles = await shelf.titles
        #expect(wished.filter { titles[$0.key] == $0.value }.count + (titles[4] == nil ? 1 : 0) == done)
        #expect(try await executor.openRuns() == [])
        try await fails(.notFound) {
            let nobody = String(repeating: "0", count: 32)
            _ = try await executor.recover(nobody, gate: this.gate, actual: this.shelf)
        }
    }

    @Test func someStayUnknownAndAPersonIsAsked() async throws {
        let shelf = Shelf(shelved, idempotency: .atMostOnce, before: { change in
            if change.operation == "update" { throw TrueUpError.unavailable("the line went dead") }
        })
        let this = try await Case(shelf, wished)
        let report = try await this.run(["error_count": 100])
        let place = try #require(report.questions.first)
        #expect(report.changes[place].state == "unknown")
        let executor = Executor(this.store)
        try await executor.answer(report.run, place: place, tookPlace: false, by: "person:bo", reason: "looked")
        #expect(try await executor.openRuns() == [])
    }

    @Test func undone() async throws {
        let this = try await Case(Shelf(shelved), wished)
        let report = try await this.run()
        let (back, irreversible) = try this.plan.rollback(report.effects, reading: ["read_id": "r-9"])
        #expect(back.changes.count == 4 && irreversible.isEmpty)
    }
}

@Suite struct StoreTests {
    @Test func remembersAndProves() async throws {
        let this = try await Case(Shelf(shelved), wished)
        let store = this.store
        let report = try await Case.compare(this.wish, this.shelf)
        let followed = try await store.follow(report)
        #expect(followed.opened.count == 4 && followed.suppressed == 0)
        let until = Date(timeIntervalSinceNow: 86_400)
        try await store.suppress(followed.opened[0], of: report, owner: "person:bo", reason: "known", until: until)
        #expect(try await store.findings("books", resource: "books").count == 4)
        try await store.unsuppress(followed.opened[0], of: report, by: "person:bo")
        let run = try await this.run()
        #expect(try await store.plan(this.plan.digest).digest == this.plan.digest)
        #expect(try await store.decisions(this.plan.digest).count >= 1)
        #expect(try await store.answers(this.plan.digest).map(\.person) == ["person:bo", "person:cy"])
        let key = try Key.generate("trueup.local/log")
        let note = try await store.checkpoint(key)
        #expect(try await store.checkpoints() == [note])
        #expect(try await store.verifyLog(logs: [key.verifier], saved: note).holds)
        let files = [EvidenceFile("notes.txt", mediaType: "text/plain", Data("why".utf8))]
        var pack = try await store.evidence(run.run, key, files: files)
        let person = try Key.fromSeed("bo.example", Data(repeating: 7, count: 32))
        pack = try await signEvidence(pack, person)
        let verdict = try await verifyEvidence(pack, logs: [key.verifier], approvers: [person.verifier])
        #expect(verdict.holds, "\(verdict)")
        #expect(verdict.files.contains { $0["name"]?.string?.hasSuffix("notes.txt") == true }, "\(verdict.files)")
        #expect(verdict.signers.count == 2, "\(verdict.signers)")
        pack[pack.count / 2] ^= 1
        #expect(try await !verifyEvidence(pack, logs: [key.verifier]).holds)
        #expect(try await store.logEntries(most: 2).count == 2)
        let forgotten = try await store.forget(person: "person:bo", by: "person:di", reason: "asked")
        #expect(forgotten["entries"] ?? 0 > 0)
        #expect(try await store.verify()["erased"]?.int ?? 0 > 0)
    }

    @Test func filesAndBackups() async throws {
        try await inFolder { folder in
            let store = try await Store.open("\(folder)/a.db", mode: .create)
            let snapshot = try await Shelf(shelved).read("books")
            try await store.note(reading: snapshot)
            #expect(try await store.readings("shelf").count == 1)
            let agreed = try await reconcile(snapshot, snapshot, key: "id", name: "books", resource: "books")
            try await store.note(agreed: agreed)
            let rows = try await store.lastAgreed("books", resource: "books")
            #expect(rows?.expected == 2)
            #expect(try await store.lastAgreed("none") == nil)
            try await store.backup(to: "\(folder)/b.db")
            let restored = try await Store.restore("\(folder)/b.db", to: "\(folder)/c.db")
            #expect(try await restored.readings("shelf").count == 1)
            try await fails(.conflict) { _ = try await Store.open("\(folder)/a.db", mode: .create) }
            try await fails(.invalid) { _ = try await Store.open(mode: .inMemory, settings: ["bussy_ms": 1]) }
        }
    }

    @Test func keysThatAreKeptElsewhere() async throws {
        let inner = try Key.generate("bo.example")
        let outer = try Key.ofHost(inner.verifier) { try inner.sign($0) }
        #expect(try outer.sign(Data("yes".utf8)) == inner.sign(Data("yes".utf8)))
        let broken = try Key.ofHost(inner.verifier) { _ in throw OutOfPaper(sheets: 0) }
        let error = try await fails(.protocolBroken) { _ = try broken.sign(Data()) }
        #expect(error.details.cause as? OutOfPaper == OutOfPaper(sheets: 0))
        try await fails(.invalid) { _ = try Key.fromSeed("bo.example", Data([1])) }
    }

    @Test func answersThatAreSigned() async throws {
        let this = try await Case(Shelf(shelved), wished)
        let question = try this.decision.question()
        let key = try Key.generate("bo.example")
        let yes = try question.approve("person:bo", roles: "owner").sign(key)
        #expect(try question.refusal(yes) != nil)
        #expect(try question.refusal(yes, keys: ["person:bo": [key.verifier]]) == nil)
        guard case .waiting(_, _, let text) = try question.standing([yes], keys: ["person:bo": [key.verifier]]) else {
            throw Missing(what: "it waits")
        }
        #expect(text.contains("owner"))
        let no = try question.reject("person:di", roles: "owner", reason: "not on a Friday").attest("desk")
        #expect(try question.standing([no]).description == "`person:di` said no: not on a Friday")
        let again = try JSONDecoder().decode(Question.self, from: JSONEncoder().encode(question))
        #expect(again == question)
    }
}

@Suite struct LayerTests {
    @Test func mannersAndTapes() async throws {
        let tries = Counter()
        let flaky = Numbers(broken: { _ in
            if tries.next() < 3 { throw TrueUpError.unavailable("not now") }
            return nil
        })
        let retried = try await flaky.layered(retry: ["attempts": 5, "first_ms": 1], readOnly: true)
        #expect(try await retried.read("small").count == 6)
        let (recorded, tape) = try await Numbers().recorded()
        _ = try await recorded.read("small")
        #expect(try await Tape.replay(try tape.text()).read("small").count == 6)
        try await fails(.invalid) { _ = try await Numbers().layered(retry: ["atempts": 2]) }
        try await fails(.data) { _ = try Tape.replay("nothing") }
    }
}

final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}

@Suite struct ConformanceTests {
    static let books = Dictionary(uniqueKeysWithValues: (0..<30).map { (Int64($0), "book \($0)") })

    @Test func aGoodConnectorPasses() async throws {
        let kept = try await conformance {
            let shelf = Shelf(Self.books)
            let rows = Self.books.map { ["id": .int($0.key), "title": .text($0.value)] as Row }
            let fresh = (0..<6).map { ["id": .int(100 + $0), "title": .text("fresh \($0)")] as Row }
            return Subject(
                shelf, truth: ["books": rows], writes: ("books", fresh), breakSource: { await shelf.breakDown() })
        }
        #expect(kept.contains("writes") && kept.count >= 20)
    }

    @Test func aBadOneDoesNot() async throws {
        let error = try await fails(.protocolBroken) {
            try await conformance {
                Subject(Numbers(pages: 1), truth: ["small": [["n": 7, "day": "2026-01-31"]] as [Row]])
            }
        }
        #expect(error.message.contains("`paging`"), "\(error)")
        let mistake = try await fails(.protocolBroken) { try await conformance { throw OutOfPaper(sheets: 1) } }
        #expect(mistake.details.cause as? OutOfPaper == OutOfPaper(sheets: 1))
    }
}
