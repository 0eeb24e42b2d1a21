import Foundation
import TrueUpNative

/// What kind of cell it is; `src/rows.rs` has the same.
private enum Cell {
    static let null: UInt8 = 0
    static let no: UInt8 = 1
    static let yes: UInt8 = 2
    static let int: UInt8 = 3
    static let float: UInt8 = 4
    static let text: UInt8 = 5
    static let named: UInt8 = 6
    static let list: UInt8 = 7
    static let record: UInt8 = 8
}

/// Packs rows for the way over.
struct Packer {
    private(set) var names: [String] = []
    private var places: [String: Int] = [:]
    /// The places of the columns of the row before: most rows have its members, in its order.
    private var before: [Int] = []
    private let buffer = Buffer()

    mutating func add(_ row: Row) throws {
        buffer.count(row.count)
        var at = 0
        for (name, value) in row {
            buffer.count(place(name, at))
            try pack(value)
            at += 1
        }
    }

    /// A row without names: its cells are those of a schema, in its order.
    mutating func add(_ row: [Value]) throws {
        buffer.count(row.count)
        for (place, value) in row.enumerated() {
            buffer.count(place)
            try pack(value)
        }
    }

    func bytes() -> Bytes {
        buffer.bytes()
    }

    private mutating func place(_ name: String, _ at: Int) -> Int {
        if at < before.count, names[before[at]] == name { return before[at] }
        let place = places[name] ?? names.count
        if place == names.count {
            names.append(name)
            places[name] = place
        }
        if at < before.count { before[at] = place } else { before.append(place) }
        return place
    }

    private func pack(_ value: Value) throws {
        switch value {
        case .null: buffer.byte(Cell.null)
        case .bool(let value): buffer.byte(value ? Cell.yes : Cell.no)
        case .int(let value): buffer.number(Cell.int, UInt64(bitPattern: value))
        case .float(let value): buffer.number(Cell.float, value.bitPattern)
        case .text(let value):
            buffer.byte(Cell.text)
            buffer.text(value)
        case .decimal(let value): named("decimal", value)
        case .date(let value): named("date", value)
        case .datetime(let value): named("datetime", value)
        case .instant(let value): named("instant", value)
        case .bytes(let value): named("bytes", hex(value))
        case .list(let items):
            buffer.byte(Cell.list)
            buffer.count(items.count)
            for item in items { try pack(item) }
        case .record(let members):
            buffer.byte(Cell.record)
            buffer.count(members.count)
            // Dictionaries have no order of their own.
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                buffer.text(name)
                try pack(member)
            }
        }
    }

    private func named(_ type: String, _ text: String) {
        buffer.byte(Cell.named)
        buffer.text(type)
        buffer.text(text)
    }
}

/// Bytes that grow.
private final class Buffer {
    private var start = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 8)
    private var capacity = 4096
    private var used = 0

    deinit {
        start.deallocate()
    }

    func byte(_ byte: UInt8) {
        reserve(1)
        start.storeBytes(of: byte, toByteOffset: used, as: UInt8.self)
        used += 1
    }

    func count(_ count: Int) {
        reserve(4)
        start.storeBytes(of: UInt32(count).littleEndian, toByteOffset: used, as: UInt32.self)
        used += 4
    }

    func number(_ kind: UInt8, _ bits: UInt64) {
        reserve(9)
        start.storeBytes(of: kind, toByteOffset: used, as: UInt8.self)
        start.storeBytes(of: bits.littleEndian, toByteOffset: used + 1, as: UInt64.self)
        used += 9
    }

    func text(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            count(utf8.count)
            reserve(utf8.count)
            guard let base = utf8.baseAddress else { return }
            (start + used).copyMemory(from: base, byteCount: utf8.count)
            used += utf8.count
        }
    }

    func bytes() -> Bytes {
        handOver(UnsafeRawBufferPointer(start: start, count: used))
    }

    private func reserve(_ more: Int) {
        guard used + more > capacity else { return }
        capacity = max(capacity * 2, used + more)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
        larger.copyMemory(from: start, byteCount: used)
        start.deallocate()
        start = larger
    }
}

/// How much crosses at once: UniFFI counts in 32 bits.
private let part = 1 << 30

/// Copies bytes over, once.
func handOver(_ all: UnsafeRawBufferPointer) -> Bytes {
    let bytes = Bytes(capacity: UInt64(all.count))
    for from in stride(from: 0, to: all.count, by: part) {
        let some = UnsafeMutableRawPointer(mutating: all.baseAddress! + from)
        let count = min(part, all.count - from)
        bytes.append(part: Data(bytesNoCopy: some, count: count, deallocator: .none))
    }
    return bytes
}

/// Takes bytes back.
func takeOver(_ bytes: Bytes) -> Data {
    let count = bytes.count()
    if count <= part { return bytes.part(from: 0, count: count) }
    var all = Data(capacity: Int(count))
    for from in stride(from: 0, to: count, by: part) {
        all.append(bytes.part(from: from, count: UInt64(part)))
    }
    return all
}

/// Reads packed cells.
struct Unpacker {
    let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { at == bytes.count }

    mutating func value() throws -> Value {
        switch try byte() {
        case Cell.null: return .null
        case Cell.no: return .bool(false)
        case Cell.yes: return .bool(true)
        case Cell.int: return .int(Int64(bitPattern: try number()))
        case Cell.float: return .float(Double(bitPattern: try number()))
        case Cell.text: return .text(try text())
        case Cell.named:
            let (name, text) = (try text(), try text())
            guard let value = Value(named: name, text: text) else { throw broken() }
            return value
        case Cell.list:
            return .list(try (0..<count()).map { _ in try value() })
        case Cell.record:
            let members = try (0..<count()).map { _ in (try text(), try value()) }
            return .record(Dictionary(members) { first, _ in first })
        default: throw broken()
        }
    }

    private mutating func text() throws -> String {
        let count = try count()
        return String(decoding: try take(count), as: UTF8.self)
    }

    private mutating func count() throws -> Int {
        Int(UInt32(littleEndian: try take(4).loadUnaligned(as: UInt32.self)))
    }

    private mutating func number() throws -> UInt64 {
        UInt64(littleEndian: try take(8).loadUnaligned(as: UInt64.self))
    }

    private mutating func byte() throws -> UInt8 {
        try take(1).loadUnaligned(as: UInt8.self)
    }

    private mutating func take(_ count: Int) throws -> UnsafeRawBufferPointer {
        guard bytes.count - at >= count else { throw broken() }
        defer { at += count }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
    }

    private func broken() -> TrueUpError {
        .internal("packed rows do not fit together; please report it")
    }
}
