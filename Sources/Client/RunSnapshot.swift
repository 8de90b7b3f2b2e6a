// A version of the weights, pulled from a running server.

import Checkpoints
import Configuration
import Corpora
import Messaging
import Numerics
import Platform
import Recurrent
import Tasks
import WireProtocol

/// Which version of the weights is wanted.
public enum SnapshotChoice: Sendable, Equatable {
    /// The present one.
    case newest
    /// The one with the lowest validation loss.
    case best
    /// The one after so many steps.
    case version(Int)
}

/// A version of the weights with all that is needed to use it.
public struct RunSnapshot: Sendable {
    /// What is known of the run at this version.
    public let record: RunRecord
    /// The configuration of the run.
    public let configuration: RunConfiguration
    /// The vocabulary.
    public let tokenizer: Tokenizer
    /// The names and places of the parameters.
    public let layout: ParameterLayout
    /// All parameters, in the layout's order.
    public fileprivate(set) var weights: [Float]
    let runJSON: [UInt8]
    let tokenizerJSON: [UInt8]

    /// The step of the weights.
    public var version: Int { record.step }

    /// Writes the snapshot as a checkpoint that stands alone: `model.safetensors`, `tokenizer.json`, `run.json`. Its
    /// `model.safetensors` has the bytes that a checkpoint of the same step has.
    ///
    /// - Throws: `ClientError.output` if the folder holds something else, or cannot be made; `.storage` if the disk
    ///   is to blame.
    @discardableResult
    public func write(to path: String) throws(ClientError) -> CheckpointFolder {
        let places = Dictionary(layout.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        do {
            return try CheckpointFolder.write(to: path) { draft throws(CheckpointError) in
                try draft.add(CheckpointFile.run, bytes: runJSON)
                try draft.add(CheckpointFile.tokenizer, bytes: tokenizerJSON)
                let declarations = layout.tensors.map { TensorDeclaration($0.name, shape: $0.shape) }
                try draft.addTensors(
                    CheckpointFile.model, declarations, metadata: ["format": "pt"]
                ) { tensor, writer throws(CheckpointError) in
                    guard let place = places[tensor.name] else { return }
                    try weights.withUnsafeBufferPointer { values throws(CheckpointError) in
                        try writer.append(
                            UnsafeBufferPointer(rebasing: values[place.offset..<place.offset + place.count]))
                    }
                }
            }
        } catch {
            throw error.isStorageFailure ? .storage("\(error)") : .output("\(error)")
        }
    }
}

extension ServerClient {
    /// The most chunks that are under way at once.
    static let windowChunks = 8
    /// How often a snapshot is begun anew after the server let go of it.
    private static let attemptsMax = 3

    /// Fetches a version of the weights. The run goes on meanwhile; the version stays as it is.
    ///
    /// - Parameter onProgress: is told how many of how many chunks are here.
    /// - Throws: `ClientError.refused` if the server has no such version (any more).
    public func snapshot(
        _ choice: SnapshotChoice = .newest, onProgress: (_ chunks: Int, _ of: Int) -> Void = { _, _ in }
    ) throws(ClientError) -> RunSnapshot {
        for _ in 1..<Self.attemptsMax {
            if let snapshot = try fetch(choice, isLastAttempt: false, onProgress) { return snapshot }
            try reconnect()
        }
        guard let snapshot = try fetch(choice, isLastAttempt: true, onProgress) else {
            throw .malformed(endpoint, reason: "a snapshot without an end")
        }
        return snapshot
    }

    /// - Returns: `nil` when the server let go of the version before all of it was here, unless this is the last
    ///   attempt.
    private func fetch(
        _ choice: SnapshotChoice, isLastAttempt: Bool, _ onProgress: (Int, Int) -> Void
    ) throws(ClientError) -> RunSnapshot? {
        var request = WireSnapshotRequest()
        switch choice {
        case .newest: request.which = .newest
        case .best: request.which = .best
        case .version(let version):
            request.which = .version
            request.version = UInt64(clamping: version)
        }
        try link.send(.snapshotRequest(request))
        let head: WireSnapshot = try answer { body, _ in
            if case .snapshot(let head) = body { return head }
            return nil
        }
        var snapshot = try RunSnapshot(head, from: endpoint)
        do {
            try fill(&snapshot, version: head.version, onProgress)
        } catch .refused where !isLastAttempt {
            return nil
        } catch {
            throw error
        }
        return snapshot
    }

    private func fill(
        _ snapshot: inout RunSnapshot, version: UInt64, _ onProgress: (Int, Int) -> Void
    ) throws(ClientError) {
        let chunks = snapshot.layout.chunks
        var isHere = [Bool](repeating: false, count: chunks.count)
        var requested = 0
        var received = 0
        while received < chunks.count {
            while requested < chunks.count, requested - received < Self.windowChunks {
                var request = WireSnapshotChunkRequest()
                request.version = version
                request.chunk = UInt32(requested)
                try link.send(.snapshotChunkRequest(request))
                requested += 1
            }
            let chunk: Int = try answer { (body, frames) throws(ClientError) in
                guard case .snapshotChunk(let header) = body, header.version == version else { return nil }
                let chunk = Int(header.chunk)
                guard chunk < chunks.count, !isHere[chunk], frames.count == 1, let frame = frames.popFirst(),
                    snapshot.take(frame, chunk: chunk)
                else { throw .malformed(endpoint, reason: "chunk \(chunk) of a snapshot has another size") }
                return chunk
            }
            isHere[chunk] = true
            received += 1
            onProgress(received, chunks.count)
        }
    }
}

extension RunSnapshot {
    fileprivate init(_ head: WireSnapshot, from endpoint: Endpoint) throws(ClientError) {
        runJSON = [UInt8](head.runJson)
        tokenizerJSON = [UInt8](head.tokenizerJson)
        do {
            (record, configuration) = try RunRecord.decode(runJSON, path: "run.json")
            tokenizer = try Tokenizer(json: tokenizerJSON)
        } catch {
            throw .malformed(endpoint, reason: "\(error)")
        }
        // A server can name any size: nothing is taken for more than there is.
        let size = RunSize(configuration, vocabulary: tokenizer.count, workers: 1)
        let bytes = Double(size.parameters) * Double(MemoryLayout<Float>.stride)
        guard MemoryLimits.current.allSatisfy({ bytes < Double($0.bytes) }) else {
            throw .malformed(
                endpoint, reason: "a snapshot of \(size.parameters) parameters: more than this machine's memory holds")
        }
        layout = LanguageModelNetwork<Float>.layout(
            LanguageModelShape(configuration, vocabulary: tokenizer.count))
        guard head.chunks == layout.chunks.count, head.version == UInt64(clamping: record.step) else {
            throw .malformed(
                endpoint,
                reason:
                    "a snapshot of \(Counted.text(Int(clamping: head.chunks), "chunk")) for a model of "
                    + "\(layout.chunks.count)"
            )
        }
        weights = [Float](repeating: 0, count: layout.count)
    }

    fileprivate mutating func take(_ frame: borrowing Frame, chunk: Int) -> Bool {
        let elements = layout.chunks[chunk].elements
        guard frame.count == elements.count * MemoryLayout<Float>.stride else { return false }
        weights.withUnsafeMutableBufferPointer { values in
            let target = UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: values[elements]))
            frame.withUnsafeBytes { target.copyMemory(from: $0) }
        }
        return true
    }
}
