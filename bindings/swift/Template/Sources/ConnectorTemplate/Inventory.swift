import TrueUp

/// The items of a warehouse, as a connector that can be read and written.
public struct Inventory: Connector {
    private let warehouse: Warehouse
    private let pageSize = 100

    public init(_ warehouse: Warehouse) {
        self.warehouse = warehouse
    }

    public func describe() async throws -> Description {
        let fields = [
            Field("sku", "text", role: .key, writable: true), Field("title", "text", writable: true),
            Field("count", "int", writable: true),
        ]
        // `conditional`: the warehouse compares the values before, so that sending twice has one effect.
        let items = Description.Resource("items", fields: fields, idempotency: .conditional)
        return Description(system: "warehouse", instance: warehouse.name, resources: [items])
    }

    public func check() async throws {
        _ = try await warehouse.items(from: nil, count: 1)
    }

    public func readPage(_ request: ReadRequest) async throws -> Page {
        // One more than fits says whether there is a next page. A cursor is where that page begins.
        let items = try await warehouse.items(from: request.cursor, count: pageSize + 1)
        let rows = items.prefix(pageSize).map(row)
        return Page(Array(rows), next: items.count > pageSize ? items.last?.sku : nil)
    }

    public func apply(_ changes: [Change]) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        // A change that fails is a receipt; an error thrown from here says that nothing is known of any of them.
        for change in changes { receipts.append(try await apply(change)) }
        return receipts
    }

    private func apply(_ change: Change) async throws -> Receipt {
        guard let sku = change.key["sku"]?.text else { return .refused(.invalid("an item has a `sku`")) }
        return try await warehouse.change(sku) { item in
            switch try change.standing(item.map(row)) {
            case .stale: return .stale
            case .already: return .done()
            case .holds:
                item = change.operation == "delete" ? nil : changed(item, sku, change.after)
                return .done()
            }
        }
    }
}

private func row(_ item: Warehouse.Item) -> Row {
    ["sku": .text(item.sku), "title": item.title.map(Value.text) ?? .null, "count": item.count.map(Value.int) ?? .null]
}

/// The item as a change wants it; what the change does not name stays.
private func changed(_ item: Warehouse.Item?, _ sku: String, _ after: Row) -> Warehouse.Item {
    var item = item ?? Warehouse.Item(sku: sku, title: nil, count: nil)
    item.sku = after["sku"]?.text ?? sku
    if let title = after["title"] { item.title = title.text }
    if let count = after["count"] { item.count = count.int }
    return item
}
