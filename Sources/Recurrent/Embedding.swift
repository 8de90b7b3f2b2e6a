// The embedding and its row-sparse gradient.

import Numerics

/// A table `[vocabulary, size]` whose rows stand for tokens.
///
/// The rows are read by the layer above (``LayerInput``); here is the way back: only the rows of tokens that occur have
/// a gradient, and two shards' gradients are merged row by row along the reduction tree.
public struct Embedding<Scalar: KernelScalar>: ~Copyable {
    /// The place of the table in the layout.
    public let tensor: Int
    /// The number of tokens and of features of each.
    public let vocabulary, size: Int
    /// Rows of partial sums: the leaves' first, then those of inner nodes.
    private var partials = GrowingBuffer<Scalar>()

    /// An embedding whose table `{prefix}weight` is appended to the layout.
    public init(appendingTo layout: inout ParameterLayout, prefix: String, vocabulary: Int, size: Int) {
        (self.vocabulary, self.size) = (vocabulary, size)
        tensor = layout.append("\(prefix)weight", [vocabulary, size], isRowSparse: true)
    }

    /// The gradient of the rows of one node: `values[k]` belongs to token `tokens[k]`.
    private struct SparseRows {
        var tokens: [Int32]
        /// Rows of ``partials``.
        var places: Range<Int>
    }

    /// Delivers the gradients of the table from those of each shard's tokens, `[tokens.shardTokenCount, size]`; in
    /// bfloat16 every node's are rounded as by ``TreeSum``.
    public mutating func deliverGradients<Sink: GradientSink<Scalar> & ~Copyable>(
        _ gradients: Matrix<Scalar>, tokens: DistinctTokens, layout: ParameterLayout, nodes: [ShardRange],
        sink: inout Sink, sequences: PackedSequences, precision: Precision = .single
    ) {
        for node in nodes {
            let (rows, values) = sum(node, gradients, tokens, sequences, precision)
            for chunk in layout.chunkIndices(ofTensor: tensor) {
                let range = layout.chunks[chunk].rows
                let first = rows.firstIndex { $0 >= range.lowerBound } ?? rows.count
                let end = rows[first...].firstIndex { $0 >= range.upperBound } ?? rows.count
                sink.sparse(chunk: chunk, node: node, rows: Array(rows[first..<end]), values: values.rows(first..<end))
            }
        }
    }

    /// The rows of one node and their gradients.
    private mutating func sum(
        _ node: ShardRange, _ gradients: Matrix<Scalar>, _ tokens: DistinctTokens, _ sequences: PackedSequences,
        _ precision: Precision
    ) -> (rows: [Int32], values: Matrix<Scalar>) {
        let tree = ReductionTree(shards: node.upper)
        // Each level of the tree holds at most all shards' tokens.
        let depth = Int.bitWidth - (max(node.count, 1) - 1).leadingZeroBitCount
        let memory = partials.matrix(rows: tokens.shardTokenCount * (depth + 1), columns: size)
        memory.rows(0..<gradients.rows).copy(from: gradients)
        if precision == .bfloat16 { memory.rows(0..<gradients.rows).roundFloatsToBFloat16() }
        var used = gradients.rows

        func visit(_ node: ShardRange) -> SparseRows {
            guard let (left, right) = tree.children(of: node) else {
                let shard = sequences.position(ofShard: node.lower)
                return SparseRows(tokens: tokens.shardTokens[shard], places: tokens.shardRange(shard))
            }
            let (first, second) = (visit(left), visit(right))
            let merged = MergedRows(first.tokens, first.places.lowerBound, second.tokens, second.places.lowerBound)
            let result = SparseRows(tokens: merged.tokens, places: used..<used + merged.tokens.count)
            used += merged.tokens.count
            let target = memory.rows(result.places)
            target.gather(merged.firsts[...], from: memory)
            target.scatterAdd(memory, rows: merged.seconds, slots: merged.slotsOfSeconds)
            if precision == .bfloat16 { target.roundFloatsToBFloat16() }
            return result
        }
        let result = visit(node)
        return (result.tokens, memory.rows(result.places))
    }
}

/// The union of two ascending lists of tokens, with the places of each token's rows.
private struct MergedRows {
    var tokens: [Int32] = []
    /// For each token the place of its only row, or of its left one.
    var firsts: [Int32] = []
    /// For each token in both lists the place of its right row, and its index in `tokens`.
    var seconds: [Int32] = []
    var slotsOfSeconds: [Int32] = []

    init(_ left: [Int32], _ leftPlace: Int, _ right: [Int32], _ rightPlace: Int) {
        var (i, j) = (0, 0)
        while i < left.count || j < right.count {
            if j == right.count || (i < left.count && left[i] < right[j]) {
                tokens.append(left[i])
                firsts.append(Int32(leftPlace + i))
                i += 1
            } else if i == left.count || right[j] < left[i] {
                tokens.append(right[j])
                firsts.append(Int32(rightPlace + j))
                j += 1
            } else {
                slotsOfSeconds.append(Int32(tokens.count))
                tokens.append(left[i])
                firsts.append(Int32(leftPlace + i))
                seconds.append(Int32(rightPlace + j))
                (i, j) = (i + 1, j + 1)
            }
        }
    }
}
