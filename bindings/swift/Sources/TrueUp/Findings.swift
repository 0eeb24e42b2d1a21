import Foundation

/// One disagreement.
public struct Finding: Hashable, Sendable, Identifiable {
    /// Its id, the same in every run: a finding that is still there keeps it.
    public let id: String
    public let kind: Kind
    /// The key fields, under their own names.
    public let key: Row
    /// The field that differs; nil where the whole record is meant.
    public let field: String?
    /// The expected value, as text.
    public let expected: String?
    /// The actual value, as text.
    public let actual: String?
    /// After a three-way comparison, which side changed.
    public let cause: String?

    /// The kinds of findings.
    public enum Kind: String, CaseIterable, Sendable, Codable {
        case missing, unexpected, changed, duplicate, unkeyed, conflict, ambiguous
    }
}

/// The findings of a report, for `for try await`, as often as you like.
public struct Findings: AsyncSequence, Sendable {
    public typealias Element = Finding

    /// The table they stand in: finding_id, kind, the key columns, field, expected, actual; after a three-way comparison
    /// cause.
    public let table: Table
    let keys: Int

    /// How many there are.
    public func count() async throws -> Int {
        try await table.count()
    }

    /// All of them.
    public func all() async throws -> [Finding] {
        let names = try await table.columnNames()
        return try await table.rows().map { try finding($0, names, keys) }
    }

    /// The first ones.
    public func head(_ count: Int = 10) async throws -> [Finding] {
        let names = try await table.columnNames()
        return try await table.head(count).map { try finding($0, names, keys) }
    }

    /// As Arrow IPC, of the streaming format.
    public func ipc(progress: ProgressStream? = nil) async throws -> Data {
        try await table.ipc(progress: progress)
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(table: table, rows: table.makeAsyncIterator(), keys: keys)
    }

    /// The findings one by one.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let table: Table
        fileprivate var rows: Table.Iterator
        fileprivate let keys: Int
        private var names: [String]?

        fileprivate init(table: Table, rows: Table.Iterator, keys: Int) {
            (self.table, self.rows, self.keys) = (table, rows, keys)
        }

        public mutating func next() async throws -> Finding? {
            guard let row = try await rows.next() else { return nil }
            if names == nil { names = try await table.columnNames() }
            return try finding(row, names ?? [], keys)
        }
    }
}

/// A row of the table. The key columns stand after the kind; one called `kind`, say, is `key.kind` there.
private func finding(_ row: Row, _ names: [String], _ keys: Int) throws -> Finding {
    guard let id = row["finding_id"]?.text, let kind = row["kind"]?.text.flatMap(Finding.Kind.init) else {
        throw TrueUpError.internal("a finding has no id or kind that is known; please report it")
    }
    let key = names.dropFirst(2).prefix(keys).map { ($0, row[$0] ?? .null) }
    return Finding(
        id: id, kind: kind, key: Dictionary(key) { first, _ in first }, field: row["field"]?.text,
        expected: row["expected"]?.text, actual: row["actual"]?.text, cause: row["cause"]?.text)
}
