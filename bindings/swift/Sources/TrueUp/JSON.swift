import Foundation

/// Plain data: settings, and documents that the engine writes. Literals make it.
///
/// A whole number beyond 64 bits stands as `{"decimal": "…"}`, as documents take it.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// A member of an object; nil where it has none, or is no object.
    public subscript(name: String) -> JSON? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// The text it is, if it is one.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The whole number it is, if it is one.
    public var int: Int64? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The elements of an array; nil where it is none.
    public var array: [JSON]? {
        if case .array(let items) = self { items } else { nil }
    }
}

extension JSON: Codable {
    public init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let text = try? value.decode(String.self) {
            self = .string(text)
        } else if let truth = try? value.decode(Bool.self) {
            self = .bool(truth)
        } else if let int = try? value.decode(Int64.self) {
            self = .int(int)
        } else if let number = try? value.decode(Double.self) {
            self = number < 0x1p63 ? .number(number) : JSON.wide(number, value)
        } else if let items = try? value.decode([JSON].self) {
            self = .array(items)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let items): try container.encode(items)
        case .object(let members): try container.encode(members)
        }
    }

    /// A whole number that only an unsigned one holds, or a double.
    private static func wide(_ number: Double, _ value: any SingleValueDecodingContainer) -> JSON {
        guard let exact = try? value.decode(UInt64.self) else { return .number(number) }
        return .object(["decimal": .string(String(exact))])
    }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral items: JSON...) { self = .array(items) }
    public init(dictionaryLiteral members: (String, JSON)...) {
        self = .object(Dictionary(members) { _, last in last })
    }
}

/// Data as JSON text; `what` names it where it cannot be said.
func jsonText(_ data: some Encodable, _ what: String) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
        return String(decoding: try encoder.encode(data), as: UTF8.self)
    } catch {
        throw TrueUpError.invalid("\(what) cannot be written as JSON: \(error)")
    }
}

/// Reads what the native half says.
func readJSON<T: Decodable>(_ text: String, as type: T.Type = T.self) throws -> T {
    do {
        return try JSONDecoder().decode(type, from: Data(text.utf8))
    } catch {
        throw TrueUpError.internal("what the engine says cannot be read: \(error); please report it")
    }
}
