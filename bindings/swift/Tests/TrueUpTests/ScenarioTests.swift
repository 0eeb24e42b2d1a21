import Foundation
import Testing
import TrueUp
@testable import trueup_scenarios

@Suite struct ScenarioTests {
    static let folder = package.appendingPathComponent("../../tests/scenarios").standardizedFileURL.path

    @Test func everyScenarioPasses() async throws {
        let files = try files(Self.folder)
        #expect(files.count > 100)
        for file in files {
            let line = try await Line(file: file)
            #expect(line.passed, "\(line.name): \(line.why)")
        }
    }

    @Test func whatDiffersIsSaid() async throws {
        let file = "\(Self.folder)/basic.json"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let scenario = Scenario(try JSONDecoder().decode(JSON.self, from: Data(text.utf8)))
        let outcome = try await scenario.run()
        #expect(try await scenario.differences(outcome).isEmpty)
        let other = text.replacingOccurrences(of: "\"matched\": ", with: "\"matched\": 1")
        let altered = Scenario(try JSONDecoder().decode(JSON.self, from: Data(other.utf8)))
        #expect(try await altered.differences(outcome).count == 1)
    }
}
