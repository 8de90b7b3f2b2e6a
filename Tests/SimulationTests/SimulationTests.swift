// Thousands of clusters under faults, and the same events every time.

import Foundation
import Platform
import Testing

@testable import Simulation

@Test("in 2,000 clusters under faults every invariant holds, and every fault happens")
func clustersUnderFaults() throws {
    let range = try SimulatedRange.run(1...2000, threads: 2)
    #expect(range.seeds == 2000)
    #expect(range.complaints == [], "replay a seed with scripts/simulate --seeds SEED..SEED --log")
    for (name, count) in range.faultCounts { #expect(count > 100, "\(name)") }
    #expect(range.stepsRedone > 100)
    print("simulated \(range)")
}

@Test("the same seed gives the same events, and another seed others", arguments: [3, 14, 159] as [UInt64])
func repeats(seed: UInt64) throws {
    var logs: [[String]] = []
    for _ in 0..<2 {
        var lines: [String] = []
        _ = try Simulator().run(seed: seed) { lines.append($0) }
        logs.append(lines)
    }
    #expect(logs[0].count > 500)
    let difference = zip(logs[0], logs[1]).first { $0 != $1 }
    #expect(difference == nil)
    #expect(logs[0].count == logs[1].count)
    #expect(try Simulator().run(seed: seed + 1).digest != Simulator().run(seed: seed).digest)
}

@Test("another process has the same events")
func repeatsElsewhere() throws {
    let log = NSTemporaryDirectory() + "/rondo-digests-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: log) }
    let program = Bundle.main.executableURL?.deletingLastPathComponent().path ?? "."
    let folders = [ProcessInfo.processInfo.environment["RONDO_BINARIES"], program, ".build/debug"].compactMap { $0 }
    let path = try #require(
        folders.map { $0 + "/rondo-simulate" }.first { FileManager.default.isExecutableFile(atPath: $0) })
    var child = try ChildProcess(executable: path, arguments: ["--seeds", "21..24", "--digests"], log: log)
    #expect(child.wait(seconds: 120) == .exited(code: 0))
    let text = try String(contentsOfFile: log, encoding: .utf8)
    let simulator = try Simulator()
    for seed in 21...24 as ClosedRange<UInt64> {
        let digest = String(try simulator.run(seed: seed).digest, radix: 16)
        #expect(text.contains("seed \(seed): \(digest)\n"), "seed \(seed)")
    }
}

@Test("a worker that lies is kept out, nobody else is, and the final weights are those of honest workers alone")
func liarsChangeNothing() throws {
    var lies = 0
    var expulsions = 0
    for number in 0..<12 {
        var plan = FaultPlan(reference: RunShape(number: number))
        plan.workers = 3
        plan.partitions = number % 3
        plan.hosts = Array(repeating: 0, count: 4 + plan.partitions)
        plan.sharesMemory = number % 2 == 0
        plan.liar = 1 + plan.partitions
        let report = try Simulator().run(plan, seed: UInt64(number))
        #expect(report.complaints == [], "shape \(number)")
        lies += report.faults.lies
        expulsions += report.faults.expulsions
    }
    #expect(lies > 5 && expulsions > 5, "\(lies) lies, \(expulsions) times kept out")
}
