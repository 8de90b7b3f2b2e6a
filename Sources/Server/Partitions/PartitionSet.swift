// All parameters of a run, wherever they are: the primary's own part, and those of partition servers.

import Checkpoints
import Cluster
import Logging
import Messaging
import Numerics
import Optimization
import Platform
import WireProtocol

/// The partitions of a run as its primary sees them. With no partition server all of it is in this process.
final class PartitionSet {
    /// The most chunks that are asked for ahead of need.
    private static let windowChunks = 8

    /// What this process owns.
    let own: ParameterPartition
    /// The partition servers, in the order of their chunks.
    let links: [PartitionLink]
    /// The parameters of the whole model.
    let layout: ParameterLayout
    /// How often a step was begun anew.
    private var restarts = 0

    /// Divides the parameters, tells each partition server what it owns, and hands all chunks their state.
    ///
    /// - Parameter assignment: for the whole model; each partition gets it with its own range of chunks.
    /// - Throws: `ServerError.usage` for more partitions than chunks, `.endpoint` if a partition server does not
    ///   answer, `.partition` if one is lost.
    init(
        _ assignment: PartitionAssignment, endpoints: [Endpoint], run: String, incarnation: UInt64,
        source: some ParameterSource, keys: ServerKeys? = nil, in context: Context, clock: ServerClock, logger: Logger
    ) throws(ServerError) {
        layout = assignment.layout
        let sizes = layout.chunks.map(\.elements.count)
        guard let ranges = PartitionPlan.divide(sizes: sizes, partitions: endpoints.count + 1) else {
            throw .usage(
                "\(endpoints.count + 1) partitions of a model of \(Counted.text(sizes.count, "chunk")) of parameters: "
                    + "use at most \(sizes.count)")
        }
        own = ParameterPartition(
            layout: layout, chunks: ranges[0], shards: assignment.shards, version: assignment.version,
            isSynchronous: assignment.isSynchronous, precision: assignment.precision, clock: clock)
        var links: [PartitionLink] = []
        for (endpoint, chunks) in zip(endpoints, ranges.dropFirst()) {
            let link = try PartitionLink(
                to: endpoint, chunks: chunks, run: run, incarnation: incarnation, version: assignment.version,
                keys: keys, in: context)
            var part = assignment
            part.chunks = chunks
            try link.assign(part)
            links.append(link)
        }
        self.links = links
        for chunk in own.chunks {
            for kind in ParameterKind.allCases {
                source.withValues(kind, chunk: chunk) { bytes in
                    if let bytes { _ = own.store.load(kind, chunk: chunk, from: bytes) }
                }
            }
        }
        for link in links {
            for chunk in link.chunks {
                var state = WirePartitionState()
                state.chunk = UInt32(chunk)
                var frames = FrameList()
                for kind in ParameterKind.allCases {
                    source.withValues(kind, chunk: chunk) { if let bytes = $0 { frames.append(Frame(copying: bytes)) } }
                }
                link.send(.partitionState(state), frames: frames)
                link.receive()
            }
        }
        for link in links {
            try link.wait(for: "a report that its parameters are in place") { link.report?.isLoaded == true }
            logger.notice(
                "partition server",
                metadata: ["endpoint": "\(link.endpoint)", "chunks": "\(link.chunks)"])
        }
    }

    /// Why the set cannot go on, with the name of the partition server.
    var loss: String? {
        for link in links {
            if let loss = link.loss { return "partition server \(link.endpoint): \(loss)" }
        }
        return nil
    }

    // MARK: - Life

    /// Takes in what partition servers sent.
    func receive() { for link in links { link.receive() } }

    /// Time has passed; `wasBusy` if this process itself could not listen meanwhile.
    func tick(now: Double, wasBusy: Bool) {
        for link in links {
            if wasBusy { link.forgiveSilence(now: now) }
            link.tick(now: now)
        }
    }

    /// The run is over, or stops: partition servers end too.
    func dismiss(_ goodbye: WireGoodbye) { for link in links { link.send(.goodbye(goodbye)) } }

    // MARK: - Steps

    /// The endpoints of those that have not summed all gradients of a step, or of another sum.
    func lacking(_ sum: Int) -> [Endpoint] { links.filter { $0.reduced[sum] == nil }.map(\.endpoint) }

    /// Whether all gradients of a sum are there, everywhere.
    func isReduced(_ sum: Int) -> Bool { own.isReduced(sum) && links.allSatisfy { $0.reduced[sum] != nil } }

    /// The lease of a sum was given up: the sum will not be wanted any more. That of a common step stays: what is there
    /// of it counts.
    func drop(_ sum: Int) {
        guard !own.isSynchronous else { return }
        own.drop(sum)
        var message = WirePartitionForget()
        message.sum = UInt64(sum)
        for link in links {
            link.forget(sum)
            link.send(.partitionForget(message))
        }
    }

