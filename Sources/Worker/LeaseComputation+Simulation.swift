// A worker that sleeps instead of computing: for measuring how a server grows with more workers than there are cores.

import Cluster
import Numerics
import Platform
import Recurrent

/// What a simulated worker does with its time.
public struct SimulatedComputation: Sendable, Hashable {
    /// Seconds that one worker would take for all shards of a step.
    public var stepSeconds: Double

    /// A computation that takes `stepSeconds` for a whole step, and for a span its share.
    public init(stepSeconds: Double) { self.stepSeconds = stepSeconds }
}

extension LeaseComputation {
    /// Sends gradients of zeros, of the size and at the times of real ones: a third of the time is the forward pass,
    /// then chunk after chunk leaves, the output layer's first. The weights stay what they are.
    func simulate(
        _ computation: SimulatedComputation, _ lease: Lease, nodes: [ShardRange], sender: inout GradientSender
    ) -> LeaseResult {
        let batch = task.trainingBatch(step: lease.step, span: lease.span).sequences
        let seconds = computation.stepSeconds * Double(lease.span.count) / Double(task.shards)
        let chunks = layout.chunks.indices.reversed()
        let began = MonotonicClock.seconds
        for (position, chunk) in chunks.enumerated() {
            let due = began + seconds * (1.0 / 3 + 2.0 / 3 * Double(position + 1) / Double(chunks.count))
            MonotonicClock.sleep(seconds: max(0, due - MonotonicClock.seconds))
            for node in nodes { send(chunk: chunk, node: node, of: batch, to: &sender) }
        }
        sender.flush()
        let outcomes = batch.shards.map { shard in
            Cluster.ShardOutcome(
                shard: shard.shard, loss: 0, tokens: shard.targets.reduce(0) { $0 + $1.count })
        }
        let states = lease.span.indices.map { [Float](repeating: 0, count: task.carriedStateCount(ofShard: $0)) }
        return LeaseResult(outcomes: outcomes, states: states)
    }

    private func send(chunk: Int, node: ShardRange, of batch: SequenceBatch, to sender: inout GradientSender) {
        let place = layout.chunks[chunk]
        let tensor = layout.tensors[place.tensor]
        guard tensor.isRowSparse else {
            sender.memory(chunk: chunk, node: node).clear()
            return sender.finished(chunk: chunk, node: node)
        }
        var rows = Set<Int32>()
        for shard in batch.shards where node.contains(ShardRange(shard.shard, shard.shard + 1)) {
            for tokens in shard.inputs { rows.formUnion(tokens) }
        }
        let touched = rows.filter { place.rows.contains(Int($0)) }.sorted()
        let values = Buffer<Float>(count: max(1, touched.count * tensor.columns))
        sender.sparse(
            chunk: chunk, node: node, rows: touched,
            values: Matrix(
                base: values.pointer, rows: touched.count, columns: tensor.columns, stride: tensor.columns))
    }
}
