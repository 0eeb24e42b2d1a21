import Foundation
import Testing
import TrueUp

@Suite struct RecordsTests {
    @Test func rowsHaveTheNarrowestTypes() async throws {
        let rows: [Row] = [
            ["n": 1, "f": 1.5, "t": "é\n", "ok": true, "list": ["a", nil], "in": ["b": 2, "a": nil]],
            ["n": .int(.max), "f": .float(.nan), "t": nil, "day": .date("2026-01-31")],
        ]
        let snapshot = try await Snapshot.of(rows)
        let types = Dictionary(uniqueKeysWithValues: snapshot.fields.map { ($0.name, $0.type) })
        #expect(types["n"] == "int" && types["f"] == "float" && types["day"] == "date" && types["list"] == "list<text>")
        let back = try await snapshot.rows()
        #expect(back.count == 2 && back[0]["t"] == "é\n" && back[0]["in"] == ["b": 2, "a": nil])
        #expect(back[0]["list"] == ["a", nil] && back[0]["day"] == .null && back[1]["n"] == .int(.max))
        #expect(back[1]["day"] == .date("2026-01-31"))
        guard case .float(let number)? = back[1]["f"] else { throw Missing(what: "a float") }
        #expect(number.isNaN)
    }

    @Test func everyValueCrossesAndComesBack() async throws {
        let values: [Value] = [
            .bool(false), .int(.min), .float(-0.5), .text("𝄞 text"), .decimal("12.50"), .bytes(Data([0, 255])),
            .date("2026-01-31"), .datetime("2026-01-31T10:00:00.5"), .instant("2026-01-31T09:00:00Z"), .list([1, 2]),
            .record(["a": .text("x")]),
        ]
        for value in values {
            let snapshot = try await Snapshot.of([["v": value]] as [Row])
            #expect(try await snapshot.rows() == [["v": value]])
            #expect(Value(json: value.json) == value)
            #expect(try JSONDecoder().decode(Value.self, from: JSONEncoder().encode(value)) == value)
        }
        #expect(Value(json: ["decimal": 1]) == nil && Value(json: [1]) == nil && Value(json: ["bytes": "0g"]) == nil)
    }

    struct Device: Encodable {
        struct Owner: Encodable { let name: String, since: Date }
        let id: UInt64
        let os: String?
        let price: Decimal
        let owner: Owner
        let tags: [String]
    }

    @Test func whateverEncodesItselfIsARow() async throws {
        let since = Date(timeIntervalSince1970: 1_769_850_000.25)
        let owner = Device.Owner(name: "Ada", since: since)
        let devices = [
            Device(id: .max, os: nil, price: Decimal(string: "9.90")!, owner: owner, tags: ["a"]),
            Device(id: 1, os: "14", price: 10, owner: owner, tags: []),
        ]
        let rows = try await Snapshot.of(devices).rows()
        #expect(rows[0]["id"] == .decimal("18446744073709551615") && rows[0]["os"] == .null && rows[1]["os"] == "14")
        guard case .record(let read)? = rows[0]["owner"] else { throw Missing(what: "a record") }
        #expect(read["name"] == "Ada" && read["since"]?.date == since)
        #expect(rows[0]["tags"] == ["a"] && rows[0]["price"] == .decimal("9.9"))
        try await fails(.data) { _ = try await Snapshot.of([1, 2]) }
    }

    @Test func momentsAreExactToTheMicrosecond() {
        #expect(Value.moment(Date(timeIntervalSince1970: 0)) == .instant("1970-01-01T00:00:00Z"))
        #expect(Value.moment(Date(timeIntervalSince1970: -0.5)) == .instant("1969-12-31T23:59:59.500000Z"))
        #expect(Value.instant("1970-01-01T00:00:01.5Z").date == Date(timeIntervalSince1970: 1.5))
        #expect(Value.text("1970-01-01T00:00:01Z").date == nil && Value.instant("no").date == nil)
    }

    @Test func schemas() async throws {
        let schema = [Field("id", "int", role: .key), Field("day", "date"), Field("pin", "text", secret: true)]
        let snapshot = try await Snapshot.of(try Records.rows([["id": 1, "day": "2026-01-31"]], schema: schema))
        #expect(try await snapshot.rows()[0]["day"] == .date("2026-01-31"))
        #expect(snapshot.fields.map(\.role) == [.key, .data, .data] && snapshot.fields[2].secret == true)
        let listed = try Records.rows([[1, "2026-01-31", nil], [2, nil, "0000"]], schema: schema)
        #expect(try await Snapshot.of(listed).count == 2)
        try await fails(.data) { _ = try await Snapshot.of(try Records.rows([[1]], schema: schema)) }
        let error = try await fails(.data) {
            _ = try await Snapshot.of(try Records.rows([["id": 1], ["id": "x"]], schema: schema))
        }
        #expect(error.details.context["row"] == "1", "\(error)")
        try await fails(.invalid) { _ = try Records.rows([["id": 1]], schema: [Field("id", "itn")]) }
    }

