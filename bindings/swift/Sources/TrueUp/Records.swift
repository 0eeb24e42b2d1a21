import Foundation
import TrueUpNative

/// What can be given as records: rows (`[Row]`, or an array of anything `Encodable`), Arrow IPC `Data`, the path or file
/// URL of a CSV, JSON lines, JSON, Parquet or Arrow file, a ``Snapshot``, or ``Records`` made otherwise.
public typealias RecordSource = RecordConvertible & Sendable

/// What records can be made of; what takes records takes a ``RecordSource``.
public protocol RecordConvertible {
    /// The records.
    func records() throws -> Records
}

/// Records, in whatever form they were given; what takes long is left for the work that uses them.
public struct Records: RecordConvertible, Sendable {
    let native: TrueUpNative.Records

    public func records() -> Records { self }

    /// Rows as dictionaries; of a schema, or with the narrowest types that hold all values.
    public static func rows(_ rows: some Sequence<Row>, schema: [Field]? = nil) throws -> Records {
        var packer = Packer()
        for row in rows { try packer.add(row) }
        return try packed(packer, schema, positional: false)
    }

    /// Rows as arrays, whose cells stand in the order of the schema.
    public static func rows(_ rows: some Sequence<[Value]>, schema: [Field]) throws -> Records {
        var packer = Packer()
        for (place, row) in rows.enumerated() {
            guard row.count == schema.count else {
                throw TrueUpError.data("row \(place) has \(row.count) values, not \(schema.count)")
            }
            try packer.add(row)
        }
        return try packed(packer, schema, positional: true)
    }

    /// One row of each element; its properties become columns under their coding keys.
    public static func encoding(_ elements: some Sequence<any Encodable>, schema: [Field]? = nil) throws -> Records {
        var packer = Packer()
        for (place, element) in elements.enumerated() {
            try packer.add(try row(of: element, at: place))
        }
        return try packed(packer, schema, positional: false)
    }

    /// A JSON array of objects.
    public static func json(_ data: Data) -> Records {
        Records(native: .json(bytes: data.withUnsafeBytes(handOver)))
    }

    /// Arrow IPC, of the streaming or the file format. The bytes are copied once, and the columns stay where they are.
    public static func arrow(_ data: Data) -> Records {
        Records(native: .ipc(bytes: data.withUnsafeBytes(handOver)))
    }

    /// An Arrow C stream (`struct ArrowArrayStream`), whose columns are not copied.
    ///
    /// It must be valid; it is moved out, left released, and read once: make a ``Snapshot`` of it to use it more often.
    public static func arrowStream(_ stream: UnsafeMutableRawPointer) throws -> Records {
        Records(native: try guarded { try .stream(address: UInt64(UInt(bitPattern: stream))) })
    }

    /// A CSV, JSON lines, JSON, Parquet or Arrow file, or a saved snapshot.
    public static func file(_ path: String) -> Records {
        Records(native: .path(path: path))
    }

    private static func packed(_ packer: Packer, _ schema: [Field]?, positional: Bool) throws -> Records {
        let schema = try schema.map { try jsonText($0, "the schema") }
        return try guarded {
            Records(
                native: try .rows(
                    names: packer.names, bytes: packer.bytes(), schema: schema, positional: positional))
        }
    }
}

extension Array: RecordConvertible where Element: Encodable {
    public func records() throws -> Records {
        try records(schema: nil)
    }

    /// The records, of a schema.
    public func records(schema: [Field]?) throws -> Records {
        if let rows = self as? [Row] { return try .rows(rows, schema: schema) }
        return try .encoding(lazy.map { $0 as any Encodable }, schema: schema)
    }
}

extension Data: RecordConvertible {
    /// Arrow IPC.
    public func records() -> Records { .arrow(self) }
}

extension String: RecordConvertible {
    /// The file of this path.
    public func records() -> Records { .file(self) }
}

extension URL: RecordConvertible {
    /// The file of this URL.
    public func records() throws -> Records {
        guard isFileURL else {
            let message = "`\(absoluteString)` is not the URL of a file; read what is there with a connector"
            throw TrueUpError.invalid(message)
        }
        return .file(path)
    }
}

/// One field of records. Types are `bool int float decimal(p,s) text bytes date datetime instant list<T> struct<a:T>`.
public struct Field: Hashable, Sendable, Codable {
    public var name: String
    public var type: String
    public var role: Role
    /// Whether it can be written.
    public var writable: Bool?
    /// Whether it never changes.
    public var immutable: Bool?
    /// Whether it is compared in memory only, and never shown.
    public var secret: Bool?

    /// What a field is to a record: compared as identity, the target's own identifier, its lock, or data.
    public enum Role: String, Sendable, Codable {
        case data, key, id, version
    }

    public init(
        _ name: String, _ type: String, role: Role = .data, writable: Bool? = nil, immutable: Bool? = nil,
        secret: Bool? = nil
    ) {
        (self.name, self.type, self.role) = (name, type, role)
        (self.writable, self.immutable, self.secret) = (writable, immutable, secret)
    }

    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        name = try members.decode(String.self, forKey: .name)
        type = try members.decode(String.self, forKey: .type)
        role = try members.decodeIfPresent(Role.self, forKey: .role) ?? .data
        writable = try members.decodeIfPresent(Bool.self, forKey: .writable)
        immutable = try members.decodeIfPresent(Bool.self, forKey: .immutable)
        secret = try members.decodeIfPresent(Bool.self, forKey: .secret)
    }
}

/// A name or several: `"id"`, or `["site", "serial"]`.
public struct Names: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    public let all: [String]

    public init(_ names: [String]) { all = names }
    public init(stringLiteral name: String) { all = [name] }
    public init(arrayLiteral names: String...) { all = names }
}
