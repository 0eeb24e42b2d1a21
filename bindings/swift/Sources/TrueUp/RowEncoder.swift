import Foundation

/// The row of an `Encodable` element.
func row(of element: any Encodable, at place: Int) throws -> Row {
    let value = try value(of: element)
    guard case .record(let row) = value else {
        let message = "a row is an object with properties, not \(type(of: element)) (row: \(place))"
        throw TrueUpError.data(message, ErrorDetails(context: ["row": String(place)]))
    }
    return row
}

/// A value of what Foundation and the standard library have, and of what encodes itself.
private func value(of item: any Encodable) throws -> Value {
    switch item {
    case let item as Value: return item
    case let item as Bool: return .bool(item)
    case let item as String: return .text(item)
    case let item as Double: return .float(item)
    case let item as Float: return .float(Double(item))
    case let item as any BinaryInteger: return integer(item)
    case let item as Decimal: return .decimal(item.description)
    case let item as Date: return .moment(item)
    case let item as Data: return .bytes(item)
    case let item as URL: return .text(item.absoluteString)
    case let item as UUID: return .text(item.uuidString)
    default:
        let encoder = ValueEncoder()
        try item.encode(to: encoder)
        return encoder.value()
    }
}

private func integer(_ item: any BinaryInteger) -> Value {
    Int64(exactly: item).map(Value.int) ?? .decimal(String(describing: item))
}

/// Writes one element as a value.
private final class ValueEncoder: Encoder {
    enum Made {
        case nothing
        case value(Value)
        case list([ValueEncoder])
        case record([String: ValueEncoder])
    }

    var made = Made.nothing
    let codingPath: [any CodingKey] = []
    let userInfo: [CodingUserInfoKey: Any] = [:]

    func value() -> Value {
        switch made {
        case .nothing: .null
        case .value(let value): value
        case .list(let items): .list(items.map { $0.value() })
        case .record(let members): .record(members.mapValues { $0.value() })
        }
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .record = made {} else { made = .record([:]) }
        return KeyedEncodingContainer(Members(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .list = made {} else { made = .list([]) }
        return Items(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        Single(encoder: self)
    }

    func member(_ name: String) -> ValueEncoder {
        let inner = ValueEncoder()
        if case .record(var members) = made {
            made = .nothing
            members[name] = inner
            made = .record(members)
        }
        return inner
    }

    func item() -> ValueEncoder {
        let inner = ValueEncoder()
        if case .list(var items) = made {
            made = .nothing
            items.append(inner)
            made = .list(items)
        }
        return inner
    }
}

private struct Members<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: ValueEncoder
    var codingPath: [any CodingKey] { [] }

    mutating func encodeNil(forKey key: Key) { encoder.member(key.stringValue).made = .value(.null) }

    mutating func encode(_ item: some Encodable, forKey key: Key) throws {
        encoder.member(key.stringValue).made = .value(try value(of: item))
    }

    mutating func nestedContainer<Inner: CodingKey>(
        keyedBy type: Inner.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Inner> {
        encoder.member(key.stringValue).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoder.member(key.stringValue).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { encoder.member("super") }
    mutating func superEncoder(forKey key: Key) -> any Encoder { encoder.member(key.stringValue) }
}

private struct Items: UnkeyedEncodingContainer {
    let encoder: ValueEncoder
    var codingPath: [any CodingKey] { [] }

    var count: Int {
        if case .list(let items) = encoder.made { items.count } else { 0 }
    }

    mutating func encodeNil() { encoder.item().made = .value(.null) }
    mutating func encode(_ item: some Encodable) throws { encoder.item().made = .value(try value(of: item)) }

    mutating func nestedContainer<Inner: CodingKey>(keyedBy type: Inner.Type) -> KeyedEncodingContainer<Inner> {
        encoder.item().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder.item().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { encoder.item() }
}

private struct Single: SingleValueEncodingContainer {
    let encoder: ValueEncoder
    var codingPath: [any CodingKey] { [] }

    mutating func encodeNil() { encoder.made = .value(.null) }
    mutating func encode(_ item: some Encodable) throws { encoder.made = .value(try value(of: item)) }
}
