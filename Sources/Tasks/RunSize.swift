// What a run takes: parameters and memory, from its configuration alone.

import Configuration
import Numerics
import Recurrent

/// What a run takes, known before any memory is taken for it.
///
///     let size = RunSize(configuration, vocabulary: 65, workers: 2)
///     size.parameters                 // 6053
///     size.worker.bytes               // private memory of each worker, about
///
/// Sizes in bytes are floating-point numbers: no product of the largest values that a configuration may have overflows.
/// They are estimates, made from what the network, the server and the worker allocate (docs/check.md compares them
/// with real runs).
public struct RunSize: Sendable, Equatable {
    /// What one process takes.
    public struct Process: Sendable, Equatable {
        /// Memory that it has written to.
        public var bytes: Double
        /// Address space beyond that: memory that is never touched, or that another process of the run accounts for.
        public var reservedBytes: Double
    }

    /// What is learnt.
    public let parameters: Int
    /// The units in which parameters are divided among partitions.
    public let chunks: Int
    /// Tokens of the largest step; `nil` where it is not known how long the lines are.
    public let stepTokens: Int?
    /// The shards of a worker, when all are there.
    public let shardsOfWorker: Int
    /// The workers that were asked for.
    public let workers: Int
    /// The processes that hold parameters.
    public let partitions: Int
    /// The largest server process.
    public let server: Process
    /// Each of the other server processes.
    public let partitionServer: Process
    /// Each worker.
    public let worker: Process
    /// Hidden state between steps, of all shards.
    public let carriedStateBytes: Double
    /// Weights, moments and hidden state on disk.
    public let checkpointBytes: Double
    /// The rows of the embedding times its columns.
    let embeddingElements: Int
    /// The part of a worker's memory that depends on the model alone.
    let workerModelBytes: Double

    /// What a run takes.
    ///
    /// - Parameters:
    ///   - vocabulary: the number of symbols, or the least that it can be while the text is not read.
    ///   - stepTokens: for sequences, the tokens of the largest batch.
    public init(
        _ configuration: RunConfiguration, vocabulary: Int, workers: Int, partitions: Int = 1, stepTokens: Int? = nil
    ) {
        let (model, training) = (configuration.model, configuration.training)
        let shape = LanguageModelShape(configuration, vocabulary: max(1, vocabulary))
        let tensors = shape.tensorShapes
        let cell = shape.cell.cell
        let isStream = configuration.data.shape == .stream
        self.workers = max(1, workers)
        self.partitions = max(1, partitions)
        parameters = tensors.reduce(0) { $0 + $1.rows * $1.columns }
        chunks = tensors.reduce(0) { $0 + ParameterLayout.chunkCount(rows: $1.rows, columns: $1.columns) }
        embeddingElements = shape.vocabulary * shape.embeddingSize
        self.stepTokens = isStream ? training.batch * training.sequence : stepTokens
        let workersBusy = min(self.workers, training.shards)
        shardsOfWorker = (training.shards + workersBusy - 1) / workersBusy

        let all = Self.floatBytes * Double(parameters)
        let largest = Self.floatBytes * Double(tensors.map { $0.rows * $0.columns }.max() ?? 0)
        let states = cell.hasCellState ? 2.0 : 1
        carriedStateBytes =
            isStream
            ? Self.floatBytes * Double(training.batch) * Double(model.layers) * states * Double(model.hidden) : 0
        checkpointBytes = 3 * all + carriedStateBytes

        // The first weights are drawn into a network of their own, tensor by tensor; later there are the weights, two
        // moments, and for a while the first weights. Hidden states are there twice, and once more in messages.
        let share = all / Double(self.partitions)
        let gradientArea = 2 * Double(Self.levels(training.shards)) * all
        server = Process(
            bytes: Self.baseBytes + max(2 * all + 3 * largest, 3 * share + all) + 3 * carriedStateBytes,
            reservedBytes: Double(self.workers) * gradientArea)
        partitionServer = Process(
            bytes: Self.baseBytes + 3 * share, reservedBytes: Double(self.workers) * gradientArea)

        // Weights, packed for the forward and for the backward pass; gradients of the nodes of a span.
        let lanes = Double(training.batch) / Double(training.shards) * Double(shardsOfWorker)
        let rows = Double(self.stepTokens ?? training.batch) / Double(training.shards) * Double(shardsOfWorker)
        let nodes = Double(
            ReductionTree(shards: training.shards).nodes(covering: ShardRange(0, shardsOfWorker)).count)
        workerModelBytes = Self.baseBytes + (3 + nodes) * all
        let passing = Self.rowBytes(shape, hasDropout: model.dropout > 0)
        let evaluated =
            configuration.data.validation == .fraction(0) || !isStream
            ? 0
            : Double((16 + training.shards - 1) / training.shards * shardsOfWorker * 256)
        worker = Process(
            bytes: workerModelBytes + rows * passing.training + max(rows, evaluated) * passing.evaluation
                + lanes * Double(model.layers) * 4 * Self.floatBytes * Double(model.hidden),
            reservedBytes: gradientArea + all)
    }

    private static let floatBytes = Double(MemoryLayout<Float>.size)
    /// What a process has before it has a model.
    private static let baseBytes = 40e6

    /// The levels of the reduction tree.
    private static func levels(_ shards: Int) -> Int { max(1, Int.bitWidth - (shards - 1).leadingZeroBitCount) }

    /// What a row of a step (one token) takes in training besides what it takes in evaluation too.
    private static func rowBytes(
        _ shape: LanguageModelShape, hasDropout: Bool
    ) -> (training: Double, evaluation: Double) {
        let (hidden, cell) = (Double(shape.hiddenSize), shape.cell.cell)
        let gates = Double(cell.gateBlocks) * hidden
        // Gates (twice, where the recurrent product stays apart), states, cells and their tanh.
        let layer = gates * (cell.keepsRecurrentGates ? 2 : 1) + hidden * (cell.hasCellState ? 3 : 1)
        // Gradients of states; masks and their products.
        let backward = hidden * (hasDropout ? 3 : 1)
        // Operands of the weight gradients of one layer: inputs, previous states, and a chunk's rows of gate gradients.
        let chunkRows = min(gates, Double(ParameterLayout.chunkElementsMaximum) / hidden)
        let operands = 2 * hidden + chunkRows
        // Sums of gate gradients by token, and a few numbers that say where the row belongs.
        let tokens = min(1, Double(shape.vocabulary) / 16) * gates + 32
        return (
            floatBytes * (Double(shape.layers) * backward + operands + tokens + Double(shape.vocabulary)),
            floatBytes * Double(shape.layers) * layer
        )
    }
}

extension LanguageModelShape {
    /// The rows and columns of all parameters, as in the layout, without making it.
    public var tensorShapes: [(rows: Int, columns: Int)] {
        let gates = cell.cell.gateBlocks * hiddenSize
        var shapes = [(rows: vocabulary, columns: embeddingSize)]
        for layer in 0..<layers {
            shapes += [
                (gates, layer == 0 ? embeddingSize : hiddenSize), (gates, hiddenSize), (gates, 1), (gates, 1),
            ]
        }
        return shapes + [(vocabulary, hiddenSize), (vocabulary, 1)]
    }
}
