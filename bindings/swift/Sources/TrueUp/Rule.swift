/// The rule of one field. Rules go together: `.text(case: .ignore).and(.defaultValue("none"))`.
public struct Rule: Hashable, Sendable, Encodable {
    private let members: [String: JSON]

    /// A rule as data, as it stands in a document.
    public init(_ members: [String: JSON]) {
        self.members = members
    }

    /// Values agree when they are equal: what holds without a rule.
    public static let exact = Rule(["compare": "exact"])

    /// The field is not compared, and may stand on one side only.
    public static let ignore = Rule(["compare": "ignore"])

    /// Lists agree when they have the same elements: order and repeats mean nothing.
    public static let set = Rule(["compare": "set"])

    /// Lists agree when every expected element is in the actual list.
    public static let subset = Rule(["compare": "subset"])

    /// Numbers agree when they are no further apart than `absolute`, or than `relative` times the larger.
    public static func tolerance(absolute: Amount? = nil, relative: Amount? = nil) -> Rule {
        let given = [("absolute", absolute), ("relative", relative)].compactMap { name, amount in
            amount.map { (name, JSON.string($0.text)) }
        }
        return Rule(["tolerance": .object(Dictionary(given) { first, _ in first })])
    }

    /// Times agree when they are no further apart than this.
    public static func timeTolerance(_ duration: Duration) -> Rule {
        let (seconds, attoseconds) = duration.components
        return timeTolerance("\(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)ns")
    }

    /// The same in words: `"90s"`, `"5m"`, `"1d"`, …
    public static func timeTolerance(_ amount: String) -> Rule {
        Rule(["time_tolerance": .string(amount)])
    }

    /// What of a text counts: upper and lower case, white space, the form of its characters.
    public static func text(case: Case = .exact, space: Space = .exact, unicode: Unicode = .exact) -> Rule {
        let words = ["case": `case`.rawValue, "space": space.rawValue, "unicode": unicode.rawValue]
        return Rule(["text": .object(words.filter { $0.value != "exact" }.mapValues(JSON.string))])
    }

    /// Values that stand for others; of a list, its elements.
    public static func alias(_ values: KeyValuePairs<Value, Value>) -> Rule {
        Rule(["aliases": .array(values.map { .array([$0.key.json, $0.value.json]) })])
    }

    /// The value that null stands for.
    public static func defaultValue(_ value: Value) -> Rule {
        Rule(["default": value.json])
    }

    /// The zone, by its IANA name, in which times without a zone are instants.
    public static func zone(_ name: String) -> Rule {
        Rule(["zone": .string(name)])
    }

    /// Whose value counts when the two sides differ; with `.none` the field is reported and never planned.
    public static func owner(_ owner: Owner) -> Rule {
        Rule(["owner": .string(owner.rawValue)])
    }

    /// Both rules; what both say is said as `other` does.
    public func and(_ other: Rule) -> Rule {
        Rule(members.merging(other.members) { _, last in last })
    }

    public func encode(to encoder: any Encoder) throws {
        try members.encode(to: encoder)
    }

    /// Whether upper and lower case differ.
    public enum Case: String, Sendable { case exact, ignore }
    /// What of white space counts.
    public enum Space: String, Sendable { case exact, trim, collapse, remove }
    /// The form in which characters are compared.
    public enum Unicode: String, Sendable { case exact, nfc, nfkc }
    /// Whose value counts, and so whose system a change would go to.
    public enum Owner: String, Sendable { case expected, actual, none }
}

/// A number that counts as the decimal it is written as: `4`, `0.01`, or text such as `"0.010"`.
public struct Amount: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral
{
    let text: String

    public init(_ text: String) { self.text = text }
    public init(integerLiteral value: Int64) { text = String(value) }
    public init(floatLiteral value: Double) { text = String(describing: value) }
    public init(stringLiteral value: String) { text = value }
}
