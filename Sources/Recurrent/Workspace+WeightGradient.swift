// The products and sums that every weight gradient is.

import Numerics

/// The rows of a matrix that belong to each shard of a batch, in the order in which they are summed.
struct RowsByShard<Scalar: KernelScalar> {
    let matrix: Matrix<Scalar>
    let lists: [[Int32]]

    init(_ matrix: Matrix<Scalar>, _ lists: [[Int32]]) { (self.matrix, self.lists) = (matrix, lists) }

    /// The rows of the longest list.
    var longest: Int { lists.reduce(0) { max($0, $1.count) } }
}

/// One weight gradient: its tensor, and what the weights were multiplied with.
struct WeightGradient<Scalar: KernelScalar> {
    let tensor: Int
    let inputs: RowsByShard<Scalar>
}

extension Workspace {
    /// Delivers gradients dW `[out, in]` chunk by chunk and node by node: for each shard one product over the shard's
    /// rows, Σ outputGradient ⊗ input.
    ///
    /// - Parameters:
    ///   - products: weights that share their output gradients. Where their chunks have the same rows, the gradients
    ///   are
    ///     packed once for all of them.
    ///   - outputGradients: `[·, out]`.
    mutating func deliver<Sink: GradientSink<Scalar> & ~Copyable>(
        _ products: [WeightGradient<Scalar>], outputGradients: RowsByShard<Scalar>, layout: ParameterLayout,
        nodes: [ShardRange], sink: inout Sink, sequences: PackedSequences
    ) {
        let chunks = products.map { layout.chunkIndices(ofTensor: $0.tensor) }
        let rows = chunks.map { $0.map { layout.chunks[$0].rows } }
        if rows.contains(where: { $0 != rows[0] }) {
            for product in products {
                deliver(
                    [product], outputGradients: outputGradients, layout: layout, nodes: nodes, sink: &sink,
                    sequences: sequences)
            }
            return
        }
        clock.enter(.packingRows)
        let shards = sequences.shards.count
        rights.grow(to: products.count * shards) { [precision] in PackedRight(precision: precision) }
        for (index, product) in products.enumerated() {
            for (shard, list) in product.inputs.lists.enumerated() {
                rights[index * shards + shard].pack(product.inputs.matrix, rows: list)
            }
        }
        let columns = products.map { layout.tensors[$0.tensor].columns }.reduce(outputGradients.longest, max)
        for (place, rows) in rows[0].enumerated() {
            for index in products.indices {
                Self.deliver(
                    chunk: chunks[index][chunks[index].startIndex + place], rows: rows,
                    rowsPerBlock: rowsPerBlock(columns: columns), nodes: nodes, sink: &sink, sequences: sequences,
                    outputGradients: outputGradients, packing: index == 0, keeping: products.count > 1,
                    precision: precision, firstRight: index * shards, lefts: &lefts, rights: rights, sums: &sums,
                    clock: &clock)
            }
        }
    }

    /// Delivers one chunk. The parts of the workspace come apart, because the sum and its leaves change different ones.
    ///
    /// - Parameters:
    ///   - packing: whether the output gradients are packed, or still are from another product.
    ///   - keeping: whether they are kept for another product.
    private static func deliver<Sink: GradientSink<Scalar> & ~Copyable>(
        chunk: Int, rows: Range<Int>, rowsPerBlock: Int, nodes: [ShardRange], sink: inout Sink,
        sequences: PackedSequences, outputGradients: RowsByShard<Scalar>, packing: Bool, keeping: Bool,
        precision: Precision, firstRight: Int, lefts: inout OwnedArray<PackedLeft<Scalar>>,
        rights: borrowing OwnedArray<PackedRight<Scalar>>, sums: inout TreeSum<Scalar>, clock: inout PhaseClock
    ) {
        let shards = sequences.shards.count
        lefts.grow(to: keeping ? (rows.count + rowsPerBlock - 1) / rowsPerBlock * shards : 1) {
            PackedLeft(precision: precision)
        }
        for node in nodes {
            clock.enter(.other)
            let memory = sink.memory(chunk: chunk, node: node)
            clock.enter(.weightGradients)
            for (index, block) in blocks(of: rows.count, by: rowsPerBlock).enumerated() {
                let columns = rows.lowerBound + block.lowerBound..<rows.lowerBound + block.upperBound
                sums.sum(node, into: memory.rows(block)) { shard, result, adding in
                    let shard = sequences.position(ofShard: shard)
                    let left = keeping ? index * shards + shard : 0
                    if packing {
                        clock.enter(.packingRows)
                        lefts[left].packTransposed(
                            outputGradients.matrix.columns(columns), rows: outputGradients.lists[shard])
                        clock.enter(.weightGradients)
                    }
                    multiply(lefts[left], rights[firstRight + shard], into: result, store: adding ? .add : .replace)
                }
            }
            clock.enter(.other)
            sink.finished(chunk: chunk, node: node)
        }
    }

    /// The sum over a chunk runs over blocks of rows that stay in the second-level cache while one shard after another
    /// is added: 256 KiB of results or of output gradients, whichever is larger.
    private func rowsPerBlock(columns: Int) -> Int { max(48, 65_536 / max(1, columns) / 8 * 8) }

    /// Delivers the gradient of one bias or of several equal ones, db `[out]` = Σ outputGradient.
    mutating func deliverSums<Sink: GradientSink<Scalar> & ~Copyable>(
        tensors: [Int], outputGradients: RowsByShard<Scalar>, layout: ParameterLayout, nodes: [ShardRange],
        sink: inout Sink, sequences: PackedSequences
    ) {
        clock.enter(.weightGradients)
        let partials = biasSums.matrix(rows: nodes.count, columns: outputGradients.matrix.columns)
        for (index, node) in nodes.enumerated() {
            sums.sum(node, into: partials.rows(index..<index + 1)) { shard, result, adding in
                let list = outputGradients.lists[sequences.position(ofShard: shard)]
                outputGradients.matrix.sumColumns(rows: list, into: result, adding: adding)
            }
        }
        for chunk in tensors.flatMap({ layout.chunkIndices(ofTensor: $0) }) {
            for (index, node) in nodes.enumerated() {
                let part = partials.rows(index..<index + 1).columns(layout.chunks[chunk].rows)
                sink.memory(chunk: chunk, node: node).asRow.copy(from: part)
                sink.finished(chunk: chunk, node: node)
            }
        }
    }
}