    @Test func arrowThereAndBack() async throws {
        let snapshot = try await Snapshot.of(expected)
        let bytes = try await snapshot.ipc()
        #expect(try await Snapshot.of(bytes).rows() == expected)
        #expect(try await reconcile(bytes, expected, key: "id").converged)
        let error = try await fails(.data) { _ = try await Snapshot.of(Data([1, 2, 3])) }
        #expect(error.message.contains("Arrow IPC"), "\(error)")
        try await fails(.data) { _ = try await Snapshot.of(bytes.prefix(bytes.count / 2)) }
    }

    @Test func arrowStreamsAreSharedAndReadOnce() async throws {
        let stream = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 8)
        defer { stream.deallocate() }
        try await Snapshot.of(expected).table.arrowStream(into: stream)
        let records = try Records.arrowStream(stream)
        #expect(try await Snapshot.of(records).rows() == expected)
        try await fails(.invalid) { _ = try await Snapshot.of(records) }
        try await fails(.invalid) { _ = try Records.arrowStream(stream) }
    }

    @Test func jsonAndFiles() async throws {
        let json = Data(#"[{"id": 1, "site": "Bern"}, {"id": 2}]"#.utf8)
        #expect(try await Snapshot.of(Records.json(json)).rows()[1] == ["id": 2, "site": nil])
        try await fails(.data) { _ = try await Snapshot.of(Records.json(Data("{}".utf8))) }
        try await inFolder { folder in
            let path = "\(folder)/sites.csv"
            try "id,site\n1,Bern\n2,Rome\n".write(toFile: path, atomically: true, encoding: .utf8)
            let rows: [Row] = [["id": 1, "site": "Bern"], ["id": 2, "site": "Rome"]]
            #expect(try await reconcile(path, rows, key: "id").converged)
            #expect(try await reconcile(URL(fileURLWithPath: path), rows, key: "id").converged)
            let error = try await fails(.notFound) { _ = try await Snapshot.of("\(folder)/stes.csv") }
            #expect(error.message.contains("stes.csv"), "\(error)")
        }
        try await fails(.invalid) { _ = try await Snapshot.of(URL(string: "https://example.org/a.csv")!) }
    }

    @Test func snapshotsKeepWhatTheySay() async throws {
        let snapshot = try await Snapshot.of(
            expected, coverage: .within(["field": "id", "is": 1]), provenance: ["system": "book", "read_id": "r-1"],
            consistency: .snapshot)
        #expect(snapshot.count == 3 && snapshot.consistency == .snapshot)
        let other = try snapshot.with(provenance: ["read_id": "r-2"]).with(field: "site", secret: true)
        #expect(other.provenance["system"] == "book" && other.provenance["read_id"] == "r-2")
        #expect(other.fields.first { $0.name == "site" }?.secret == true)
        try await fails(.invalid) { _ = try snapshot.with(field: "sit", secret: true) }
        try await inFolder { folder in
            try await snapshot.save("\(folder)/s.parquet")
            let loaded = try await Snapshot.load("\(folder)/s.parquet")
            #expect(loaded.coverage == snapshot.coverage && loaded.provenance == snapshot.provenance)
            #expect(try await loaded.contentRoot(key: "id") == snapshot.contentRoot(key: "id"))
            #expect(try await Snapshot.of("\(folder)/s.parquet").coverage == snapshot.coverage)
        }
    }

    @Test func tablesAreReadInPages() async throws {
        let rows = (0..<10_000).map { ["n": .int($0)] as Row }
        let table = try await Snapshot.of(rows).table
        var (pages, sum) = (0, Int64(0))
        for try await page in table.pages() { pages += page.isEmpty ? 0 : 1 }
        for try await row in table { sum += row["n"]?.int ?? 0 }
        #expect(pages == 3 && sum == 49_995_000)
        #expect(try await table.count() == 10_000)
        #expect(try await table.columnNames() == ["n"])
        #expect(try await table.head(2) == [["n": 0], ["n": 1]])
    }
}
