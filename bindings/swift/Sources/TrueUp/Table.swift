import Foundation
import TrueUpNative

/// How many rows are taken out at once.
private let step: UInt64 = 4096

/// A table of results: rows for `for try await`, or Arrow, as often as you like. It is computed when it is first asked
/// for something.
public final class Table: AsyncSequence, Sendable {
    public typealias Element = Row

    private let native: Lazily<TrueUpNative.Table>

    init(_ make: @escaping @Sendable () async throws -> TrueUpNative.Table) {
        native = Lazily(make)
    }

    /// How many rows there are.
    public func count() async throws -> Int {
        Int(try await native.value().rows())
    }

    /// The names of the columns.
    public func columnNames() async throws -> [String] {
        try await native.value().columnNames()
    }

    /// All rows.
    public func rows() async throws -> [Row] {
        var all: [Row] = []
        for try await page in pages() { all += page }
        return all
    }

    /// The first rows.
    public func head(_ count: Int = 10) async throws -> [Row] {
        try TrueUp.rows(try await native.value(), from: 0, count: UInt64(Swift.max(count, 0)))
    }

    /// The rows, some at a time.
    public func pages() -> Pages {
        Pages(table: native)
    }

    /// Arrow IPC, of the streaming format.
    public func ipc(progress: ProgressStream? = nil) async throws -> Data {
        let table = try await native.value()
        return takeOver(try await work(progress) { try await table.ipc(call: $0) })
    }

    /// Puts an Arrow C stream (`struct ArrowArrayStream`) there, whose columns are not copied.
    ///
    /// What stood there is overwritten, not released.
    public func arrowStream(into stream: UnsafeMutableRawPointer) async throws {
        let table = try await native.value()
        try guarded { try table.exportStream(address: UInt64(UInt(bitPattern: stream))) }
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(pages: pages().makeAsyncIterator())
    }

    /// The rows one by one.
    public struct Iterator: AsyncIteratorProtocol {
        private var pages: Pages
        private var page: [Row] = []
        private var place = 0

        fileprivate init(pages: Pages) {
            self.pages = pages
        }

        public mutating func next() async throws -> Row? {
            while place == page.count {
                guard let next = try await pages.next() else { return nil }
                (page, place) = (next, 0)
            }
            defer { place += 1 }
            return page[place]
        }
    }

    /// The rows, some at a time.
    public struct Pages: AsyncSequence, AsyncIteratorProtocol, Sendable {
        fileprivate let table: Lazily<TrueUpNative.Table>
        private var start: UInt64 = 0

        fileprivate init(table: Lazily<TrueUpNative.Table>) {
            self.table = table
        }

        public func makeAsyncIterator() -> Pages { self }

        public mutating func next() async throws -> [Row]? {
            try Task.checkCancellation()
            let rows = try TrueUp.rows(try await table.value(), from: start, count: step)
            start += UInt64(rows.count)
            return rows.isEmpty ? nil : rows
        }
    }
}

/// Made when it is first asked for; what failed may be asked for again.
private actor Lazily<T: Sendable> {
    private let make: @Sendable () async throws -> T
    private var made: T?

    init(_ make: @escaping @Sendable () async throws -> T) {
        self.make = make
    }

    func value() async throws -> T {
        if let made { return made }
        let value = try await make()
        made = value
        return value
    }
}

private func rows(_ table: TrueUpNative.Table, from start: UInt64, count: UInt64) throws -> [Row] {
    let names = table.columnNames()
    let cells = try guarded { try table.cells(start: start, count: count) }
    return try cells.withUnsafeBytes { bytes in
        var unpacker = Unpacker(bytes)
        var rows: [Row] = []
        while !unpacker.isAtEnd {
            var row = Row(minimumCapacity: names.count)
            for name in names { row[name] = try unpacker.value() }
            rows.append(row)
        }
        return rows
    }
}