    /// The sum of a common step begins anew, and of some workers nothing is taken for it. From now on every partial sum
    /// is looked at.
    func restart(_ sum: Int, refusing refused: [[UInt8]]) {
        restarts += 1
        own.restart(refusing: Set(refused.map { RoutingIdentifier(Frame(copying: $0)) }))
        var message = WirePartitionRestart()
        message.sum = UInt64(sum)
        message.restarts = UInt32(clamping: restarts)
        message.refused = refused.map { .init($0) }
        for link in links { link.restart(message) }
    }

    /// What partition servers could not take since the last call.
    func takeSuspicions() -> [WirePartitionSuspicion] { links.flatMap { $0.takeSuspicions() } }

    /// Whether all partitions hold a version.
    func holds(version: Int) -> Bool { own.version == version && links.allSatisfy { $0.version == version } }

    /// The norm of a sum; all partitions have it. The partials are added in the order of the chunks, and so the
    /// division into partitions changes no bit of it.
    func gradientNorm(of sum: Int) -> GradientNorm {
        var norm = GradientNorm(chunks: layout.chunks.count)
        let parts = [(own.chunks, own.normPartials(of: sum))] + links.map { ($0.chunks, $0.reduced[sum] ?? []) }
        for (chunks, partials) in parts {
            for (chunk, partial) in zip(chunks, partials) { norm.set(partial, chunk: chunk) }
        }
        return norm
    }

    /// Has each partition apply a step and send its new weights to the recipients. Partition servers begin first, and
    /// work while this process does its own part.
    func apply(
        _ message: WirePartitionApply, _ step: AdamStep, to recipients: [WeightsRecipient], over peers: PeerSocket
    ) {
        let sum = Int(message.sum)
        for link in links {
            link.send(.partitionApply(message))
            link.forget(sum)
        }
        own.apply(sum, step, to: recipients, over: peers)
    }

    /// Tells each partition server that a worker is gone.
    func forget(_ worker: [UInt8]) {
        var message = WirePartitionForget()
        message.worker = .init(worker)
        for link in links { link.send(.partitionForget(message)) }
    }

    /// Has each partition server send all its weights to a worker.
    func sendWeights(to worker: [UInt8]) {
        var message = WirePartitionSend()
        message.worker = .init(worker)
        message.version = UInt64(own.version)
        for link in links { link.send(.partitionSend(message)) }
    }

    // MARK: - Values

    /// Hands the values of consecutive chunks to `body`, in order: from this process's memory, or from partition
    /// servers, a few of which are asked for ahead. All partitions must hold one version.
    ///
    /// - Throws: `ServerError.partition` if a partition server is lost, else what `body` throws.
    func read<Failure: Error>(
        _ kind: ParameterKind, chunks: Range<Int>,
        _ body: (_ chunk: Int, _ values: FrameBox) throws(Failure) -> Void
    ) throws(Failure) where Failure: PartitionReadingError {
        var requested = chunks.lowerBound
        defer { for link in links { link.dropValues() } }
        for chunk in chunks {
            LongWork.breathe()
            while requested < min(chunk + Self.windowChunks, chunks.upperBound) {
                link(ofChunk: requested)?.request(kind, chunk: requested)
                requested += 1
            }
            guard let link = link(ofChunk: chunk) else {
                try body(chunk, FrameBox(own.store.frame(kind, chunk: chunk)))
                continue
            }
            let box: FrameBox
            do throws(ServerError) {
                box = try link.take(kind, chunk: chunk, version: own.version)
                guard box.count == layout.chunks[chunk].elements.count * MemoryLayout<Float>.stride else {
                    link.lose("sent values of another size")
                    throw ServerError.partition(loss ?? "")
                }
            } catch {
                throw Failure(lost: "\(error)", at: link.endpoint)
            }
            try body(chunk, box)
        }
    }

    /// Copies of all weights, chunk by chunk.
    ///
    /// - Throws: `ServerError.partition` if a partition server is lost.
    func weights() throws(ServerError) -> [FrameBox] {
        var boxes: [FrameBox] = []
        try read(.weights, chunks: layout.chunks.indices) { _, box throws(ServerError) in boxes.append(box) }
        return boxes
    }

    private func link(ofChunk chunk: Int) -> PartitionLink? { links.first { $0.chunks.contains(chunk) } }
}

/// The errors in which the loss of a partition server can be told to whoever reads values.
protocol PartitionReadingError: Error {
    init(lost reason: String, at endpoint: Endpoint)
}

extension CheckpointError: PartitionReadingError {
    init(lost reason: String, at endpoint: Endpoint) {
        self = .contents(path: "\(endpoint)", reason: reason)
    }
}

extension ServerError: PartitionReadingError {
    init(lost reason: String, at endpoint: Endpoint) { self = .partition(reason) }
}
