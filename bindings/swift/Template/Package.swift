// swift-tools-version: 6.0
import PackageDescription

// A connector of your own: copy this folder, give it your system's name, and point `TrueUp` at the package.
let package = Package(
    name: "ConnectorTemplate",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [.library(name: "ConnectorTemplate", targets: ["ConnectorTemplate"])],
    dependencies: [.package(name: "TrueUp", path: "..")],
    targets: [
        .target(name: "ConnectorTemplate", dependencies: ["TrueUp"]),
        .testTarget(name: "ConnectorTemplateTests", dependencies: ["ConnectorTemplate", "TrueUp"]),
    ]
)
