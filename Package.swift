// swift-tools-version: 6.2
// Rondo: distributed training of recurrent networks. Modules in the order of their imports: each uses only those above.

import PackageDescription

/// Kernels are optimised in debug builds too: a test run through unoptimised arithmetic would crawl. Contraction is off
/// because a multiply-add is fused only where the source says so (same bits on every instruction set).
let kernelSettings: [CSetting] = [.unsafeFlags(["-O3", "-ffp-contract=off"])]

/// All addresses are bound before a program starts, and their table is read-only from then on. (That programs lie at
/// random addresses and their stacks are not executable is Swift's default.)
#if os(Linux)
let programSettings: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "-z", "-Xlinker", "relro", "-Xlinker", "-z", "-Xlinker", "now"])
]
#else
let programSettings: [LinkerSetting] = []
#endif

/// On Linux the header lies in /usr/include. Debian's libzmq.pc drags in Kerberos flags, which SwiftPM warns about.
#if os(Linux)
let zeroMQPackage: String? = nil
#else
let zeroMQPackage: String? = "libzmq"
#endif

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "rondo",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "rondo", targets: ["rondo"]),
        .executable(name: "rondo-server", targets: ["rondo-server"]),
        .executable(name: "rondo-worker", targets: ["rondo-worker"]),
    ],
    // Exact versions: what is built tomorrow is what was tested.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        .target(name: "CKernels", cSettings: kernelSettings, linkerSettings: [.linkedLibrary("m")]),
        .systemLibrary(
            name: "CZeroMQ", pkgConfig: zeroMQPackage, providers: [.apt(["libzmq3-dev"]), .brew(["zeromq"])]),
        .target(name: "Numerics", dependencies: ["CKernels"]),
        .target(name: "Recurrent", dependencies: ["Numerics"]),
        .target(name: "Optimization", dependencies: ["Numerics"]),
        .target(name: "Configuration", dependencies: [yams]),
        .target(name: "Corpora", dependencies: ["Platform", "Numerics", "Configuration", crypto]),
        .target(
            name: "Tasks",
            dependencies: ["Platform", "Numerics", "Recurrent", "Optimization", "Configuration", "Corpora"]),
        .target(name: "Checkpoints", dependencies: ["Platform", crypto]),
        .target(name: "Messaging", dependencies: ["CZeroMQ", "Platform"]),
        .target(name: "WireProtocol", dependencies: [protobuf], exclude: ["rondo.proto"]),
        .target(name: "Cluster", dependencies: ["Numerics"]),
        .target(name: "Ledger", dependencies: ["Platform", "Configuration", "Corpora", "Checkpoints", crypto]),
        .target(name: "CPlatform"),
        .target(name: "Platform", dependencies: ["CPlatform"]),
        .target(
            name: "Server",
            dependencies: [
                "Numerics", "Optimization", "Configuration", "Corpora", "Tasks", "Checkpoints", "Messaging",
                "WireProtocol", "Cluster", "Ledger", "Platform", logging,
            ]),
        .target(
            name: "Worker",
            dependencies: [
                "Numerics", "Recurrent", "Configuration", "Corpora", "Tasks", "Messaging", "WireProtocol", "Cluster",
                "Platform", logging,
            ]),
        .target(name: "CSimulation"),
        .target(
            name: "Simulation",
            dependencies: [
                "CSimulation", "Platform", "Numerics", "Configuration", "Corpora", "Tasks", "Checkpoints", "Messaging",
                "WireProtocol", "Cluster", "Ledger", "Server", "Worker", "Client", logging,
            ]),
        .executableTarget(name: "rondo-simulate", dependencies: ["Simulation", argumentParser]),
        .target(
            name: "Inference",
            dependencies: [
                "Platform", "Numerics", "Recurrent", "Configuration", "Corpora", "Tasks", "Checkpoints", "Cluster",
            ]),
        .target(
            name: "Client",
            dependencies: [
                "Platform", "Numerics", "Recurrent", "Configuration", "Corpora", "Tasks", "Checkpoints", "Messaging",
                "WireProtocol",
            ]),
        .target(
            name: "Preflight",
            dependencies: [
                "Platform", "Numerics", "Recurrent", "Optimization", "Configuration", "Corpora", "Tasks", "Messaging",
                "Server",
            ]),
        .target(
            name: "Supervisor",
            dependencies: [
                "Platform", "Numerics", "Configuration", "Tasks", "Checkpoints", "Messaging", "Server", "Client",
                "Preflight", argumentParser, logging,
            ]),
        .executableTarget(
            name: "rondo",
            dependencies: [
                "Platform", "Configuration", "Tasks", "Checkpoints", "Messaging", "Ledger", "Inference", "Client",
                "Preflight", "Supervisor", argumentParser,
            ], linkerSettings: programSettings),
        .executableTarget(
            name: "rondo-server",
            dependencies: [
                "Platform", "Configuration", "Messaging", "Server", "Preflight", "Supervisor", argumentParser,
                logging,
            ], linkerSettings: programSettings),
        .executableTarget(
            name: "rondo-worker",
            dependencies: ["Platform", "Messaging", "Worker", "Client", "Supervisor", argumentParser],
            linkerSettings: programSettings),
        .executableTarget(
            name: "KernelBenchmark", dependencies: ["CKernels"], path: "Benchmarks/KernelBenchmark"),
        .executableTarget(
            name: "StepBenchmark", dependencies: ["CKernels", "Numerics", "Recurrent", "Optimization"],
            path: "Benchmarks/StepBenchmark"),
        .testTarget(name: "CKernelsTests", dependencies: ["CKernels"]),
        .testTarget(name: "NumericsTests", dependencies: ["Numerics"]),
        .testTarget(
            name: "RecurrentTests", dependencies: ["Numerics", "Recurrent", "Optimization"], exclude: ["Fixtures"]),
        .testTarget(name: "OptimizationTests", dependencies: ["Numerics", "Optimization"]),
        .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"]),
        .testTarget(name: "CorporaTests", dependencies: ["Numerics", "Configuration", "Corpora"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints"], exclude: ["Fixtures"]),
        .testTarget(name: "MessagingTests", dependencies: ["Messaging"]),
        .testTarget(
            name: "InferenceTests",
            dependencies: ["Numerics", "Recurrent", "Configuration", "Corpora", "Tasks", "Checkpoints", "Inference"]),
        .testTarget(
            name: "ClientTests",
            dependencies: [
                "Platform", "Numerics", "Recurrent", "Configuration", "Corpora", "Tasks", "Checkpoints", "Messaging",
                "WireProtocol", "Client",
            ]),
        .testTarget(
            name: "SupervisorTests",
            dependencies: ["Platform", "Configuration", "Messaging", "Server", "Client", "Supervisor", logging]),
        .testTarget(
            name: "PreflightTests",
            dependencies: [
                "Platform", "Numerics", "Recurrent", "Configuration", "Corpora", "Tasks", "Preflight",
            ]),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Numerics", "Optimization", "Messaging", "WireProtocol", "Cluster", "Platform", "Server", logging,
            ]),
        .testTarget(name: "SimulationTests", dependencies: ["Platform", "Simulation", "rondo-simulate"]),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"]),
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "Platform", "Numerics", "Configuration", "Corpora", "Tasks", "Checkpoints", "Messaging", "WireProtocol",
                "Server", "Worker", "Client", "Supervisor", logging,
            ]),
        .testTarget(name: "StyleTests"),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "rondo", "rondo-server", "rondo-worker", "Messaging", "WireProtocol", "Client",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .testTarget(name: "LedgerTests", dependencies: ["Configuration", "Corpora", "Checkpoints", "Ledger"]),
        .testTarget(name: "ClusterTests", dependencies: ["Numerics", "Cluster"]),
    ],
    swiftLanguageModes: [.v6]
)
