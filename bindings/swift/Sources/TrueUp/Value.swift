import Foundation

/// A value of a record. Literals make the plain ones: `["id": 7, "site": "Bern", "gib": 1.5, "lost": nil]`.
///
/// Decimals and times are text, so that no digit is lost; ``moment(_:)`` and ``date`` go over to
/// Foundation's `Date`. A whole number beyond 64 bits is a decimal.
public enum Value: Hashable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case float(Double)
    case text(String)
    /// Digits, as in `12.50`.
    case decimal(String)
    case bytes(Data)
    /// As in `2026-01-31`.
    case date(String)
    /// A time without a zone, as in `2026-01-31T10:00:00`.
    case datetime(String)
    /// A point in time, as in `2026-01-31T09:00:00Z`.
    case instant(String)
    case list([Value])
    case record([String: Value])

    /// A point in time, to the microsecond.
    public static func moment(_ date: Date) -> Value {
        let micros = (date.timeIntervalSince1970 * 1_000_000).rounded()
        let seconds = (micros / 1_000_000).rounded(.down)
        let whole = Date(timeIntervalSince1970: seconds).formatted(.iso8601)
        let fraction = Int64(micros - seconds * 1_000_000)
        if fraction == 0 { return .instant(whole) }
        let digits = String(String(1_000_000 + fraction).dropFirst())
        return .instant(whole.dropLast() + "." + digits + "Z")
    }

    /// The instant it is as a `Date`, as exact as a `Date` can be.
    public var date: Date? {
        guard case .instant(let text) = self else { return nil }
        let parts = text.dropLast().split(separator: ".", maxSplits: 1)
        guard let first = parts.first, text.hasSuffix("Z"),
            let whole = try? Date(first + "Z", strategy: .iso8601)
        else { return nil }
        let fraction = parts.count > 1 ? Double("0." + parts[1]) ?? 0 : 0
        return whole.addingTimeInterval(fraction)
    }

    /// The text it is, if it is one.
    public var text: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// The whole number it is, if it is one.
    public var int: Int64? {
        if case .int(let value) = self { value } else { nil }
    }
}

/// One record.
public typealias Row = [String: Value]

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int64) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .float(value) }
    public init(stringLiteral value: String) { self = .text(value) }
    public init(arrayLiteral items: Value...) { self = .list(items) }
    public init(dictionaryLiteral members: (String, Value)...) {
        self = .record(Dictionary(members) { _, last in last })
    }
}

extension Value: CustomStringConvertible {
    /// The value as text: what it looks like, without its type.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): String(value)
        case .int(let value): String(value)
        case .float(let value): String(value)
        case .bytes(let value): hex(value)
        case .text(let text), .decimal(let text), .date(let text), .datetime(let text), .instant(let text): text
        case .list(let items): "\(items)"
        case .record(let members): "\(members)"
        }
    }
}

extension Value {
    /// The JSON form: what JSON lacks is an object of one member that names its type.
    public var json: JSON {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .float(let value): value.isFinite ? .number(value) : ["float": .string(word(value))]
        case .text(let value): .string(value)
        case .decimal(let value): ["decimal": .string(value)]
        case .bytes(let value): ["bytes": .string(hex(value))]
        case .date(let value): ["date": .string(value)]
        case .datetime(let value): ["datetime": .string(value)]
        case .instant(let value): ["instant": .string(value)]
        case .list(let items): ["list": .array(items.map(\.json))]
        case .record(let members): ["struct": .object(members.mapValues(\.json))]
        }
    }

    /// Reads the JSON form; nil where it is none of a value.
    public init?(json: JSON) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .number(let value): self = .float(value)
        case .string(let value): self = .text(value)
        case .array: return nil
        case .object(let members):
            guard members.count == 1, let (name, inner) = members.first else { return nil }
            guard let value = Value(named: name, inner) else { return nil }
            self = value
        }
    }

    /// A value that JSON lacks.
    private init?(named name: String, _ inner: JSON) {
        switch (name, inner) {
        case ("list", .array(let items)):
            let values = items.compactMap(Value.init(json:))
            guard values.count == items.count else { return nil }
            self = .list(values)
        case ("struct", .object(let members)):
            let values = members.compactMapValues(Value.init(json:))
            guard values.count == members.count else { return nil }
            self = .record(values)
        case (_, .string(let text)):
            guard let value = Value(named: name, text: text) else { return nil }
            self = value
        default: return nil
        }
    }

    /// A value whose type has this name, from its text.
    init?(named name: String, text: String) {
        switch name {
        case "decimal": self = .decimal(text)
        case "date": self = .date(text)
        case "datetime": self = .datetime(text)
        case "instant": self = .instant(text)
        case "float":
            guard let value = Double(text) else { return nil }
            self = .float(value)
        case "bytes":
            guard let bytes = unhex(text) else { return nil }
            self = .bytes(bytes)
        default: return nil
        }
    }
}

extension Value: Codable {
    public init(from decoder: any Decoder) throws {
        guard let value = Value(json: try JSON(from: decoder)) else {
            let said = DecodingError.Context(
                codingPath: decoder.codingPath, debugDescription: "it is no value")
            throw DecodingError.dataCorrupted(said)
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        try json.encode(to: encoder)
    }
}

private func word(_ value: Double) -> String {
    if value.isNaN { "nan" } else { value > 0 ? "inf" : "-inf" }
}

func hex(_ bytes: Data) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let text = bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return String(decoding: text, as: UTF8.self)
}

private func unhex(_ text: String) -> Data? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
    let pairs = stride(from: 0, to: digits.count, by: 2)
    return Data(pairs.map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
}
