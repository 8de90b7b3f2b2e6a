// The house rules that a formatter cannot check: imports go down the list of modules, every file says what it holds.

import Foundation
import Testing

/// The modules in the order in which they may build on each other; a module imports only those above it.
private let modules = [
    "CKernels", "CZeroMQ", "CPlatform", "Platform", "Numerics", "Recurrent", "Optimization", "Configuration", "Corpora",
    "Tasks", "Checkpoints", "Messaging", "WireProtocol", "Cluster", "Ledger", "Server", "Worker", "Inference",
    "Client", "CSimulation", "Simulation", "Preflight", "Supervisor", "rondo", "rondo-server", "rondo-worker",
    "rondo-simulate",
]

private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

private struct SourceFile: CustomTestStringConvertible, Sendable {
    var path: String
    var lines: [Substring]
    var testDescription: String { path }

    static func all(in folder: String) -> [SourceFile] {
        let base = root.appendingPathComponent(folder)
        let paths = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
        return paths.sorted().filter { $0.hasSuffix(".swift") || $0.hasSuffix(".c") || $0.hasSuffix(".h") }.compactMap {
            guard let text = try? String(contentsOf: base.appendingPathComponent($0), encoding: .utf8) else {
                return nil
            }
            return SourceFile(
                path: "\(folder)/\($0)", lines: text.split(separator: "\n", omittingEmptySubsequences: false))
        }
    }
}

private let sources = SourceFile.all(in: "Sources").filter { !$0.path.hasSuffix(".pb.swift") }
private let everything = sources + SourceFile.all(in: "Tests") + SourceFile.all(in: "Benchmarks")

@Test("every module has its place in the list")
func modulesAreListed() throws {
    let folders = Set(sources.map { String($0.path.split(separator: "/")[1]) })
    #expect(folders.subtracting(modules).isEmpty)
}

@Test("a module imports only modules above it")
func importsGoDown() {
    #expect(sources.count > 50)
    for file in sources {
        let module = String(file.path.split(separator: "/")[1])
        guard let place = modules.firstIndex(of: module) else { continue }
        for line in file.lines {
            let words = line.split(separator: " ")
            guard let position = words.firstIndex(of: "import"), position <= 2, position + 1 < words.count,
                let imported = modules.firstIndex(of: String(words[position + 1]))
            else { continue }
            #expect(imported < place, "\(file.path) imports \(words[position + 1])")
        }
    }
}

@Test("only Messaging knows libzmq, and only Numerics the kernels")
func foreignCodeStaysInside() {
    for file in sources {
        for (library, owner) in [("CZeroMQ", "Messaging"), ("CKernels", "Numerics")]
        where file.lines.contains(where: { $0.hasSuffix("import \(library)") }) {
            #expect(file.path.hasPrefix("Sources/\(owner)/"), "\(file.path) imports \(library)")
        }
    }
}

@Test("every file opens with a comment that says what it holds")
func filesIntroduceThemselves() {
    for file in everything { #expect(file.lines.first?.hasPrefix("//") == true, "\(file.path)") }
}

@Test("no line is longer than 120 columns")
func linesAreShort() {
    for file in everything {
        for (number, line) in file.lines.enumerated() {
            #expect(line.count <= 120, "\(file.path):\(number + 1) has \(line.count) columns")
        }
    }
}

@Test("the cluster's state machines know neither sockets, clocks nor files")
func clusterIsPure() {
    let allowed: Set<Substring> = ["Numerics"]
    for file in sources where file.path.hasPrefix("Sources/Cluster/") {
        for line in file.lines where line.hasPrefix("import ") {
            #expect(allowed.contains(line.dropFirst("import ".count)), "\(file.path): \(line)")
        }
    }
}

/// The text of a file of the repository.
private func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
}

@Test("packages have exact versions")
func versionsAreExact() throws {
    let packages = try text("Package.swift").split(separator: "\n").filter { $0.contains(".package(url:") }
    #expect(packages.count >= 5)
    for line in packages { #expect(line.contains("exact: \""), "\(line)") }
}

@Test("scripts install Python packages from lists with exact versions and hashes alone")
func pythonPackagesAreHashed() throws {
    let scripts =
        FileManager.default.enumerator(atPath: root.appendingPathComponent("scripts").path)?
        .compactMap { $0 as? String } ?? []
    var installers = 0
    for script in scripts {
        guard let lines = try? text("scripts/" + script) else { continue }
        if script.contains("requirements-") {
            // A package's line, then its hashes.
            let packages = lines.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.hasPrefix(" ") }
            #expect(!packages.isEmpty, "\(script)")
            for package in packages {
                #expect(package.contains("==") && package.hasSuffix("\\"), "\(script): \(package)")
            }
            continue
        }
        for part in lines.components(separatedBy: "\"pip\", \"install\"").dropFirst() {
            installers += 1
            #expect(part.prefix(200).contains("--require-hashes"), "\(script)")
        }
        #expect(!lines.contains("pip install "), "\(script)")
    }
    #expect(installers == 2)
}

@Test("no number of 64 bits from a message is converted where it could trap, and a status is read through one door")
func foreignNumbersAreClamped() {
    // Fields of 64 bits in rondo.proto; of 32 bits all fit.
    let fields =
        "step|steps|stepsTotal|version|sum|update|lease|bytes|offset|sharedOffset|tokens|value|parameters|process"
    for file in sources where ["Server", "Worker", "Client"].contains(String(file.path.split(separator: "/")[1])) {
        for (number, line) in file.lines.enumerated() {
            let isRaw = line.range(
                of: #"\bInt\((wire|header|request|answer|status|report|ready|done|block|file)\.(\#(fields))\)"#,
                options: .regularExpression)
            // Behind a comparison with a limit on the lines above.
            let before = file.lines[max(0, number - 30)..<number].joined(separator: "\n")
            let isCompared = before.contains("Int.max") || before.contains("<= UInt32(")
            #expect(isRaw == nil || isCompared, "\(file.path):\(number + 1): \(line)")
            guard file.path.hasSuffix("Status.swift") else { continue }
            let isUnshown = line.range(
                of: #"= wire\.(name|host|state|endpoint|problem|waiting|phase|outputDirectory)$"#,
                options: .regularExpression)
            #expect(isUnshown == nil, "\(file.path):\(number + 1) takes a text as it came: \(line)")
        }
    }
}
