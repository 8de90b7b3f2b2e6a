// The run's weights and Adam's moments, or a part of them.

import Messaging
import Numerics
import Optimization
import Platform
import WireProtocol

/// The weights of some chunks at the present version, and what Adam remembers of their earlier gradients. Chunks carry
/// the numbers that they have in the whole model; memory is taken for those that are held here alone.
struct ParameterStore: ~Copyable {
    /// The parameters of the whole model.
    let layout: ParameterLayout
    /// The chunks that are held here.
    let chunks: Range<Int>
    /// The parts of tensors that are held here: its chunk 0 is the first of `chunks`.
    private let held: ParameterLayout
    private let weights: Buffer<Float>
    /// The memory of the weights, where workers of this machine can look; `nil` where there is no such memory.
    private let shared: SharedMemory?
    private let adam: Adam<Float>

    /// Weights and moments of zero.
    init(layout: ParameterLayout, chunks: Range<Int>) {
        self.layout = layout
        self.chunks = chunks
        held = layout.part(chunks)
        let shared = try? SharedMemory(byteCount: max(1, held.count) * MemoryLayout<Float>.stride)
        self.shared = shared
        if let shared {
            weights = Buffer(lending: shared.bytes) { _ = shared }
        } else {
            weights = Buffer(count: held.count)
        }
        adam = Adam(layout: held)
    }

    /// Where a chunk's weights lie in memory that others can open: the byte of their first element.
    func place(ofChunk chunk: Int) -> (memory: SharedMemory, offset: Int)? {
        guard let shared, let start = shared.bytes.baseAddress else { return nil }
        return (shared, UnsafeMutableRawPointer(values(.weights, chunk: chunk).base) - start)
    }

    /// One chunk's weights or moments, without gaps.
    func values(_ kind: ParameterKind, chunk: Int) -> Matrix<Float> {
        let place = chunk - chunks.lowerBound
        return switch kind {
        case .weights: held.matrix(ofChunk: place, in: weights)
        case .firstMoments: held.matrix(ofChunk: place, in: adam.firstMoments)
        case .secondMoments: held.matrix(ofChunk: place, in: adam.secondMoments)
        }
    }

    /// Applies one step of Adam to the rows of a chunk that have a gradient.
    func apply(_ payload: GradientPayload, chunk: Int, step: AdamStep) {
        let columns = layout.tensors[layout.chunks[chunk].tensor].columns
        let place = chunk - chunks.lowerBound
        switch payload {
        case .dense(let values):
            values.withFloats {
                adam.update(chunk: place, weights: weights, gradient: $0.reshaped(columns: columns), step: step)
            }
        case .sparse(let rows, let values):
            // Rows are counted from the tensor's first; the part that is held may begin with a later one.
            let shift = layout.chunks[chunk].rows.lowerBound - held.chunks[place].rows.lowerBound
            values.withFloats {
                adam.update(
                    chunk: place, weights: weights, rows: rows.map { Int32($0) - Int32(shift) },
                    values: $0.reshaped(columns: columns), step: step)
            }
        }
    }

    /// A copy of a chunk's weights or moments, ready to send.
    func frame(_ kind: ParameterKind, chunk: Int, precision: Precision = .single) -> Frame {
        let values = values(kind, chunk: chunk)
        var frame = Frame(byteCount: values.count * precision.byteCount)
        frame.withUnsafeMutableBytes { values.write(to: $0, precision: precision) }
        return frame
    }

    /// Copies of some rows of a chunk's weights, ready to send.
    func frame(chunk: Int, rows: [UInt32], precision: Precision) -> Frame {
        let values = values(.weights, chunk: chunk)
        let start = layout.chunks[chunk].rows.lowerBound
        let rowBytes = values.columns * precision.byteCount
        var frame = Frame(byteCount: rows.count * rowBytes)
        frame.withUnsafeMutableBytes { bytes in
            for (index, row) in rows.enumerated() {
                let row = Int(row) - start
                values.rows(row..<row + 1).write(
                    to: UnsafeMutableRawBufferPointer(rebasing: bytes[index * rowBytes..<(index + 1) * rowBytes]),
                    precision: precision)
            }
        }
        return frame
    }

    /// Puts a chunk's weights or moments in place.
    ///
    /// - Returns: `false` if they are not as many bytes as the chunk has.
    func load(_ kind: ParameterKind, chunk: Int, from bytes: UnsafeRawBufferPointer) -> Bool {
        let values = values(kind, chunk: chunk)
        let target = UnsafeMutableRawBufferPointer(
            start: values.base, count: values.count * MemoryLayout<Float>.stride)
        guard bytes.count == target.count else { return false }
        target.copyMemory(from: bytes)
        return true
    }
}

/// What is kept of every parameter.
enum ParameterKind: Hashable, CaseIterable {
    case weights, firstMoments, secondMoments

    /// The kind that a message names; `nil` for none of ours.
    init?(_ wire: WireParameterKind) {
        switch wire {
        case .weights: self = .weights
        case .firstMoments: self = .firstMoments
        case .secondMoments: self = .secondMoments
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }

    /// As a message names it.
    var wire: WireParameterKind {
        switch self {
        case .weights: .weights
        case .firstMoments: .firstMoments
        case .secondMoments: .secondMoments
        }
    }
}

extension ParameterLayout {
    /// The layout of some consecutive chunks alone: the rows of each tensor that lie in them. A part of a tensor that
    /// begins with one of its chunks is divided into chunks as the tensor is.
    func part(_ range: Range<Int>) -> ParameterLayout {
        var part = ParameterLayout()
        var rest = chunks[range]
        while let first = rest.first {
            let tensor = tensors[first.tensor]
            let ours = rest.prefix { $0.tensor == first.tensor }
            let rows = ours.reduce(0) { $0 + $1.rows.count }
            part.append(
                tensor.name, tensor.shape.count > 1 ? [rows, tensor.columns] : [rows], isRowSparse: tensor.isRowSparse)
            rest = rest.dropFirst(ours.count)
        }
        return part
    }
}
