// Gradients on their way to the server, each as soon as it is complete.

import Messaging
import Numerics
import Recurrent
import WireProtocol

/// Lets the network write each partial sum straight into the memory of the message that carries it.
struct GradientSender: GradientSink {
    typealias Scalar = Float

    private let connection: ServerConnection
    private let layout: ParameterLayout
    private let step: Int
    private var pending: FrameBox?
    /// The first failure to send; the rest of the step is then computed in vain.
    private(set) var failure: MessagingError?

    init(_ connection: ServerConnection, layout: ParameterLayout, step: Int) {
        self.connection = connection
        self.layout = layout
        self.step = step
    }

    mutating func memory(chunk: Int, node: ShardRange) -> Matrix<Float> {
        let place = layout.chunks[chunk]
        let columns = layout.tensors[place.tensor].columns
        let box = FrameBox(Frame(alignedByteCount: place.elements.count * MemoryLayout<Float>.stride))
        pending = box
        return box.withUnsafeMutableBytes { bytes in
            Matrix(
                base: bytes.baseAddress!.assumingMemoryBound(to: Float.self), rows: place.rows.count, columns: columns,
                stride: columns)
        }
    }

    mutating func finished(chunk: Int, node: ShardRange) {
        guard let box = pending else { preconditionFailure("no gradient is being written") }
        pending = nil
        send(push(chunk: chunk, node: node), FrameList(box.take()))
    }

    mutating func sparse(chunk: Int, node: ShardRange, rows: [Int32], values: Matrix<Float>) {
        var header = push(chunk: chunk, node: node)
        header.isSparse = true
        header.sparseRows = UInt32(rows.count)
        var frames = FrameList()
        if !rows.isEmpty {
            frames.append(Frame(copyingElements: rows))
            let rowBytes = values.columns * MemoryLayout<Float>.stride
            var frame = Frame(byteCount: rows.count * rowBytes)
            frame.withUnsafeMutableBytes { bytes in
                for row in 0..<values.rows {
                    let source = UnsafeRawBufferPointer(start: values.base + row * values.stride, count: rowBytes)
                    UnsafeMutableRawBufferPointer(rebasing: bytes[row * rowBytes..<(row + 1) * rowBytes])
                        .copyMemory(from: source)
                }
            }
            frames.append(frame)
        }
        send(header, frames)
    }

    private func push(chunk: Int, node: ShardRange) -> WirePush {
        var header = WirePush()
        header.step = UInt64(step)
        header.chunk = UInt32(chunk)
        header.node.lower = UInt32(node.lower)
        header.node.upper = UInt32(node.upper)
        return header
    }

    private mutating func send(_ header: WirePush, _ frames: consuming FrameList) {
        guard failure == nil else { return }
        do {
            try connection.send(.push(header), frames: frames)
        } catch {
            failure = error
        }
    }
}
