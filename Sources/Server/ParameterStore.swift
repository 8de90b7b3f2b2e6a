// The run's weights and Adam's moments.

import Messaging
import Numerics
import Optimization

/// The weights of the present version, and what Adam remembers of earlier gradients.
struct ParameterStore: ~Copyable {
    let layout: ParameterLayout
    let weights: Buffer<Float>
    let adam: Adam<Float>

    init(layout: ParameterLayout) {
        self.layout = layout
        weights = Buffer(count: layout.count)
        adam = Adam(layout: layout)
    }

    /// Applies one step of Adam to the rows of a chunk that have a gradient.
    func apply(_ payload: GradientPayload, chunk: Int, step: AdamStep) {
        let columns = layout.tensors[layout.chunks[chunk].tensor].columns
        switch payload {
        case .dense(let values):
            values.withFloats {
                adam.update(chunk: chunk, weights: weights, gradient: $0.reshaped(columns: columns), step: step)
            }
        case .sparse(let rows, let values):
            values.withFloats {
                adam.update(
                    chunk: chunk, weights: weights, rows: rows.map(Int32.init(bitPattern:)),
                    values: $0.reshaped(columns: columns), step: step)
            }
        }
    }

    /// A copy of a chunk's weights, ready to send.
    func frame(chunk: Int) -> Frame {
        let values = layout.matrix(ofChunk: chunk, in: weights)
        return Frame(copying: UnsafeRawBufferPointer(start: values.base, count: values.rows * values.columns * 4))
    }

    /// Copies of some rows of a chunk's weights, ready to send.
    func frame(chunk: Int, rows: [UInt32]) -> Frame {
        let values = layout.matrix(ofChunk: chunk, in: weights)
        let start = layout.chunks[chunk].rows.lowerBound
        let rowBytes = values.columns * MemoryLayout<Float>.stride
        var frame = Frame(byteCount: rows.count * rowBytes)
        frame.withUnsafeMutableBytes { bytes in
            for (index, row) in rows.enumerated() {
                let source = UnsafeRawBufferPointer(
                    start: values.base + (Int(row) - start) * values.stride, count: rowBytes)
                UnsafeMutableRawBufferPointer(rebasing: bytes[index * rowBytes..<(index + 1) * rowBytes])
                    .copyMemory(from: source)
            }
        }
        return frame
    }
}
