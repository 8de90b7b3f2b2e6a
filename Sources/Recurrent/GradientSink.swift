// Where gradients go.

import Numerics

/// The receiver of a step's gradients: one delivery for each chunk of the parameters and each node of the reduction
/// tree that was asked for, the output layer's chunks first, the embedding's last, each as soon as it is complete.
///
/// Gradients are sums over tokens.
public protocol GradientSink<Scalar>: ~Copyable {
    /// The scalar of the network.
    associatedtype Scalar: KernelScalar

    /// Memory for the gradient of one chunk, `[rows, columns]` of the chunk without gaps. The network overwrites it and
    /// then calls ``finished(chunk:node:)``; it asks for no other memory in between.
    mutating func memory(chunk: Int, node: ShardRange) -> Matrix<Scalar>
    /// The memory handed out last for this chunk and node holds its gradient.
    mutating func finished(chunk: Int, node: ShardRange)
    /// The gradient of a chunk of a row-sparse tensor: `values[k]` belongs to row `rows[k]` of the *tensor*; the rows
    /// ascend and lie in the chunk; all others have no gradient. Also called without rows. `values` is valid until the
    /// call returns.
    mutating func sparse(chunk: Int, node: ShardRange, rows: [Int32], values: Matrix<Scalar>)
}
