// The parameters that one server process owns, and the gradients of a step on their way into them.

import Cluster
import Messaging
import Numerics
import Optimization
import Platform
import WireProtocol

/// What the server of a whole run and a partition server have in common: some chunks of the parameters, the sums of
/// their gradients, Adam, and the messages that carry weights to workers.
///
/// A step goes: partial sums come in (`accept`) until all chunks are summed over all shards (`isReduced`); then the
/// global norm, of which each process has the parts of its chunks (`normPartials`), gives the gradients' scale, and
/// `apply` turns one version of the weights into the next. Without common steps each lease has a sum of its own, of
/// which several are under way at once.
final class ParameterPartition {
    /// What became of a push.
    enum Verdict {
        /// It was new.
        case accepted
        /// It was new, and the last one: all chunks of its sum are there.
        case completed
        /// Its shards were in already.
        case duplicate
        /// It belongs to a step that is over, or has not begun.
        case stale
        /// Its sizes are not those of the run.
        case impossible
        /// It is not finite, or too large to be summed, and was not taken.
        case unusable
    }

    /// The parameters of the whole model.
    let layout: ParameterLayout
    /// The chunks that this process owns.
    let chunks: Range<Int>
    /// The version of the weights, which is also the step whose gradients are summed.
    private(set) var version: Int
    /// The weights and moments.
    let store: ParameterStore
    /// Whether all shards take their steps together.
    let isSynchronous: Bool

    /// What gradients and weights travel in, and what sums are rounded to.
    private let precision: Precision
    private let tree: ReductionTree
    private let clock: ServerClock
    /// Whether every partial sum is looked at: since a step was begun anew.
    private var inspects = false
    /// Workers of which nothing is taken for the step in progress.
    private var refused: Set<RoutingIdentifier> = []
    /// By their numbers: of the step alone, or without common steps of each lease.
    private var sums: [Int: Sum] = [:]

    /// A sum of gradients in progress.
    private struct Sum {
        var reduction: GradientReduction<GradientPayload>
        /// The part of each chunk in the squared norm, computed as soon as the chunk's sum is complete.
        var normPartials: [Double]
    }

    /// Without common steps, as many sums as there are shards are under way at most, and some that were given up.
    private static let sumsGivenUpMax = 64

    /// Parameters of zero.
    init(
        layout: ParameterLayout, chunks: Range<Int>, shards: Int, version: Int, isSynchronous: Bool = true,
        precision: Precision, clock: ServerClock
    ) {
        self.isSynchronous = isSynchronous
        self.layout = layout
        self.precision = precision
        self.chunks = chunks
        self.version = version
        self.clock = clock
        store = ParameterStore(layout: layout, chunks: chunks)
        tree = ReductionTree(shards: shards)
        if isSynchronous { begin(version, root: tree.root) }
    }

    private func begin(_ sum: Int, root: ShardRange) {
        sums[sum] = Sum(
            reduction: GradientReduction(tree: tree, root: root, chunkCount: chunks.count),
            normPartials: Array(repeating: 0, count: chunks.count))
    }

    /// The number of parameters that this process owns.
    var parameterCount: Int { chunks.reduce(0) { $0 + layout.chunks[$1].elements.count } }

    // MARK: - Gradients in

    /// Whether all chunks of a sum are complete.
    func isReduced(_ sum: Int) -> Bool { sums[sum]?.reduction.isComplete ?? false }

    /// The part of each chunk in the squared norm of a sum that is complete.
    func normPartials(of sum: Int) -> [Double] { sums[sum]?.normPartials ?? [] }

    /// Whether all gradients of a span are in.
    func covers(_ span: ShardRange, of sum: Int) -> Bool { sums[sum]?.reduction.covers(span) ?? false }

    /// The sum of the step in progress begins anew; of some workers nothing is taken for it. From now on every partial
    /// sum is looked at, for one has been that could not be used, and nobody knows yet whose.
    func restart(refusing refused: Set<RoutingIdentifier>) {
        inspects = true
        self.refused = refused
        guard isSynchronous else { return }
        begin(version, root: tree.root)
        StandIn.note(.sumRestarted(step: version))
    }

