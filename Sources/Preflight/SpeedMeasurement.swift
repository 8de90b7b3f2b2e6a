// How fast this machine computes a run's steps, measured with the real network at the real shape.

import Configuration
import Numerics
import Optimization
import Platform
import Recurrent
import Tasks

/// The time of a step, measured within about a second: an estimate of a run that has the machine to itself.
public struct SpeedMeasurement: Sendable, Equatable {
    /// A worker's share of a step, and the server's update after it.
    public let stepSeconds: Double
    /// A token of the validation data, for one worker.
    public let evaluationTokenSeconds: Double

    /// How long one measurement may take, about.
    private static let secondsMax = 0.4
    /// Multiply-adds that take so long on a slow core.
    private static let operationsMax = 4e9

    /// What the messages of a step take, whatever its size.
    private static let exchangeSeconds = 0.0006

    /// Measures.
    ///
    /// - Parameter processors: the cores of the machine.
    /// - Returns: `nil` for a model so large that even one row of it would take long.
    public init?(_ configuration: RunConfiguration, _ size: RunSize, vocabulary: Int, processors: Int) {
        let shape = LanguageModelShape(configuration, vocabulary: vocabulary)
        let products = Double(size.parameters - shape.vocabulary * shape.embeddingSize)
        guard products < Self.operationsMax / 8, let tokens = size.stepTokens, tokens > 0 else { return nil }
        let shards = configuration.training.shards
        let lanes = max(1, configuration.training.batch / shards * size.shardsOfWorker)
        let length = max(1, tokens / max(1, configuration.training.batch))
        var network = LanguageModelNetwork<Float>(shape)
        var sink = ScratchSink(layout: network.layout)

        // As much of a worker's share as can be computed twice in the time.
        let affordable = max(1, Int(Self.operationsMax / (3 * max(1, products))))
        let measuredLength = min(length, max(1, min(64, affordable)))
        let measuredLanes = max(1, min(lanes, affordable / measuredLength))
        let batch = Self.batch(lanes: measuredLanes, length: measuredLength, shape)
        func step() {
            network.weightsChanged()
            _ = network.trainingStep(
                batch, seed: 1, step: 1, carriedStates: [:], nodes: [ShardRange(0, 1)], sink: &sink)
        }
        step()
        let whole = Self.seconds(of: step)
        // What does not grow with the rows (packing the weights) is not multiplied.
        let oneRow = Self.batch(lanes: 1, length: 1, shape)
        let fixed = Self.seconds(of: {
            network.weightsChanged()
            _ = network.trainingStep(
                oneRow, seed: 1, step: 1, carriedStates: [:], nodes: [ShardRange(0, 1)], sink: &sink)
        })
        let measuredRows = Double(measuredLanes * measuredLength)
        let rowSeconds = max(0, whole - fixed) / max(1, measuredRows - 1)
        let rows = Double(lanes) * Double(length)
        let compute = fixed + rowSeconds * max(0, rows - 1)

        let evaluation = Self.batch(lanes: min(16, measuredLanes), length: measuredLength, shape)
        _ = network.evaluate(evaluation)
        evaluationTokenSeconds =
            Self.seconds(of: { _ = network.evaluate(evaluation) }) / Double(min(16, measuredLanes) * measuredLength)

        let busy = min(size.workers, shards)
        let crowding = max(1, Double(busy) / Double(max(1, processors)))
        stepSeconds =
            compute * crowding + Self.updateSeconds(network.layout, tokens: tokens) + Self.exchangeSeconds
    }

    /// The time of the norm and of Adam for all parameters, from some of them.
    private static func updateSeconds(_ layout: ParameterLayout, tokens: Int) -> Double {
        let rows = 1024
        let columns = min(1024, max(1, layout.count / rows))
        var sample = ParameterLayout()
        sample.append("sample", [rows, columns])
        let adam = Adam<Float>(layout: sample)
        let weights = Buffer<Float>(count: sample.count)
        let gradient = Buffer<Float>(count: sample.count)
        let step = AdamConfiguration().step(update: 1, gradientScale: 1)
        func update() {
            for chunk in sample.chunks.indices {
                let values = sample.matrix(ofChunk: chunk, in: gradient)
                _ = GradientNorm.partial(gradient: values)
                adam.update(chunk: chunk, weights: weights, gradient: values, step: step)
            }
        }
        update()
        // Of an embedding only the rows of tokens that occur are updated.
        let updated = layout.tensors.reduce(0) { sum, tensor in
            sum + (tensor.isRowSparse ? min(tensor.count, tokens * tensor.columns) : tensor.count)
        }
        return seconds(of: update) * Double(updated) / Double(rows * columns)
    }

    /// The shortest of a few repetitions.
    private static func seconds(of work: () -> Void) -> Double {
        let began = MonotonicClock.nanoseconds
        var best = Double.infinity
        for _ in 0..<5 {
            let start = MonotonicClock.nanoseconds
            work()
            let end = MonotonicClock.nanoseconds
            best = min(best, Double(end - start) * 1e-9)
            if Double(end - began) * 1e-9 > secondsMax / 2 { break }
        }
        return best
    }

    /// Lanes of tokens, the frequent ones more often, as in a text.
    private static func batch(lanes: Int, length: Int, _ shape: LanguageModelShape) -> SequenceBatch {
        var words = RandomStream(seed: 1, purpose: .sampling).words()
        func token() -> Int32 {
            let number = Philox.uniform(words.nextWord())
            return Int32(number * number * Float(shape.vocabulary - 1))
        }
        let inputs = (0..<lanes).map { _ in (0..<length).map { _ in token() } }
        return SequenceBatch(shards: [ShardSequences(shard: 0, inputs: inputs, targets: inputs)])
    }
}

/// Memory for one gradient after the other, which nobody reads.
private struct ScratchSink: GradientSink, ~Copyable {
    private let layout: ParameterLayout
    private var memory = GrowingBuffer<Float>()

    init(layout: ParameterLayout) { self.layout = layout }

    mutating func memory(chunk: Int, node: ShardRange) -> Matrix<Float> {
        let place = layout.chunks[chunk]
        return memory.matrix(rows: place.rows.count, columns: layout.tensors[place.tensor].columns)
    }

    mutating func finished(chunk: Int, node: ShardRange) {}

    mutating func sparse(chunk: Int, node: ShardRange, rows: [Int32], values: Matrix<Float>) {}
}
