// A sink that keeps a step's gradients in memory.

import Numerics

/// Keeps the gradients of each node in one flat array laid out as the parameters: for training in one process, for
/// benchmarks and for tests.
public struct GradientCollector<Scalar: KernelScalar>: GradientSink, ~Copyable {
    private let layout: ParameterLayout
    /// The nodes whose gradients are kept.
    public let nodes: [ShardRange]
    private var gradients = OwnedArray<Buffer<Scalar>>()
    /// What was delivered, in order.
    public private(set) var deliveries: [(chunk: Int, node: ShardRange)] = []
    private var sparseRows: [ShardRange: [Int: [Int32]]] = [:]

    /// A collector for one step after another.
    public init(layout: ParameterLayout, nodes: [ShardRange]) {
        (self.layout, self.nodes) = (layout, nodes)
        for _ in nodes { gradients.append(Buffer(count: layout.count)) }
    }

    /// Forgets what was delivered.
    public mutating func reset() {
        deliveries = []
        sparseRows = [:]
    }

    private func index(_ node: ShardRange) -> Int { nodes.firstIndex(of: node)! }

    /// A chunk's gradient, `[rows, columns]` of the chunk; of a row-sparse chunk only the rows of ``rows(chunk:node:)``
    /// mean anything.
    public func gradient(chunk: Int, node: ShardRange) -> Matrix<Scalar> {
        layout.matrix(ofChunk: chunk, in: gradients[index(node)])
    }

    /// The rows of the tensor that have a gradient in a row-sparse chunk.
    public func rows(chunk: Int, node: ShardRange) -> [Int32] { sparseRows[node]?[chunk] ?? [] }

    /// The place of the chunk in the node's flat array.
    public mutating func memory(chunk: Int, node: ShardRange) -> Matrix<Scalar> { gradient(chunk: chunk, node: node) }

    /// Notes the delivery.
    public mutating func finished(chunk: Int, node: ShardRange) { deliveries.append((chunk, node)) }

    /// Copies the rows to their places in the node's flat array.
    public mutating func sparse(chunk: Int, node: ShardRange, rows: [Int32], values: Matrix<Scalar>) {
        deliveries.append((chunk, node))
        sparseRows[node, default: [:]][chunk] = rows
        let target = gradient(chunk: chunk, node: node)
        let first = layout.chunks[chunk].rows.lowerBound
        for (index, row) in rows.enumerated() {
            let place = Int(row) - first
            target.rows(place..<place + 1).copy(from: values.rows(index..<index + 1))
        }
    }
}
