import ConnectorTemplate
import Testing
import TrueUp

@Test func itKeepsItsPromises() async throws {
    let kept = try await conformance {
        let items = (100..<350).map { Warehouse.Item(sku: "S\($0)", title: "item \($0)", count: Int64($0)) }
        let warehouse = Warehouse("north", items)
        let truth = items.map { ["sku": .text($0.sku), "title": .text("item \($0.sku.dropFirst())"), "count": .int(Int64($0.sku.dropFirst())!)] as Row }
        let fresh = (0..<6).map { ["sku": .text("N\($0)"), "title": "new", "count": nil] as Row }
        return Subject(
            Inventory(warehouse), truth: ["items": truth], writes: ("items", fresh),
            breakSource: { await warehouse.close() })
    }
    #expect(kept.contains("paging") && kept.contains("writes"))
}
