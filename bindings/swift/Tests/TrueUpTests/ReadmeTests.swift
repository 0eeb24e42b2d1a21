import Foundation
import Testing
import TrueUp

/// The README's code, run: what it prints is what the comments beside it say.
@Suite struct ReadmeTests {
    @Test func itDoesWhatItSays() async throws {
        var printed: [String] = []
        func print(_ items: Any...) {
            printed.append(items.map { "\($0)" }.joined(separator: " "))
        }

        let expected: [Row] = [["id": 1, "site": "Bern", "gib": 100], ["id": 2, "site": "Rome", "gib": 50]]
        let actual: [Row] = [["id": 1, "site": "Berne", "gib": 97], ["id": 3, "site": "Oslo", "gib": 80]]

        let report = try await reconcile(
            expected, actual, key: "id", name: "sites", compare: ["gib": .tolerance(absolute: 4)])
        print(report)  // sites: matched 0, missing 1, unexpected 1, changed 1
        for try await finding in report.findings {
            print(finding.kind, finding.key["id"]!, finding.field ?? "-", finding.expected ?? "-", finding.actual ?? "-")
        }
        // changed 1 site Bern Berne
        // missing 2 - - -
        // unexpected 3 - - -

        let finding = try await report.findings.head(1)[0]
        print(try await report.explain(finding.id).remedy)  // set `site` to `Bern` on the actual side

        let state = try await Snapshot.of(actual, provenance: ["system": "directory", "read_id": "r-17"])
        let plan = try await reconcile(expected, state, key: "id", name: "sites").plan()
        print(plan)  // 1 to create, 1 to update, 1 to delete on the actual side

        let decision = try await Policy.standard().decide(plan, Request(actor: ["agent:sync", "person:ana"]))
        print(decision.outcome)  // ask
        let yes = try decision.question().approve("person:bo", roles: "owner").attest("desk")
        print(try decision.question().standing([yes]))  // waiting for 1 person with role `owner`

        struct Shelf: Connector {
            func describe() async throws -> Description {
                let fields = [Field("id", "int", role: .key), Field("title", "text")]
                return Description(system: "shelf", resources: [.init("books", fields: fields)])
            }
            func readPage(_ request: ReadRequest) async throws -> Page {
                if request.cursor == nil { return Page([["id": 1, "title": "Emma"]] as [Row], next: "2") }
                return Page([["id": 2, "title": "Dune"]] as [Row])
            }
        }
        print(try await Shelf().read("books").count)  // 2

        do {
            _ = try await reconcile(expected, actual, key: "id", compare: ["gbi": .ignore])
        } catch let error as TrueUpError {
            print(error.kind, error.message)  // invalid unknown field `gbi`; did you mean `gib`?
        }

        let said = try Self.said()
        #expect(printed == said)
    }

    @Test func itIsTheCodeOfThisFile() throws {
        let here = try String(contentsOfFile: #filePath, encoding: .utf8)
        for block in try Self.blocks() {
            for line in block.split(separator: "\n") where line != "import TrueUp" {
                #expect(here.contains(line), "\(line)")
            }
        }
    }

    static func blocks() throws -> [String] {
        let text = try String(contentsOf: package.appendingPathComponent("README.md"), encoding: .utf8)
        return text.components(separatedBy: "```swift\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
    }

    /// What the comments say is printed.
    static func said() throws -> [String] {
        try blocks().joined().split(separator: "\n").compactMap { line in
            line.components(separatedBy: "// ").dropFirst().first
        }
    }
}
