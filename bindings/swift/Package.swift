// swift-tools-version: 6.0
import PackageDescription

// Three targets: the C interface of the native library, what UniFFI generates over it, and the
// hand-written package that people import. `build.sh` makes the first two.
//
// On Apple platforms the library comes as an XCFramework, which `xcframework.sh` makes; elsewhere as
// a shared library in `native/`.
#if os(macOS)
let interface: Target = .binaryTarget(name: "TrueUpFFI", path: "TrueUpFFI.xcframework")
let linking: [LinkerSetting] = []
#else
let native = Context.packageDirectory + "/native"
let interface: Target = .systemLibrary(name: "TrueUpFFI")
let linking: [LinkerSetting] = [
    .unsafeFlags(["-L\(native)", "-Xlinker", "-rpath", "-Xlinker", native])
]
#endif

let package = Package(
    name: "TrueUp",
    platforms: [.macOS(.v13), .iOS(.v16), .tvOS(.v16), .watchOS(.v9), .visionOS(.v1)],
    products: [
        .library(name: "TrueUp", targets: ["TrueUp"]),
        .executable(name: "trueup-scenarios", targets: ["trueup-scenarios"]),
    ],
    targets: [
        interface,
        // What UniFFI 0.32 generates is not yet for the language mode of Swift 6.
        .target(
            name: "TrueUpNative", dependencies: ["TrueUpFFI"],
            swiftSettings: [.swiftLanguageMode(.v5)], linkerSettings: linking),
        .target(name: "TrueUp", dependencies: ["TrueUpNative"]),
        .executableTarget(name: "trueup-scenarios", dependencies: ["TrueUp"]),
        .target(
            name: "ConnectorTemplate", dependencies: ["TrueUp"], path: "Template/Sources/ConnectorTemplate"),
        .testTarget(
            name: "ConnectorTemplateTests", dependencies: ["ConnectorTemplate", "TrueUp"],
            path: "Template/Tests/ConnectorTemplateTests"),
        .testTarget(name: "TrueUpTests", dependencies: ["TrueUp", "trueup-scenarios"]),
    ]
)
