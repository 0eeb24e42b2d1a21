import Foundation
import Testing
import TrueUp

let expected: [Row] = [
    ["id": 1, "site": "Bern", "gib": 100], ["id": 2, "site": "Rome", "gib": 50], ["id": 4, "site": "Kyiv", "gib": 7],
]
let actual: [Row] = [
    ["id": 1, "site": "Berne", "gib": 97], ["id": 3, "site": "Oslo", "gib": 80], ["id": 4, "site": "Kyiv", "gib": 7],
]

func sites(compare: [String: Rule] = ["gib": .tolerance(absolute: 4)]) async throws -> Report {
    try await reconcile(expected, actual, key: "id", name: "sites", compare: compare)
}

/// The error of this kind that it must fail with.
@discardableResult
func fails(
    _ kind: TrueUpError.Kind, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void
) async throws -> TrueUpError {
    do {
        try await body()
    } catch let error as TrueUpError {
        #expect(error.kind == kind, "\(error)", sourceLocation: sourceLocation)
        return error
    }
    throw Missing(what: "no error, but \(kind) is wanted")
}

struct Missing: Error {
    let what: String
}

/// A folder of its own, gone afterwards.
func inFolder<T>(_ body: (String) async throws -> T) async throws -> T {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("trueup-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.path)
}

/// The package's folder.
let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
