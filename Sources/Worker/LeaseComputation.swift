// The arithmetic of a lease: batches, network, carried states.

import Cluster
import Configuration
import Corpora
import Messaging
import Numerics
import Platform
import Recurrent
import Tasks
import WireProtocol

/// What a lease gave, besides the gradients that went out meanwhile.
struct LeaseResult {
    /// One for each shard of the span, in order.
    var outcomes: [Cluster.ShardOutcome]
    /// The carried state of each shard after the step, in order; empty for an evaluation.
    var states: [[Float]]
}

/// The network of one run with the weights in place, and the hidden states of the shards it computed last.
final class LeaseComputation {
    var task: LanguageModelTask
    private var network: LanguageModelNetwork<Float>
    /// Of the shards that this worker computed: the states at the start of a step, by step and shard. Those of the step
    /// in progress are kept beside those of the next: a lease of the same step may come again when its worker dies.
    private var ownStates: [Int: [Int: [Float]]] = [:]
    /// Where the time of training goes.
    private(set) var phases: PhaseSampling
    /// Sleeps instead of computing, if given.
    private let simulated: SimulatedComputation?

    /// - Throws: `CorpusError` when the data do not fit the configuration.
    init(
        configuration: RunConfiguration, tokenizer: Tokenizer, training: MappedTokens, validation: MappedTokens?,
        simulated: SimulatedComputation? = nil, clock: WorkerClock
    ) throws {
        task = try LanguageModelTask(
            configuration, tokenizer: tokenizer, training: training, validation: validation)
        network = LanguageModelNetwork(task.shape)
        phases = PhaseSampling(clock)
        self.simulated = simulated
    }

    /// The names and places of the parameters.
    var layout: ParameterLayout { network.layout }

    /// The number of shards of a step.
    var shards: Int { task.shards }

    /// Bytes of all that one step may leave in shared memory: a copy of the parameters for every node that a span may
    /// consist of, the carried states of all shards, and what alignment adds; twice, for a second lease of the step.
    var sharedBytes: Int {
        let levels = Int.bitWidth - (task.shards - 1).leadingZeroBitCount
        let gradients = max(1, levels) * (layout.count * MemoryLayout<Float>.stride + layout.chunks.count * 64)
        let states = (0..<task.shards).reduce(64) {
            $0 + task.carriedStateCount(ofShard: $1) * MemoryLayout<Float>.stride
        }
        return 2 * (gradients + states)
    }

    /// Puts a chunk of weights in place; `false` if its sizes are impossible.
    ///
    /// - Parameter memory: what the message refers to if it does not carry the values.
    func accept(_ header: WireWeights, frames: inout FrameList, memory: UnsafeRawBufferPointer?) -> Bool {
        let index = Int(header.chunk)
        guard index < network.layout.chunks.count else { return false }
        let chunk = network.layout.matrix(ofChunk: index, in: network.weights)
        network.weightsChanged()
        var rows: [UInt32]?
        if header.isSparse {
            let count = Int(header.sparseRows)
            guard count > 0 else { return frames.isEmpty }
            guard let numbers = frames.popFirst(), numbers.count == count * MemoryLayout<UInt32>.stride else {
                return false
            }
            rows = numbers.elements(of: UInt32.self)
        }
        let first = network.layout.chunks[index].rows.lowerBound
        guard rows?.allSatisfy({ (0..<chunk.rows).contains(Int($0) - first) }) ?? true else { return false }
        if let memory { return accept(chunk, rows: rows, first: first, at: header.sharedOffset, in: memory) }
        let precision = task.shape.precision
        let rowBytes = chunk.columns * precision.byteCount
        guard let frame = frames.popFirst(), frames.isEmpty, frame.count == (rows?.count ?? chunk.rows) * rowBytes
        else { return false }
        frame.withUnsafeBytes { bytes in
            guard let rows else { return chunk.read(from: bytes, precision: precision) }
            for (place, row) in rows.enumerated() {
                let row = Int(row) - first
                chunk.rows(row..<row + 1).read(
                    from: UnsafeRawBufferPointer(rebasing: bytes[place * rowBytes..<(place + 1) * rowBytes]),
                    precision: precision)
            }
        }
        return true
    }

