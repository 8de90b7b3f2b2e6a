// Snapshots come over whole, or not at all.

import Checkpoints
import Client
import Configuration
import Corpora
import Foundation
import Numerics
import Recurrent
import Synchronization
import Tasks
import Testing
import WireProtocol

/// A model on a fake server: its weights are counted through, so that each one's place shows.
private struct SnapshotScript: Sendable {
    let tokenizer = Tokenizer(characters: "abcdefghij".unicodeScalars, endOfSequence: false)
    let configuration = RunConfiguration(
        data: DataConfiguration(train: "none"), model: ModelConfiguration(layers: 1, hidden: 300, embedding: 40))
    let layout: ParameterLayout

    init() {
        layout = LanguageModelNetwork<Float>.layout(
            LanguageModelShape(configuration, vocabulary: tokenizer.count))
    }

    func head(version: Int = 7) throws -> WireSnapshot {
        let record = RunRecord(
            version: RunRecord.libraryVersion, run: "r", step: version, totalSteps: 10, stepsPerEpoch: 5, epoch: 1,
            stepInEpoch: 2, lastEvaluated: nil, validationLoss: nil, bestValidationLoss: nil, bestStep: 0,
            smoothedLoss: nil, carriedState: nil, data: [:], vocabulary: tokenizer.count)
        var head = WireSnapshot()
        head.version = UInt64(version)
        head.runJson = Data(try record.json(configuration: configuration.json()))
        head.tokenizerJson = Data(tokenizer.json())
        head.chunks = UInt32(layout.chunks.count)
        return head
    }

    func weight(_ index: Int) -> Float { Float(index) / 1024 }

    func chunk(_ index: Int) -> [UInt8] {
        layout.chunks[index].elements.map(weight).withUnsafeBytes { Array($0) }
    }

    func answer(_ request: WireSnapshotChunkRequest) -> FakeServer.Answer {
        var header = WireSnapshotChunk()
        header.version = request.version
        header.chunk = request.chunk
        return .body(.snapshotChunk(header), frames: [chunk(Int(request.chunk))])
    }
}

@Suite("snapshots")
struct SnapshotTests {
    private let script = SnapshotScript()

    private func refusal(_ explanation: String) -> FakeServer.Answer {
        var refusal = WireRefusal()
        refusal.reason = .unknownVersion
        refusal.explanation = explanation
        return .body(.refusal(refusal))
    }

    @Test("a snapshot arrives chunk by chunk in a window, every weight in its place")
    func whole() throws {
        let head = try script.head()
        let script = script
        let server = try FakeServer { message in
            switch message {
            case .snapshotRequest: [.body(.snapshot(head))]
            case .snapshotChunkRequest(let request): [script.answer(request)]
            default: []
            }
        }
        var seen: [Int] = []
        let snapshot = try ServerClient(server.endpoint).snapshot(.version(7)) { done, _ in seen.append(done) }
        #expect(script.layout.chunks.count > 3)
        #expect(seen == Array(1...script.layout.chunks.count))
        #expect(snapshot.version == 7 && snapshot.tokenizer == script.tokenizer)
        for chunk in script.layout.chunks {
            #expect(chunk.elements.allSatisfy { snapshot.weights[$0] == script.weight($0) })
        }
        guard case .snapshotRequest(let request) = server.messages[0] else {
            Issue.record("no request")
            return
        }
        #expect(request.which == .version && request.version == 7)

        let parent = NSTemporaryDirectory() + "/rondo-client-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let path = parent + "/pulled"
        let folder = try snapshot.write(to: path)
        #expect(folder.files == ["model.safetensors", "run.json", "tokenizer.json"])
        let model = try CheckpointFolder.open(path: path).folder.tensors(CheckpointFile.model)
        for tensor in script.layout.tensors {
            let values = try model.readFloats(tensor.name, shape: tensor.shape)
            #expect(values == (tensor.offset..<tensor.offset + tensor.count).map(script.weight))
        }
        #expect(throws: ClientError.self) { try snapshot.write(to: path + "/..") }
    }

    @Test("a version that the server lets go of half-way is asked for again; a second time it may succeed")
    func letGo() throws {
        let script = script
        let heads = try [script.head(version: 7), script.head(version: 8)]
        let begun = Mutex(0)
        let server = try FakeServer { message in
            switch message {
            case .snapshotRequest:
                let attempt = begun.withLock { count in
                    count += 1
                    return count
                }
                return [.body(.snapshot(heads[min(attempt, 2) - 1]))]
            case .snapshotChunkRequest(let request):
                if request.version == 7, request.chunk > 0 { return [self.refusal("version 7 was let go of")] }
                return [script.answer(request)]
            default: return []
            }
        }
        #expect(try ServerClient(server.endpoint).snapshot(.newest).version == 8)
    }

    @Test("a version that is let go of again and again ends with the server's reason")
    func letGoForEver() throws {
        let script = script
        let head = try script.head()
        let server = try FakeServer { message in
            if case .snapshotRequest = message { return [.body(.snapshot(head))] }
            return [self.refusal("gone")]
        }
        #expect(throws: ClientError.refused(server.endpoint, reason: "gone")) {
            try ServerClient(server.endpoint).snapshot(.newest)
        }
    }

    @Test("a server that falls silent in the middle is waited for no longer than the deadline")
    func silence() throws {
        let script = script
        let head = try script.head()
        let server = try FakeServer { message in
            switch message {
            case .snapshotRequest: [.body(.snapshot(head))]
            case .snapshotChunkRequest(let request): request.chunk < 2 ? [script.answer(request)] : []
            default: []
            }
        }
        let took = seconds {
            #expect(throws: ClientError.noAnswer(server.endpoint, seconds: 0.4)) {
                try ServerClient(server.endpoint, answerSecondsMax: 0.4).snapshot(.newest)
            }
        }
        #expect(took < 2)
    }

    @Test("snapshots that do not fit together are refused: other counts, other sizes, other json")
    func malformed() throws {
        let script = script
        var heads = try [WireSnapshot](repeating: script.head(), count: 4)
        heads[0].chunks += 1
        heads[1].runJson = Data("{}".utf8)
        heads[2].tokenizerJson = Data("[]".utf8)
        for (index, head) in heads.enumerated() {
            let server = try FakeServer { message in
                switch message {
                case .snapshotRequest: return [.body(.snapshot(head))]
                case .snapshotChunkRequest(let request):
                    var header = WireSnapshotChunk()
                    header.version = request.version
                    header.chunk = request.chunk
                    return [.body(.snapshotChunk(header), frames: [[1, 2, 3, 4]])]
                default: return []
                }
            }
            do {
                _ = try ServerClient(server.endpoint).snapshot(.best)
                Issue.record("head \(index) was taken")
            } catch {
                guard case .malformed = error else {
                    Issue.record("\(error)")
                    return
                }
            }
        }
    }
}
