// What a worker is sent: weights of any shape and any content.

import Configuration
import Corpora
import Messaging
import Testing
import WireProtocol

@testable import Worker

@Suite("fuzzed weights", .serialized)
struct WorkerFuzzTests {
    @Test("weights with any header, frames and place in memory are put in place, or refused")
    func weights() throws {
        let scratch = try Scratch()
        let text = try scratch.write(Array("the river runs to the sea and back\n".utf8), to: "corpus.txt")
        let run = try RunConfiguration(
            yaml: """
                task: language-model
                data: {train: \(text), validation: 0}
                model: {cell: lstm, layers: 1, hidden: 6, embedding: 4}
                training: {batch: 1, sequence: 1, shards: 1}
                """, file: "run.yaml")
        let corpus = try CorpusBuilder.prepare(run, into: "\(scratch.path)/data")
        let computation = try LeaseComputation(
            configuration: run, tokenizer: corpus.tokenizer, training: MappedTokens(verifying: corpus.training),
            validation: nil, clock: WorkerClock(.wait))
        let layout = computation.layout
        var samples: [[UInt8]] = []
        for chunk in layout.chunks.indices {
            var weights = WireWeights()
            (weights.version, weights.chunk, weights.isLast) = (1, UInt32(chunk), chunk == layout.chunks.count - 1)
            weights.sharedOffset = 64
            samples.append(WireHeader(run: "ab", incarnation: 1, body: .weights(weights)).encoded())
            (weights.isSparse, weights.sparseRows) = (true, 2)
            samples.append(WireHeader(run: "ab", incarnation: 1, body: .weights(weights)).encoded())
        }
        let memory = [UInt8](repeating: 0, count: 4096)
        let sizes = layout.chunks.map { $0.elements.count * MemoryLayout<Float>.stride }
        var accepted = 0
        Fuzzer(samples).run(20_000) { input, comment in
            let decoded = input.withUnsafeBytes { try? WireHeader.decode($0) }
            guard case .weights(let header)? = decoded?.body else { return }
            var random = SplitMix(state: UInt64(input.reduce(0) { ($0 &* 31) &+ Int($1) } & 0xFFFF_FFFF))
            var frames = FrameList()
            for _ in 0..<Int.random(in: 0..<3, using: &random) {
                // Often what would fit: row numbers, a whole chunk, two rows of one.
                let choices = [0, 3, 8, 2 * 4 * 4, 2 * 6 * 4] + [sizes.randomElement(using: &random) ?? 0]
                let bytes = choices.randomElement(using: &random) ?? 0
                frames.append(
                    Frame(
                        copying: bytes == 8
                            ? [1, 0, 0, 0, UInt8.random(in: 0...40, using: &random), 0, 0, 0]
                            : [UInt8](repeating: 0, count: bytes)))
            }
            let isShared = Bool.random(using: &random)
            memory.withUnsafeBytes { memory in
                if computation.accept(header, frames: &frames, memory: isShared ? memory : nil) { accepted += 1 }
            }
        }
        #expect(accepted > 300, "the checks were hardly passed")
    }
}
