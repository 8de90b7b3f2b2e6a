// The arithmetic of a lease: batches, network, carried states.

import Cluster
import Configuration
import Corpora
import Messaging
import Numerics
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
    private var task: LanguageModelTask
    private var network: LanguageModelNetwork<Float>
    /// Of the shards that this worker computed: the states at the start of a step, by step and shard. Those of the step
    /// in progress are kept beside those of the next: a lease of the same step may come again when its worker dies.
    private var ownStates: [Int: [Int: [Float]]] = [:]

    /// - Throws: `CorpusError` when the data do not fit the configuration.
    init(
        configuration: RunConfiguration, tokenizer: Tokenizer, training: MappedTokens, validation: MappedTokens?
    ) throws {
        task = try LanguageModelTask(
            configuration, tokenizer: tokenizer, training: training, validation: validation)
        network = LanguageModelNetwork(task.shape)
    }

    /// The number of shards of a step.
    var shards: Int { task.shards }

    /// Puts a chunk of weights in place; `false` if its sizes are impossible.
    func accept(_ header: WireWeights, frames: inout FrameList) -> Bool {
        let index = Int(header.chunk)
        guard index < network.layout.chunks.count else { return false }
        let values = network.layout.matrix(ofChunk: index, in: network.weights)
        let rowBytes = values.columns * MemoryLayout<Float>.stride
        network.weightsChanged()
        guard header.isSparse else {
            guard let frame = frames.popFirst(), frame.count == values.rows * rowBytes else { return false }
            frame.withUnsafeBytes {
                UnsafeMutableRawBufferPointer(start: values.base, count: $0.count).copyMemory(from: $0)
            }
            return true
        }
        let count = Int(header.sparseRows)
        guard count > 0 else { return frames.isEmpty }
        guard let numbers = frames.popFirst(), let frame = frames.popFirst(), numbers.count == 4 * count,
            frame.count == count * rowBytes
        else { return false }
        let start = network.layout.chunks[index].rows.lowerBound
        return numbers.withUnsafeBytes { numbers in
            frame.withUnsafeBytes { bytes in
                for position in 0..<count {
                    let row = Int(numbers.loadUnaligned(fromByteOffset: 4 * position, as: UInt32.self)) - start
                    guard row >= 0, row < values.rows else { return false }
                    UnsafeMutableRawBufferPointer(start: values.base + row * values.stride, count: rowBytes).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[position * rowBytes..<(position + 1) * rowBytes]))
                }
                return true
            }
        }
    }

    /// Computes the gradients of a span and sends each on its way as soon as it is complete.
    ///
    /// - Parameter carriedStates: those that came with the lease; of the other shards this worker has its own.
    func train(
        _ lease: Lease, carriedStates: [Int: [Float]], over connection: ServerConnection
    ) throws -> LeaseResult {
        let batch = task.trainingBatch(step: lease.step, span: lease.span)
        var states: [Int: [Float]] = [:]
        if batch.carriesState {
            for shard in lease.span.indices {
                if let given = carriedStates[shard] {
                    guard given.count == task.carriedStateCount(ofShard: shard) else {
                        throw WorkerError.system("the state of shard \(shard) came with \(given.count) numbers")
                    }
                    states[shard] = given
                } else if let own = ownStates[lease.step]?[shard] {
                    states[shard] = own
                } else {
                    throw WorkerError.system("the state of shard \(shard) at step \(lease.step) is missing")
                }
            }
        }
        var sender = GradientSender(connection, layout: network.layout, step: lease.step)
        let nodes = ReductionTree(shards: task.shards).nodes(covering: lease.span)
        let results = network.trainingStep(
            batch.sequences, seed: task.seed, step: UInt32(truncatingIfNeeded: lease.step), carriedStates: states,
            nodes: nodes, sink: &sender)
        if let failure = sender.failure { throw failure }
        ownStates = ownStates.filter { $0.key >= lease.step }
        var kept: [[Float]] = []
        for result in results {
            let state = task.carriesState ? result.finalState : []
            ownStates[lease.step + 1, default: [:]][result.shard] = state
            kept.append(state)
        }
        return LeaseResult(outcomes: results.map(Self.outcome), states: kept)
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