    /// Whether gradients of a worker are taken for the step in progress.
    func takes(from worker: RoutingIdentifier) -> Bool { refused.isEmpty || !refused.contains(worker) }

    /// The lease of a sum was given up.
    func drop(_ sum: Int) { if !isSynchronous { sums[sum] = nil } }

    /// Makes room for a sum without common steps. Sums that were given up by those who sent parts of them go first.
    private func open(_ sum: Int, root: ShardRange) {
        while sums.count >= tree.shards + Self.sumsGivenUpMax,
            let oldest = sums.filter({ !$0.value.reduction.isComplete }).keys.min() ?? sums.keys.min()
        {
            sums[oldest] = nil
        }
        begin(sum, root: root)
    }

    /// Takes a partial sum.
    ///
    /// - Parameters:
    ///   - span: the shards that the sender may send gradients of.
    ///   - memory: what the sender shares.
    func accept(
        _ push: WirePush, frames: consuming FrameList, within span: ShardRange, memory: SharedMemory?
    ) -> Verdict {
        guard push.sum < UInt64(Int.max), !isSynchronous || push.sum == UInt64(version) else { return .stale }
        let number = Int(push.sum)
        let (lower, upper, chunk) = (Int(push.node.lower), Int(push.node.upper), Int(push.chunk))
        guard lower < upper, span.contains(ShardRange(lower, upper)), tree.isNode(ShardRange(lower, upper)),
            chunks.contains(chunk),
            let payload = GradientPayload(
                push, frames: frames, memory: memory, layout: layout, precision: precision)
        else { return .impossible }
        let columns = layout.tensors[layout.chunks[chunk].tensor].columns
        let place = chunk - chunks.lowerBound
        let before = clock.enter(.sum)
        defer { clock.enter(before) }
        if inspects,
            !GradientLimit.allows(
                partial: payload.normPartial(columns: columns), shards: tree.shards, chunks: layout.chunks.count)
        {
            return .unusable
        }
        if sums[number] == nil { open(number, root: ShardRange(lower, upper)) }
        guard sums[number]?.reduction.root.contains(ShardRange(lower, upper)) ?? false else { return .impossible }
        let verdict = sums[number]?.reduction.insert(
            payload, chunk: place, node: ShardRange(lower, upper),
            combine: { GradientPayload.sum($0, $1, columns: columns, precision: precision) })
        if verdict != .duplicate {
            StandIn.note(.gradientAccepted(step: number, chunk: chunk, lower: lower, upper: upper))
        }
        switch verdict {
        case .duplicate, nil: return .duplicate
        case .accepted(completed: false): return .accepted
        case .accepted(completed: true):
            clock.enter(.norm)
            // Now rather than when the step is applied: then everybody waits.
            if let total = sums[number]?.reduction.total(chunk: place) {
                sums[number]?.normPartials[place] = total.normPartial(columns: columns)
            }
            return isReduced(number) ? .completed : .accepted
        }
    }

    // MARK: - Weights out

    /// Applies a sum by a step of Adam chunk by chunk, and sends each chunk's new weights as soon as they are there.
    func apply(_ number: Int, _ step: AdamStep, to recipients: [WeightsRecipient], over peers: PeerSocket) {
        guard let sum = sums[number], sum.reduction.isComplete else {
            preconditionFailure("a step is applied before all of its gradients are in")
        }
        version += 1
        StandIn.note(.stepApplied(version: version, chunks: chunks))
        let before = clock.enter(.adam)
        defer { clock.enter(before) }
        for chunk in chunks {
            LongWork.breathe()
            guard let payload = sum.reduction.total(chunk: chunk - chunks.lowerBound) else { continue }
            clock.enter(.adam)
            store.apply(payload, chunk: chunk, step: step)
            clock.enter(.send)
            switch payload {
            case .dense: send(chunk: chunk, rows: nil, to: recipients, over: peers)
            case .sparse(let rows, _): send(chunk: chunk, rows: rows, to: recipients, over: peers)
            }
        }
        sums[number] = nil
        refused = []
        if isSynchronous { begin(version, root: tree.root) }
    }

