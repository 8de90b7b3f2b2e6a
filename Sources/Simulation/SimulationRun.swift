// Simulations of seeds, and what they show.

import Checkpoints
import Foundation
import Ledger
import Synchronization

/// What the simulation of one seed showed.
public struct SimulationReport: Sendable {
    /// The seed.
    public let seed: UInt64
    /// What did not hold; nothing if all is well.
    public let complaints: [String]
    /// Identifies everything that happened, in order.
    public let digest: UInt64
    /// Events that happened.
    public let events: Int
    /// Simulated seconds until the run was complete.
    public let seconds: Double
    /// How many of them came after the last fault.
    public let secondsAfterFaults: Double
    /// Training steps that were computed again after a restart of the server.
    public let stepsRedone: Int
    let faults: FaultCounts
}

/// Runs simulations in a temporary folder.
public final class Simulator: Sendable {
    /// Simulated seconds in which a run must be complete after the last fault.
    static let patience = 120.0

    private let folder: String
    private let references = Mutex<[RunShape: [String]]>([:])
    private let runCount = Atomic<Int>(0)

    /// Makes the folder.
    ///
    /// - Throws: if there is none to be had.
    public init() throws {
        let manager = FileManager.default
        // Files in memory, where the system has such.
        let memory = "/dev/shm"
        let base = manager.isWritableFile(atPath: memory) ? memory : manager.temporaryDirectory.path
        folder = "\(base)/rondo-simulation-\(UUID().uuidString)"
        try manager.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(RunShape.text.utf8).write(to: URL(fileURLWithPath: textPath))
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private var textPath: String { folder + "/text.txt" }

    /// Simulates a seed.
    ///
    /// - Parameter write: gets the lines of the full log, if wanted.
    /// - Throws: if the folder cannot be used.
    public func run(seed: UInt64, write: ((String) -> Void)? = nil) throws -> SimulationReport {
        try run(FaultPlan(seed: seed), seed: seed, write: write)
    }

    func run(
        _ plan: FaultPlan, seed: UInt64, tamper: ((SimulatedCluster) -> Void)? = nil, write: ((String) -> Void)? = nil
    ) throws -> SimulationReport {
        let expected = try reference(plan.shape)
        let (cluster, digests) = try simulate(plan, seed: seed, tamper: tamper, write: write)
        if cluster.isComplete, digests != expected, plan.shape.consistency == .synchronous {
            cluster.checker.complain("the final weights are not those of the run without faults")
        }
        let world = cluster.world
        return SimulationReport(
            seed: seed, complaints: cluster.checker.complaints, digest: world.log.digest, events: world.eventCount,
            seconds: cluster.endSeconds, secondsAfterFaults: max(0, cluster.endSeconds - plan.quietAfter),
            stepsRedone: cluster.checker.stepsRedone, faults: cluster.counts)
    }

    /// The digests of the final files of a shape, from a run without faults.
    private func reference(_ shape: RunShape) throws -> [String] {
        if let known = references.withLock({ $0[shape] }) { return known }
        let (cluster, digests) = try simulate(FaultPlan(reference: shape), seed: 0)
        guard cluster.checker.complaints.isEmpty else {
            throw SimulationFailure(
                description: "without faults: \(cluster.checker.complaints.joined(separator: "; "))")
        }
        references.withLock { $0[shape] = digests }
        return digests
    }

    private func simulate(
        _ plan: FaultPlan, seed: UInt64, tamper: ((SimulatedCluster) -> Void)? = nil, write: ((String) -> Void)? = nil
    ) throws -> (SimulatedCluster, [String]) {
        let number = runCount.add(1, ordering: .relaxed).newValue
        let path = "\(folder)/\(number)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        // Without what differs from one real process to the next.
        let log = EventLog(
            write: write.map { [folder] write in
                { line in
                    write(
                        line.replacing(path, with: "").replacing(folder, with: "")
                            .replacing("partial-\(getpid())", with: "partial"))
                }
            })
        let world = World(seed: seed, log: log)
        let cluster = try SimulatedCluster(plan, world: world, folder: path, textPath: textPath)
        tamper?(cluster)
        cluster.run(patience: Self.patience)
        guard cluster.isComplete else { return (cluster, []) }
        cluster.checker.finish(totalSteps: plan.shape.steps)
        audit(cluster)
        return (cluster, Self.finalDigests(cluster))
    }

    /// What the run's ledger proves: every example counted once, lives and checkpoints in order, the bound kept.
    private func audit(_ cluster: SimulatedCluster) {
        let report: AuditReport
        do {
            report = try RunAudit(directory: cluster.runPath).report
        } catch {
            return cluster.checker.complain("the ledger cannot be audited: \(error)")
        }
        if !report.isProven || !report.isComplete || report.provenSteps != cluster.plan.shape.steps {
            let reasons = report.violations.prefix(3).map(\.description).joined(separator: "; ")
            cluster.checker.complain("the ledger proves \(report.provenSteps) steps: \(reasons)")
        }
        if let bound = cluster.plan.shape.consistency.stalenessMax, let found = report.stalenessMax, found > bound {
            cluster.checker.complain("gradients were applied \(found) versions late, and the bound is \(bound)")
        }
    }

    /// The SHA-256 of weights, moments and carried states in the last checkpoint.
    private static func finalDigests(_ cluster: SimulatedCluster) -> [String] {
        do {
            let opened = try CheckpointFolder.open(path: cluster.runPath)
            if !opened.skipped.isEmpty { cluster.checker.complain("\(opened.warnings)") }
            if opened.step != cluster.plan.shape.steps {
                cluster.checker.complain("the last checkpoint is of step \(opened.step ?? -1)")
            }
            return ["model.safetensors", "optimizer.safetensors", "state.safetensors"].map {
                opened.folder.manifest.files[$0]?.sha256 ?? "missing"
            }
        } catch {
            cluster.checker.complain("no checkpoint at the end: \(error)")
            return []
        }
    }
}

/// Why nothing can be simulated.
public struct SimulationFailure: Error, CustomStringConvertible {
    /// One line.
    public let description: String
}
