// Which tokens belong to which step and shard.

import Configuration
import Testing

@testable import Corpora

@Suite("Streams")
struct StreamScheduleTests {
    @Test("lanes are those of the usual PyTorch script: x[:m * B].view(B, m), targets one further")
    func lanes() throws {
        let directory = try TemporaryDirectory()
        let (count, lanes, sequence) = (101, 7, 4)
        let tokens = try directory.tokens((0..<Int32(count)).map { $0 }, vocabularyCount: 200)
        let schedule = try StreamSchedule(tokenCount: count, lanes: lanes, sequence: sequence)
        let length = (count - 1) / lanes
        // for i in range(0, len(X) - T + 1, T)
        #expect(schedule.stepsPerEpoch == Array(stride(from: 0, to: length - sequence + 1, by: sequence)).count)
        for step in 0..<2 * schedule.stepsPerEpoch {
            for lane in 0..<lanes {
                let start = lane * length + step % schedule.stepsPerEpoch * sequence
                let part = schedule.tokens(lane: lane, step: step, of: tokens)
                #expect(part.inputs == (start..<start + sequence).map { Int32($0) })
                #expect(part.targets == part.inputs.map { $0 + 1 })
                #expect(part.startsEpoch == (step % schedule.stepsPerEpoch == 0))
            }
        }
    }

    @Test("the shards' lanes make up the global batch, whatever their number", arguments: 1...9)
    func shards(shards: Int) throws {
        let directory = try TemporaryDirectory()
        let tokens = try directory.tokens((0..<200).map { $0 }, vocabularyCount: 200)
        let schedule = try StreamSchedule(tokenCount: 200, lanes: 9, sequence: 5)
        for step in 0..<schedule.stepsPerEpoch {
            let batches = (0..<shards).map { schedule.shardBatch(shard: $0, of: shards, step: step, tokens: tokens) }
            #expect(batches.flatMap { Array($0.lanes ?? 0..<0) } == Array(0..<9))
            #expect(batches.allSatisfy { $0.startsFresh == (step == 0) && $0.inputs.count == $0.lanes?.count })
            let inputs = (0..<9).map { schedule.tokens(lane: $0, step: step, of: tokens).inputs }
            #expect(batches.flatMap(\.inputs) == inputs)
            #expect(batches.reduce(0) { $0 + $1.tokenCount } == 45)
        }
    }

    @Test("a text of one step is enough, one token less is not")
    func shortest() throws {
        #expect(try StreamSchedule(tokenCount: 13, lanes: 3, sequence: 4).stepsPerEpoch == 1)
        #expect(throws: CorpusError.self) { try StreamSchedule(tokenCount: 12, lanes: 3, sequence: 4) }
        #expect(throws: CorpusError.self) { try StreamSchedule(tokenCount: 0, lanes: 3, sequence: 4) }
    }
}

@Suite("Sequences")
struct SequenceScheduleTests {
    private static let end: Int32 = 99

    /// Lines whose first token tells them apart.
    private func lines(_ directory: TemporaryDirectory, count: Int) throws -> MappedTokens {
        let lengths = (0..<count).map { 1 + ($0 * 7_919) % 23 }
        let tokens = lengths.enumerated().flatMap { line, length in
            [Int32(1_000 + line)] + [Int32](repeating: 1, count: length - 1)
        }
        return try directory.tokens(tokens, lines: lengths, vocabularyCount: 1_000 + count)
    }

    private func schedule(
        _ count: Int, batch: Int, shards: Int, longest: Int = 512, seed: UInt64 = 1
    ) -> SequenceSchedule {
        SequenceSchedule(
            lineCount: count, batch: batch, shards: shards, longest: longest, endOfSequence: Self.end, seed: seed)
    }