    /// Sends all weights of the present version, chunk by chunk.
    func sendAll(to recipient: WeightsRecipient, over peers: PeerSocket) {
        let before = clock.enter(.send)
        defer { clock.enter(before) }
        for chunk in chunks { send(chunk: chunk, rows: nil, to: [recipient], over: peers) }
    }

    /// Sends a chunk, or some rows of it: as a place in shared memory to those who can look there, else as values.
    private func send(chunk: Int, rows: [UInt32]?, to recipients: [WeightsRecipient], over peers: PeerSocket) {
        guard !recipients.isEmpty else { return }
        var header = weightsHeader(chunk: chunk)
        var numbers = FrameList()
        if let rows {
            header.isSparse = true
            header.sparseRows = UInt32(rows.count)
            if !rows.isEmpty { numbers.append(Frame(copyingElements: rows)) }
        }
        var sharedHeader = header
        if let (memory, offset) = store.place(ofChunk: chunk) {
            sharedHeader.shared = WireSharedMemoryAddress(memory.address)
            sharedHeader.sharedOffset = UInt64(offset)
            for recipient in recipients where recipient.sharesMemory {
                peers.send(.weights(sharedHeader), frames: numbers.share(), to: recipient.peer)
            }
        }
        let others = recipients.filter { !$0.sharesMemory || !sharedHeader.hasShared }
        guard !others.isEmpty else { return }
        if let rows {
            if !rows.isEmpty { numbers.append(store.frame(chunk: chunk, rows: rows, precision: precision)) }
        } else {
            numbers.append(store.frame(.weights, chunk: chunk, precision: precision))
        }
        for recipient in others { peers.send(.weights(header), frames: numbers.share(), to: recipient.peer) }
    }

    private func weightsHeader(chunk: Int) -> WireWeights {
        var header = WireWeights()
        header.version = UInt64(version)
        header.chunk = UInt32(chunk)
        header.isLast = chunk == chunks.upperBound - 1
        return header
    }
}

/// A worker that weights are sent to.
struct WeightsRecipient {
    var peer: RoutingIdentifier
    /// Whether it is on this machine and can open this process's memory, as this process could open the worker's.
    var sharesMemory: Bool
}

extension GradientPayload {
    /// The values of a push, if their sizes are those of its chunk.
    init?(
        _ push: WirePush, frames received: consuming FrameList, memory: SharedMemory?, layout: ParameterLayout,
        precision: Precision
    ) {
        var frames = received
        let chunk = layout.chunks[Int(push.chunk)]
        let tensor = layout.tensors[chunk.tensor]
        let rowCount = push.isSparse ? Int(push.sparseRows) : chunk.rows.count
        guard push.isSparse == tensor.isRowSparse, rowCount <= chunk.rows.count else { return nil }
        var rows: [UInt32] = []
        if push.isSparse, rowCount > 0 {
            guard let numbers = frames.popFirst(), numbers.count == rowCount * MemoryLayout<UInt32>.stride else {
                return nil
            }
            rows = numbers.elements(of: UInt32.self)
            guard let first = rows.first, let last = rows.last, Int(first) >= chunk.rows.lowerBound,
                Int(last) < chunk.rows.upperBound, zip(rows, rows.dropFirst()).allSatisfy({ $0 < $1 })
            else { return nil }
        }
        let count = rowCount * tensor.columns
        let values: GradientMemory
        if count == 0 {
            guard frames.isEmpty else { return nil }
            values = .frame(FrameBox(Frame()))
        } else if push.isShared {
            guard frames.isEmpty,
                let found = GradientMemory(
                    memory, offset: push.sharedOffset, byteCount: count * MemoryLayout<Float>.stride)
            else { return nil }
            values = found
        } else {
            guard frames.count == 1, let frame = frames.popFirst(), frame.count == count * precision.byteCount else {
                return nil
            }
            values = GradientMemory(frame, precision: precision)
        }
        self = push.isSparse ? .sparse(rows: rows, values: values) : .dense(values)
    }
}
