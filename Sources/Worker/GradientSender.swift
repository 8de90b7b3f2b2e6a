// Gradients on their way to the servers that own them, each as soon as it is complete.

import Messaging
import Numerics
import Recurrent
import WireProtocol

/// Lets the network write each partial sum straight into the memory from which it is sent, or where a server of this
/// machine reads it.
struct GradientSender: GradientSink {
    typealias Scalar = Float

    private let connections: ParameterConnections
    private let layout: ParameterLayout
    /// The number of the sum that the gradients belong to.
    private let sum: Int
    /// What gradients travel in.
    private let precision: Precision
    private var pending: Destination?
    /// Partial sums in shared memory that have not been announced yet: many are small, and each message wakes somebody.
    private var unannounced: [WirePush] = []
    private var unannouncedBytes = 0
    /// So much is announced at once, so that the server sums while this worker computes.
    private static let announcedBytes = 512 << 10
    /// The first failure to send; the rest of the step is then computed in vain.
    private(set) var failure: MessagingError?

    /// Where a partial sum is being written.
    private enum Destination {
        case frame(FrameBox)
        case shared(place: Int)
    }

    init(_ connections: ParameterConnections, layout: ParameterLayout, sum: Int, precision: Precision) {
        self.connections = connections
        self.layout = layout
        self.sum = sum
        self.precision = precision
        connections.gradients?.begin(sum: sum)
    }

    mutating func memory(chunk: Int, node: ShardRange) -> Matrix<Float> {
        let place = layout.chunks[chunk]
        let columns = layout.tensors[place.tensor].columns
        let (destination, matrix) = reserve(chunk: chunk, rows: place.rows.count, columns: columns)
        pending = destination
        return matrix
    }

    mutating func finished(chunk: Int, node: ShardRange) {
        guard let pending else { preconditionFailure("no gradient is being written") }
        self.pending = nil
        send(pending, push(chunk: chunk, node: node), FrameList())
    }

    mutating func sparse(chunk: Int, node: ShardRange, rows: [Int32], values: Matrix<Float>) {
        var header = push(chunk: chunk, node: node)
        header.isSparse = true
        header.sparseRows = UInt32(rows.count)
        guard !rows.isEmpty else { return send(header, FrameList()) }
        let (destination, matrix) = reserve(chunk: chunk, rows: values.rows, columns: values.columns)
        matrix.copy(from: values)
        send(destination, header, FrameList(Frame(copyingElements: rows)))
    }

    /// Memory for a partial sum: shared with the owner of the chunk where that is possible, else a frame's.
    private func reserve(chunk: Int, rows: Int, columns: Int) -> (Destination, Matrix<Float>) {
        let byteCount = rows * columns * MemoryLayout<Float>.stride
        if connections.sharesMemory(ownerOfChunk: chunk),
            let area = connections.gradients?.reserve(byteCount: byteCount)
        {
            return (.shared(place: area.place), Self.matrix(area.bytes, rows: rows, columns: columns))
        }
        let box = FrameBox(Frame(alignedByteCount: byteCount))
        return (.frame(box), box.withUnsafeMutableBytes { Self.matrix($0, rows: rows, columns: columns) })
    }

    private static func matrix(_ bytes: UnsafeMutableRawBufferPointer, rows: Int, columns: Int) -> Matrix<Float> {
        guard let start = bytes.baseAddress else { preconditionFailure("a gradient without elements") }
        return Matrix(base: start.assumingMemoryBound(to: Float.self), rows: rows, columns: columns, stride: columns)
    }

    private func push(chunk: Int, node: ShardRange) -> WirePush {
        var header = WirePush()
        header.sum = UInt64(sum)
        header.chunk = UInt32(chunk)
        header.node.lower = UInt32(node.lower)
        header.node.upper = UInt32(node.upper)
        return header
    }

    /// Sends values behind the frames that come before them.
    private mutating func send(_ values: Destination, _ push: WirePush, _ before: consuming FrameList) {
        var frames = before
        var header = push
        switch values {
        case .shared(let place):
            header.isShared = true
            header.sharedOffset = UInt64(place)
            if frames.isEmpty { return announce(header) }
        case .frame(let box):
            if precision == .single {
                frames.append(box.take())
            } else {
                var rounded = Frame(byteCount: box.count / 2)
                box.withUnsafeMutableBytes { bytes in
                    let floats = Self.matrix(bytes, rows: 1, columns: bytes.count / MemoryLayout<Float>.stride)
                    rounded.withUnsafeMutableBytes { floats.copyRounded(toBFloat16: $0) }
                }
                frames.append(rounded)
            }
        }
        send(header, frames)
    }

    /// Announces what lies in shared memory, together with what comes soon after.
    private mutating func announce(_ push: WirePush) {
        if let last = unannounced.last,
            connections.owner(ofChunk: Int(last.chunk)) !== connections.owner(ofChunk: Int(push.chunk))
        {
            flush()
        }
        unannounced.append(push)
        unannouncedBytes += layout.chunks[Int(push.chunk)].elements.count * MemoryLayout<Float>.stride
        if unannouncedBytes >= Self.announcedBytes { flush() }
    }

    /// Announces all that lies in shared memory. To be called at the end of the step.
    mutating func flush() {
        guard let chunk = unannounced.first?.chunk else { return }
        var several = WirePushes()
        swap(&several.pushes, &unannounced)
        unannouncedBytes = 0
        send(.pushes(several), FrameList(), toOwnerOf: chunk)
    }

    private mutating func send(_ header: WirePush, _ frames: consuming FrameList) {
        send(.push(header), frames, toOwnerOf: header.chunk)
    }

    private mutating func send(
        _ body: WireHeader.OneOf_Body, _ frames: consuming FrameList, toOwnerOf chunk: UInt32
    ) {
        guard failure == nil else { return }
        do {
            try connections.owner(ofChunk: Int(chunk)).send(body, frames: frames)
        } catch {
            failure = error
        }
    }
}
