import TrueUpNative

/// How sending a change twice is kept from having two effects.
public enum Idempotency: Hashable, Sendable, Codable {
    /// The target takes the change's ``Change/idempotencyKey``.
    case key
    /// The target checks version or values before.
    case conditional
    /// After so many seconds the target shows what happened.
    case readBack(Double)
    /// None of these: a change is sent at most once, then a person is asked.
    case atMostOnce
    /// Another for each operation; what is not named is at most once.
    case each([String: Idempotency])

    public init(from decoder: any Decoder) throws {
        self = try Idempotency(JSON(from: decoder), decoder)
    }

    public func encode(to encoder: any Encoder) throws {
        try json.encode(to: encoder)
    }

    private init(_ json: JSON, _ decoder: any Decoder) throws {
        switch json {
        case "key": self = .key
        case "conditional": self = .conditional
        case "at_most_once": self = .atMostOnce
        case .object(let members):
            if case .int(let seconds)? = json["read_back"] {
                self = .readBack(Double(seconds))
            } else if case .number(let seconds)? = json["read_back"] {
                self = .readBack(seconds)
            } else {
                self = .each(try members.mapValues { try Idempotency($0, decoder) })
            }
        default:
            let said = "no way of keeping a change from having two effects is called so"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: said))
        }
    }

    private var json: JSON {
        switch self {
        case .key: "key"
        case .conditional: "conditional"
        case .readBack(let seconds): ["read_back": .number(seconds)]
        case .atMostOnce: "at_most_once"
        case .each(let ways): .object(ways.mapValues(\.json))
        }
    }
}

/// One change, as a connector gets it: names and values are the system's own.
public struct Change: Hashable, Sendable, Codable {
    public let resource: String
    /// `create`, `update`, `delete`, or the name of an action.
    public let operation: String
    public let key: Row
    /// The target's own identifier, where it is known.
    public let id: Value?
    /// The lock that the record had when it was read.
    public let version: Value?
    /// The values it has now, as far as they are known: the precondition.
    public let before: Row
    /// The values it is to have; a key field among them renames the record.
    public let after: Row
    /// Unlike every other change's, and the same whenever this change is sent again.
    public let idempotencyKey: String

    enum CodingKeys: String, CodingKey {
        case resource, operation, key, id, version, before, after
        case idempotencyKey = "idempotency_key"
    }

    /// What the record as it is now means for a change.
    public enum Standing: String, Sendable {
        /// Its precondition holds.
        case holds
        /// It took place already.
        case already
        /// Somebody else changed the record.
        case stale
    }

    /// What the record as it is now (none where there is none) means for it. Values are compared exactly.
    public func standing(_ record: Row?) throws -> Standing {
        let (change, record) = (try jsonText(self, "the change"), try record.map { try jsonText($0, "the record") })
        let said = try guarded { try changeStanding(change: change, record: record) }
        guard let standing = Standing(rawValue: said) else {
            throw TrueUpError.internal("a change stands in a way that is not known here: \(said)")
        }
        return standing
    }
}

/// What became of one change.
public enum Receipt: Sendable, Encodable {
    /// It took place; with the target's identifier and version of the record, where it gave them.
    case done(id: String? = nil, version: String? = nil)
    /// The target works on it; `status` is asked with this handle, in so many seconds.
    case pending(handle: String, checkAfter: Double = 1)
    /// Its precondition no longer holds; it was not carried out.
    case stale
    /// It was not sent.
    case refused(TrueUpError)
    /// The target said no; nothing was changed.
    case failed(TrueUpError)
    /// Whether it took place is not known.
    case unknown(TrueUpError)

    public func encode(to encoder: any Encoder) throws {
        try json.encode(to: encoder)
    }

    private var json: JSON {
        switch self {
        case .done(let id, let version):
            ["state": "done", "id": id.map(JSON.string) ?? .null, "version": version.map(JSON.string) ?? .null]
        case .pending(let handle, let checkAfter):
            ["state": "pending", "handle": .string(handle), "check_after": .number(checkAfter)]
        case .stale: "stale"
        case .refused(let why): Receipt.said("refused", why)
        case .failed(let why): Receipt.said("failed", why)
        case .unknown(let why): Receipt.said("unknown", why)
        }
    }

    private static func said(_ state: JSON, _ why: TrueUpError) -> JSON {
        [
            "state": state, "message": .string(why.message), "kind": .string(why.kind.rawValue),
            "retry_after": why.details.retryAfter.map(JSON.number) ?? .null,
        ]
    }
}