    @Test("every line comes once an epoch, in batches of which only one is smaller")
    func once() throws {
        let directory = try TemporaryDirectory()
        let tokens = try lines(directory, count: 1_003)
        let schedule = schedule(1_003, batch: 5, shards: 2)
        #expect(schedule.stepsPerEpoch == 201)
        var orders: [[Int]] = []
        for number in 0..<3 {
            let epoch = schedule.epoch(number, of: tokens)
            let batches = (0..<201).map { Array(epoch.lines(ofBatch: $0)) }
            #expect(batches.flatMap { $0 }.sorted() == (0..<1_003).map { UInt32($0) })
            #expect(batches.count { $0.count != 5 } == 1)
            for batch in batches {
                let lengths = batch.map { tokens.line(Int($0)).count }
                #expect(lengths == lengths.sorted(by: >))
            }
            orders.append(batches.flatMap { $0 }.map { Int($0) })
        }
        #expect(orders[0] != orders[1] && orders[1] != orders[2])
        #expect(schedule.epoch(1, of: tokens) == schedule.epoch(1, of: tokens))
        let other = self.schedule(1_003, batch: 5, shards: 2, seed: 2)
        #expect(other.epoch(0, of: tokens) != schedule.epoch(0, of: tokens))
    }

    @Test("lines of like length share a batch")
    func buckets() throws {
        let directory = try TemporaryDirectory()
        let tokens = try lines(directory, count: 640)
        let epoch = schedule(640, batch: 10, shards: 1).epoch(0, of: tokens)
        var padding = 0
        for step in 0..<64 {
            let lengths = epoch.lines(ofBatch: step).map { tokens.line(Int($0)).count }
            padding += lengths.reduce(0) { $0 + lengths[0] - $1 }
        }
        // Batches drawn at random would compute about 6,000 steps in vain.
        #expect(padding < 400)
    }

    @Test("an example reads <eos> and the line, and predicts the line and <eos>")
    func examples() throws {
        let directory = try TemporaryDirectory()
        let tokens = try directory.tokens([3, 4, 5, 6], lines: [1, 3])
        var whole = schedule(2, batch: 2, shards: 1)
        let batch = whole.shardBatch(shard: 0, step: 0, tokens: tokens)
        #expect(batch.inputs == [[99, 4, 5, 6], [99, 3]])
        #expect(batch.targets == [[4, 5, 6, 99], [3, 99]])
        #expect(batch.lanes == nil && batch.startsFresh && batch.tokenCount == 6)
        var short = schedule(2, batch: 2, shards: 1, longest: 3)
        let cut = short.shardBatch(shard: 0, step: 0, tokens: tokens)
        #expect(cut.inputs == [[99, 4, 5], [99, 3]] && cut.targets == [[4, 5, 6], [3, 99]])
        var shortest = schedule(2, batch: 2, shards: 1, longest: 1)
        let first = shortest.shardBatch(shard: 0, step: 0, tokens: tokens)
        #expect(first.inputs == [[99], [99]] && Set(first.targets) == [[4], [3]])
    }

    @Test("sequences are dealt out to the shards in turn; a shard's are in order of falling length")
    func dealing() throws {
        let directory = try TemporaryDirectory()
        let tokens = try lines(directory, count: 103)
        var schedule = schedule(103, batch: 10, shards: 4)
        for step in [0, 5, 10, 11, 25, 3] {
            let lines = schedule.epoch(step / schedule.stepsPerEpoch, of: tokens)
                .lines(ofBatch: step % schedule.stepsPerEpoch)
            for shard in 0..<4 {
                let batch = schedule.shardBatch(shard: shard, step: step, tokens: tokens)
                let own = lines.enumerated().filter { $0.offset % 4 == shard }.map { Int32(1_000 + $0.element) }
                #expect(batch.targets.map { $0[0] } == own)
                #expect(batch.inputs.map(\.count) == batch.inputs.map(\.count).sorted(by: >))
            }
        }
    }

    @Test("the order for a seed stays what it was in the first release")
    func pinned() throws {
        let directory = try TemporaryDirectory()
        let tokens = try directory.tokens([Int32](repeating: 1, count: 8), lines: [Int](repeating: 1, count: 8))
        let epoch = schedule(8, batch: 4, shards: 1, seed: 1).epoch(0, of: tokens)
        // Philox's permutation of 8 for seed 1, cut in two, the batches in the order of its permutation of 2.
        #expect((0..<2).map { Array(epoch.lines(ofBatch: $0)) } == [[6, 4, 0, 2], [5, 7, 3, 1]])
    }
}

