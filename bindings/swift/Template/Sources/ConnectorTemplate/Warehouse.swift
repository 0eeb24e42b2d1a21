import TrueUp

/// A system that lives in memory. Yours is a client of a real one: sign in, ask, read what comes back, and throw what
/// failures mean: `TrueUpError.unavailable`, `.throttled`, `.forbidden`, …
public actor Warehouse {
    public struct Item: Sendable {
        public var sku: String
        public var title: String?
        public var count: Int64?

        public init(sku: String, title: String?, count: Int64?) {
            (self.sku, self.title, self.count) = (sku, title, count)
        }
    }

    public nonisolated let name: String
    private var items: [String: Item]
    private var isOpen = true

    public init(_ name: String, _ items: [Item] = []) {
        self.name = name
        self.items = Dictionary(items.map { ($0.sku, $0) }) { _, last in last }
    }

    /// Nobody gets in any more.
    public func close() {
        isOpen = false
    }

    func items(from sku: String?, count: Int) throws -> [Item] {
        guard isOpen else { throw TrueUpError.unavailable("the warehouse `\(name)` is closed") }
        let sorted = items.values.sorted { $0.sku < $1.sku }
        guard let sku else { return Array(sorted.prefix(count)) }
        guard items[sku] != nil else { throw TrueUpError.invalid("`\(sku)` is no cursor of the warehouse") }
        return Array(sorted.drop { $0.sku < sku }.prefix(count))
    }

    func change(_ sku: String, _ work: @Sendable (inout Item?) throws -> Receipt) throws -> Receipt {
        var item = items[sku]
        let receipt = try work(&item)
        items[sku] = nil
        if let item { items[item.sku] = item }
        return receipt
    }
}
