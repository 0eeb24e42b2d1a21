import Foundation
import TrueUp

/// The golden scenarios through Swift: one JSON line each, with name, passed, digest and error kind.
///
///     trueup-scenarios FILE_OR_FOLDER
@main
struct Scenarios {
    static func main() async throws {
        guard let place = CommandLine.arguments.dropFirst().first else {
            print("usage: trueup-scenarios FILE_OR_FOLDER")
            exit(2)
        }
        var lines: [Line] = []
        for file in try files(place) { lines.append(try await Line(file: file)) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for line in lines { print(String(decoding: try encoder.encode(line), as: UTF8.self)) }
        exit(!lines.isEmpty && lines.allSatisfy(\.passed) ? 0 : 1)
    }
}

func files(_ place: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue else {
        return [place]
    }
    let names = FileManager.default.enumerator(atPath: place)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".json") }.sorted().map { "\(place)/\($0)" }
}

/// What came of one scenario; `why` says what is wrong with it.
struct Line: Encodable {
    let name: String
    let passed: Bool
    var digest: String?
    var error: String?
    let why: [String]

    init(file: String) async throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: file))
        let json = try JSONDecoder().decode(JSON.self, from: data)
        name = json["name"]?.string ?? ""
        do {
            if json["system"] == nil {
                (digest, why) = try await Scenario(json).checked()
            } else {
                (digest, why) = try await Way(json).checked()
            }
        } catch let failure as TrueUpError {
            error = failure.kind.rawValue
            why = differences(failure, json["want"]?["error"])
        }
        passed = why.isEmpty
    }

    enum CodingKeys: CodingKey { case name, passed, digest, error, why }

    func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(name, forKey: .name)
        try members.encode(passed, forKey: .passed)
        try members.encode(digest, forKey: .digest)
        try members.encode(error, forKey: .error)
        if !passed { try members.encode(why, forKey: .why) }
    }
}

/// What differs from the error that must come out.
private func differences(_ error: TrueUpError, _ want: JSON?) -> [String] {
    guard let want else { return ["\(error)"] }
    let kind = want["kind"]?.string ?? ""
    let pieces = (want["contains"]?.array ?? []).compactMap(\.string)
    let missing = pieces.filter { !error.message.contains($0) }
    return (error.kind.rawValue == kind ? [] : ["\(error.kind.rawValue) instead of \(kind)"])
        + missing.map { "`\($0)` is not in: \(error.message)" }
}
