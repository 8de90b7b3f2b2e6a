// Sums of shard gradients along the reduction tree.

import Numerics

/// Sums one piece of the gradient over the shards of a node: exactly left + right at every node, whatever span the node
/// is computed in.
///
/// A leaf that is a right child adds itself onto its sibling in the final store of its product; a larger right child is
/// summed in scratch memory and added.
///
/// In bfloat16 every node's sum is rounded to bfloat16, the leaves too: then it is the same whether the node is summed
/// here, by several workers or by the server, and travels in half the bytes.
public struct TreeSum<Scalar: KernelScalar>: ~Copyable {
    private let precision: Precision
    private var scratch = OwnedArray<GrowingBuffer<Scalar>>()

    /// A sum without scratch memory yet.
    public init(precision: Precision = .single) { self.precision = precision }

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
        let children = ReductionTree(shards: node.upper).children(of: node)
        if children == nil, precision == .single || !adding {
            leaf(node.lower, result, adding)
            round(result)
            return
        }
        if adding {
            scratch.grow(to: depth + 1) { GrowingBuffer() }
            let partial = scratch[depth].matrix(rows: result.rows, columns: result.columns)
            sum(node, into: partial, adding: false, depth: depth + 1, leaf: leaf)
            result.add(partial)
        } else if let (left, right) = children {
            sum(left, into: result, adding: false, depth: depth, leaf: leaf)
            sum(right, into: result, adding: true, depth: depth, leaf: leaf)
            round(result)
        }
    }

    private func round(_ sum: Matrix<Scalar>) {
        if precision == .bfloat16 { sum.roundFloatsToBFloat16() }
    }
}

extension Matrix {
    /// Rounds all elements to bfloat16.
    ///
    /// - Precondition: the network is in single precision: no other has this mode.
    func roundFloatsToBFloat16() {
        guard let floats = self as? Matrix<Float> else { preconditionFailure("bfloat16 is a mode of single precision") }
        floats.roundToBFloat16()
    }
}