@Suite("Evaluation")
struct EvaluationScheduleTests {
    @Test(
        "every prediction of a stream is made once, in lanes that go on from piece to piece",
        arguments: [1, 2, 17, 100, 4_097, 9_000], [1, 3, 8, 20])
    func stream(count: Int, shards: Int) throws {
        let directory = try TemporaryDirectory()
        let tokens = try directory.tokens((0..<Int32(count)).map { $0 }, vocabularyCount: max(count, 2))
        let schedule = EvaluationSchedule(tokens: tokens, shards: shards, endOfSequence: nil)
        #expect(schedule.predictionCount == count - 1)
        var seen: [Int32] = []
        var last: [Int: Int32] = [:]
        for piece in 0..<schedule.pieces {
            for shard in 0..<shards {
                let batch = schedule.shardBatch(shard: shard, piece: piece, tokens: tokens)
                #expect(batch.startsFresh == (piece == 0))
                #expect(batch.inputs.map(\.count) == batch.inputs.map(\.count).sorted(by: >))
                #expect(batch.lanes?.count == batch.inputs.count)
                for (lane, (inputs, targets)) in zip(batch.lanes ?? 0..<0, zip(batch.inputs, batch.targets)) {
                    #expect(inputs.count <= 256 && targets == inputs.map { $0 + 1 })
                    if let last = last[lane] { #expect(inputs[0] == last) }
                    last[lane] = targets.last
                    seen += targets
                }
            }
        }
        #expect(seen.sorted() == (1..<Int32(max(count, 1))).map { $0 })
        if count > 20 { #expect(last.count >= 16 && last.count % shards == 0) }
    }

    @Test("every line is read once, by the shard whose turn it is", arguments: [1, 31, 33, 300], [1, 3, 8])
    func lines(count: Int, shards: Int) throws {
        let directory = try TemporaryDirectory()
        let lengths = (0..<count).map { 1 + $0 % 5 }
        let texts = lengths.enumerated().flatMap { line, length in [Int32](repeating: Int32(line), count: length) }
        let tokens = try directory.tokens(texts, lines: lengths, vocabularyCount: 500)
        let schedule = EvaluationSchedule(tokens: tokens, shards: shards, endOfSequence: 400)
        #expect(schedule.predictionCount == lengths.reduce(0, +) + count)
        var seen: [Int32] = []
        var predictions = 0
        for piece in 0..<schedule.pieces {
            for shard in 0..<shards {
                let batch = schedule.shardBatch(shard: shard, piece: piece, tokens: tokens)
                #expect(batch.inputs.count <= 32 && batch.startsFresh && batch.lanes == nil)
                #expect(batch.inputs.map(\.count) == batch.inputs.map(\.count).sorted(by: >))
                #expect(batch.targets.allSatisfy { Int($0[0]) % shards == shard && $0.last == 400 })
                seen += batch.targets.map { $0[0] }
                predictions += batch.tokenCount
            }
        }
        #expect(seen.sorted() == (0..<Int32(count)).map { $0 })
        #expect(predictions == schedule.predictionCount)
    }
}

@Suite("The schedule of a configuration")
struct TrainingScheduleTests {
    @Test("both shapes are scheduled by their configuration, and a run has a number of steps")
    func shapes() throws {
        let directory = try TemporaryDirectory()
        var configuration = smallConfiguration(DataConfiguration(train: "-"), batch: 4, sequence: 3, shards: 2)
        let stream = try directory.tokens([Int32](repeating: 1, count: 50))
        let characters = Tokenizer(characters: "ab".unicodeScalars, endOfSequence: false)
        var schedule = try TrainingSchedule(configuration, tokens: stream, tokenizer: characters)
        #expect(schedule.stepsPerEpoch == 4 && schedule.stepCount(configuration.training) == 40)
        #expect(schedule.shardBatch(shard: 1, step: 5, tokens: stream).lanes == 2..<4)
        configuration.training.steps = 7
        #expect(schedule.stepCount(configuration.training) == 7)

        configuration.data.shape = .sequences
        #expect(throws: CorpusError.self) {
            try TrainingSchedule(configuration, tokens: stream, tokenizer: characters)
        }
        let lines = try directory.tokens([1, 1, 1, 1, 1], lines: [1, 1, 1, 1, 1])
        let ended = Tokenizer(characters: "ab".unicodeScalars, endOfSequence: true)
        schedule = try TrainingSchedule(configuration, tokens: lines, tokenizer: ended)
        #expect(schedule.stepsPerEpoch == 2)
        #expect(schedule.shardBatch(shard: 0, step: 0, tokens: lines).inputs.allSatisfy { $0 == [2, 1] })
    }
}
