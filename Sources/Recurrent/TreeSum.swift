// Sums of shard gradients along the reduction tree.

import Numerics

/// Sums one piece of the gradient over the shards of a node: exactly left + right at every node, whatever span the node
/// is computed in.
///
/// A leaf that is a right child adds itself onto its sibling in the final store of its product; a larger right child is
/// summed in scratch memory and added.
public struct TreeSum<Scalar: KernelScalar>: ~Copyable {
    private var scratch = OwnedArray<GrowingBuffer<Scalar>>()

    /// A sum without scratch memory yet.
    public init() {}

    /// Writes the node's sum into `result`, or adds it onto what is there.
    ///
    /// - Parameter leaf: writes one shard's gradient into a matrix shaped as `result`, or adds it.
    public mutating func sum(
        _ node: ShardRange, into result: Matrix<Scalar>, adding: Bool = false,
        leaf: (_ shard: Int, _ result: Matrix<Scalar>, _ adding: Bool) -> Void
    ) {
        sum(node, into: result, adding: adding, depth: 0, leaf: leaf)
    }

    private mutating func sum(
        _ node: ShardRange, into result: Matrix<Scalar>, adding: Bool, depth: Int,
        leaf: (_ shard: Int, _ result: Matrix<Scalar>, _ adding: Bool) -> Void
    ) {
        guard let (left, right) = ReductionTree(shards: node.upper).children(of: node) else {
            leaf(node.lower, result, adding)
            return
        }
        if adding {
            scratch.grow(to: depth + 1) { GrowingBuffer() }
            let partial = scratch[depth].matrix(rows: result.rows, columns: result.columns)
            sum(node, into: partial, adding: false, depth: depth + 1, leaf: leaf)
            result.add(partial)
        } else {
            sum(left, into: result, adding: false, depth: depth, leaf: leaf)
            sum(right, into: result, adding: true, depth: depth, leaf: leaf)
        }
    }
}