    /// Copies a chunk, or some rows of it, from where the server has the whole chunk in single precision.
    private func accept(
        _ chunk: Matrix<Float>, rows: [UInt32]?, first: Int, at offset: UInt64, in memory: UnsafeRawBufferPointer
    ) -> Bool {
        let rowBytes = chunk.columns * MemoryLayout<Float>.stride
        guard offset <= UInt64(memory.count), chunk.rows * rowBytes <= memory.count - Int(offset) else { return false }
        func copy(_ range: Range<Int>) {
            let start = Int(offset) + range.lowerBound * rowBytes
            let rows = chunk.rows(range)
            rows.read(
                from: UnsafeRawBufferPointer(rebasing: memory[start..<start + range.count * rowBytes]),
                precision: .single)
            // What comes in frames is rounded on its way.
            if task.shape.precision == .bfloat16 { rows.roundToBFloat16() }
        }
        if let rows {
            for row in rows { copy(Int(row) - first..<Int(row) - first + 1) }
        } else {
            copy(0..<chunk.rows)
        }
        return true
    }

    /// Computes the gradients of a span and sends each on its way as soon as it is complete.
    ///
    /// - Parameter carriedStates: those that came with the lease; of the other shards this worker has its own.
    func train(
        _ lease: Lease, carriedStates: [Int: [Float]], over connections: ParameterConnections
    ) throws -> LeaseResult {
        StandIn.note(.leaseBegan(step: lease.step, lower: lease.span.lower, upper: lease.span.upper))
        phases.begin(&network.workspace.clock)
        defer { phases.end(&network.workspace.clock) }
        let batch = task.trainingBatch(step: lease.step, span: lease.span)
        var carried: [Int: [Float]] = [:]
        if batch.carriesState {
            for shard in lease.span.indices {
                if let given = carriedStates[shard] {
                    guard given.count == task.carriedStateCount(ofShard: shard) else {
                        throw StateMissing(shard: shard, step: lease.step)
                    }
                    carried[shard] = given
                } else if let own = ownStates[lease.step]?[shard] {
                    carried[shard] = own
                } else {
                    throw StateMissing(shard: shard, step: lease.step)
                }
            }
        }
        var sender = GradientSender(
            connections, layout: network.layout, sum: lease.sum, precision: task.shape.precision)
        let nodes = ReductionTree(shards: task.shards).nodes(covering: lease.span)
        if let simulated {
            let result = simulate(simulated, lease, nodes: nodes, sender: &sender)
            if let failure = sender.failure { throw failure }
            keep(result.states, of: lease)
            return result
        }
        let results = network.trainingStep(
            batch.sequences, seed: task.seed, step: UInt32(truncatingIfNeeded: lease.step), carriedStates: carried,
            nodes: nodes, sink: &sender)
        sender.flush()
        if let failure = sender.failure { throw failure }
        let states = results.map { task.carriesState ? $0.finalState : [] }
        keep(states, of: lease)
        return LeaseResult(outcomes: results.map(Self.outcome), states: states)
    }

    /// The server did not send a state that this worker does not have.
    struct StateMissing: Error, CustomStringConvertible {
        var shard: Int
        var step: Int
        var description: String { "sent a lease of step \(step) without the carried state of shard \(shard)" }
    }

    /// Whether a lease is for a step that the run has, and for work that there are data for.
    func canCompute(_ lease: WireLease) -> Bool {
        switch lease.work {
        case .training: lease.step < UInt64(clamping: task.totalSteps)
        case .evaluation: lease.step <= UInt64(clamping: task.totalSteps) && task.stepsBetweenEvaluations != nil
        case .unspecified, .UNRECOGNIZED: false
        }
    }

    /// Keeps the states at the end of a lease's step, one for each shard of its span, for the next step.
    private func keep(_ states: [[Float]], of lease: Lease) {
        ownStates = ownStates.filter { $0.key >= lease.step }
        for (shard, state) in zip(lease.span.indices, states) { ownStates[lease.step + 1, default: [:]][shard] = state }
    }

    /// Computes the validation loss of a span's shards.
    func evaluate(_ lease: Lease) -> LeaseResult {
        guard let evaluation = TaskEvaluation(task) else { return LeaseResult(outcomes: [], states: []) }
        return LeaseResult(
            outcomes: evaluation.evaluate(lease.span, with: &network).map {
                Cluster.ShardOutcome(shard: $0.shard, loss: $0.loss, tokens: $0.tokens)
            }, states: [])
    }

    private static func outcome(_ result: Recurrent.ShardOutcome<Float>) -> Cluster.ShardOutcome {
        Cluster.ShardOutcome(shard: result.shard, loss: result.loss, tokens: result.tokens)
    }
}
