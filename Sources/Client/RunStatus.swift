// What a run is doing, as a value for people and programs.

import Checkpoints
import Platform
import WireProtocol

/// One look at a run and its workers. As JSON it is what `rondo status --json` prints.
public struct RunStatus: Sendable, Equatable, Codable {
    /// "waiting for workers", "training", "evaluating", "finished"; "interrupted" or "failed" of a run that ended so.
    public var phase: String
    /// Updates applied.
    public var step: Int
    /// Updates of the whole run.
    public var totalSteps: Int
    /// The pass over the data in progress, from 1.
    public var epoch: Int
    /// The passes of the whole run.
    public var totalEpochs: Int
    /// Nats a token of the last step; `nil` before the first one.
    public var trainingLoss: Double?
    /// Nats a token, smoothed over some fifty steps.
    public var smoothedLoss: Double?
    /// Nats a token on the validation data; `nil` before the first evaluation.
    public var validationLoss: Double?
    /// The lowest of them.
    public var bestValidationLoss: Double?
    /// The step of the lowest validation loss; 0 before the first evaluation.
    public var bestStep: Int
    /// The norm of the last gradient before clipping.
    public var gradientNorm: Double?
    /// Tokens that the run reads a second, over the last seconds.
    public var tokensPerSecond: Double
    /// `nil` while it cannot be told.
    public var secondsLeft: Double?
    /// The number of parameters.
    public var parameters: Int
    /// Memory of the server's process.
    public var residentBytes: Int
    /// Since the server started.
    public var uptimeSeconds: Double
    /// The run's directory, on the server's machine.
    public var outputDirectory: String
    /// The newest checkpoint there; empty before the first.
    public var latestCheckpoint: String
    /// What is wrong, such as a checkpoint that could not be written; empty if nothing.
    public var problem: String
    /// Whom the run waits for, in words; empty if nobody is slow.
    public var waiting = ""
    /// "lstm 2×256, embedding 64, 65 symbols, stream 32×64"
    public var summary: String
    /// The workers, by name.
    public var workers: [WorkerStatus]
    /// The processes that hold the parameters, the server first; empty if it holds all of them.
    public var partitions: [PartitionStatus] = []
    /// What was refused or dropped, by reason.
    public var counters: [String: Int]
    /// Where the server's time went since it started, by activity: docs/status.md names them.
    public var seconds: [String: Double]
    /// The server's uptime when it applied the last step: with `step`, a run's exact speed between two looks.
    public var lastStepUptimeSeconds: Double?
    /// How the run ended; `nil` while it goes on.
    public var ending: RunEnding?

    /// Whether all steps are done or the run was ended.
    public var isFinished: Bool { phase == "finished" }
}

/// One look at a worker.
public struct WorkerStatus: Sendable, Equatable, Codable {
    /// What it is called.
    public var name: String
    /// The machine that it runs on.
    public var host: String
    /// The process's number on its machine.
    public var process: Int
    /// "idle", "computing", "evaluating", "joining".
    public var state: String
    /// The shards that it is computing: lower bound, and one past the upper one.
    public var span: [Int]?
    /// Of its own computation.
    public var tokensPerSecond: Double
    /// Since it was last heard.
    public var silentSeconds: Double
    /// Memory of the worker's process.
    public var residentBytes: Int
    /// The kernels that it uses.
    public var instructionSet: String
    /// The leases that it has completed.
    public var steps: Int
    /// Where its time went since it joined, by activity, until it completed the last lease.
    public var seconds: [String: Double]
}

extension RunStatus {
    /// The most workers and partition servers of a status that are read.
    private static let peersMax = 8192
    /// The most counters.
    private static let countersMax = 4096

    /// Everything in a status is somebody else's word: texts are made fit for a terminal, numbers for arithmetic.
    init(_ wire: WireStatus) {
        phase = ForeignText.shown(wire.phase, bytesMax: ForeignText.nameBytesMax)
        step = ForeignNumber.count(wire.step)
        totalSteps = ForeignNumber.count(wire.stepsTotal)
        epoch = ForeignNumber.count(wire.epoch)
        totalEpochs = ForeignNumber.count(wire.epochsTotal)
        trainingLoss = Self.finite(wire.trainingLoss)
        smoothedLoss = Self.finite(wire.smoothedLoss)
        validationLoss = wire.hasValidationLoss ? Self.finite(wire.validationLoss) : nil
        bestValidationLoss = wire.hasBestValidationLoss ? Self.finite(wire.bestValidationLoss) : nil
        bestStep = ForeignNumber.count(wire.bestStep)
        gradientNorm = Self.finite(wire.gradientNorm)
        tokensPerSecond = ForeignNumber.seconds(wire.tokensPerSecond)
        secondsLeft = wire.tokensPerSecond > 0 ? Self.finite(wire.secondsLeft).map(ForeignNumber.seconds) : nil
        parameters = ForeignNumber.count(wire.parameters)
        residentBytes = ForeignNumber.count(wire.residentBytes)
        uptimeSeconds = ForeignNumber.seconds(wire.uptimeSeconds)
        outputDirectory = ForeignText.shown(wire.outputDirectory)
        latestCheckpoint = ForeignText.shown(wire.latestCheckpoint)
        problem = ForeignText.shown(wire.problem)
        waiting = ForeignText.shown(wire.waiting)
        summary = ForeignText.shown(wire.configurationSummary)
        workers = wire.workers.prefix(Self.peersMax).map(WorkerStatus.init)
        partitions = wire.partitions.prefix(Self.peersMax).map(PartitionStatus.init)
        counters = Dictionary(
            wire.counters.prefix(Self.countersMax).map {
                (ForeignText.shown($0.name, bytesMax: ForeignText.nameBytesMax), ForeignNumber.count($0.value))
            }, uniquingKeysWith: { first, _ in first })
        seconds = Self.seconds(wire.seconds)
        lastStepUptimeSeconds = wire.lastStepUptimeSeconds > 0 ? Self.finite(wire.lastStepUptimeSeconds) : nil
    }

    static func seconds(_ wire: [WireActivitySeconds]) -> [String: Double] {
        Dictionary(
            wire.prefix(WireLimits.activitiesMaximum).filter(\.isPlausible).map {
                (ForeignText.shown($0.name, bytesMax: ForeignText.nameBytesMax), ForeignNumber.seconds($0.seconds))
            }, uniquingKeysWith: { first, _ in first })
    }

    static func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }
}

extension WorkerStatus {
    init(_ wire: WireWorkerStatus) {
        name = ForeignText.shown(wire.name, bytesMax: ForeignText.nameBytesMax)
        host = ForeignText.shown(wire.host, bytesMax: ForeignText.nameBytesMax)
        process = ForeignNumber.count(wire.process)
        state = ForeignText.shown(wire.state, bytesMax: ForeignText.nameBytesMax)
        span = wire.hasSpan ? [Int(wire.span.lower), Int(wire.span.upper)] : nil
        tokensPerSecond = ForeignNumber.seconds(wire.tokensPerSecond)
        silentSeconds = ForeignNumber.seconds(wire.silentSeconds)
        residentBytes = ForeignNumber.count(wire.residentBytes)
        instructionSet = ForeignText.shown(wire.instructionSet, bytesMax: ForeignText.nameBytesMax)
        steps = ForeignNumber.count(wire.steps)
        seconds = RunStatus.seconds(wire.seconds)
    }
}
