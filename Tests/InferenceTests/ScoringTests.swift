// Scores and losses against sums made by hand.

import Configuration
import Corpora
import Foundation
import Inference
import Numerics
import Recurrent
import Tasks
import Testing

@Suite("scoring and evaluation")
struct ScoringTests {
    private let lines = Tokenizer(characters: "abcdefgh ".unicodeScalars, endOfSequence: true)
    private let stream = Tokenizer(characters: "abcdefgh \n".unicodeScalars, endOfSequence: false)

    /// Σ log p(target | inputs so far), by stepping through the network, with a softmax of this test's own.
    private func stepped(_ model: inout LoadedModel, inputs: [Int32], targets: [Int32]) -> Double {
        var state = GenerationState<Float>(count: 1)
        var sum = 0.0
        for (input, target) in zip(inputs, targets) {
            let logits = model.network.advance(&state, tokens: [input]).elements.map(Double.init)
            let largest = logits.max() ?? 0
            let norm = log(logits.reduce(0) { $0 + exp($1 - largest) })
            sum += logits[Int(target)] - largest - norm
        }
        return sum
    }

    @Test("a line's score is the sum over its tokens and its end, each given those before")
    func scoresByHand() throws {
        for (tokenizer, shape) in [(lines, StreamShape.sequences), (stream, .stream)] {
            var model = try smallModel(tokenizer, shape: shape)
            let found = model.lineEnd
            let end = try #require(found)
            let texts = ["abc", "", "h", "bad cab face", String(repeating: "ace ", count: 200)]
            let encoded = try texts.map { try model.encode(line: Array($0.utf8)) }
            let scores = try model.score(encoded)
            for (line, score) in zip(encoded, scores) {
                let expected = stepped(&model, inputs: [end] + line, targets: line + [end])
                #expect(score.tokens == line.count + 1)
                #expect((score.logProbability - expected).magnitude < 1e-5 * max(1, expected.magnitude))
            }
            // Whoever else is in the batch changes nothing.
            for (index, line) in encoded.enumerated() { #expect(try model.score([line])[0] == scores[index]) }
            #expect(try model.score(encoded.reversed()) == scores.reversed())
        }
    }

    @Test("without a line end in the vocabulary the first token is given")
    func withoutLineEnd() throws {
        let tokenizer = Tokenizer(characters: "abc".unicodeScalars, endOfSequence: false)
        var model = try smallModel(tokenizer, shape: .stream)
        let scores = try model.score([try tokenizer.encode("abca"), try tokenizer.encode("a"), []])
        #expect(scores.map(\.tokens) == [3, 0, 0])
        let expected = stepped(&model, inputs: [0, 1, 2], targets: [1, 2, 0])
        #expect((scores[0].logProbability - expected).magnitude < 1e-6)
    }

    @Test("a text's loss where lines are sequences is the sum of its lines' scores")
    func lossOfLines() throws {
        let folder = try TestFolder()
        var model = try smallModel(lines, shape: .sequences)
        let texts = (0..<70).map { index in
            var words = RandomStream(seed: UInt64(index), purpose: .shuffle).words()
            return String("abcdefgh".shuffled(using: &words).prefix(index % 9))
        }
        let path = try folder.write(texts.joined(separator: "\r\n"), to: "lines.txt")
        let result = try model.evaluate(file: path)
        let scores = try model.score(try texts.filter { !$0.isEmpty }.map { try model.encode(line: Array($0.utf8)) })
        #expect(result.tokens == scores.reduce(0) { $0 + $1.tokens })
        let sum = scores.reduce(0) { $0 - $1.logProbability }
        #expect((result.nats - sum).magnitude < 1e-9 * sum)
        #expect((result.perplexity - exp(result.loss)).magnitude < 1e-12)
        #expect(result.bitsPerSymbol.map { ($0 - result.loss / log(2)).magnitude < 1e-12 } == true)
    }

    @Test("a text becomes the tokens that a run makes of it, in every shape")
    func sameTokensAsARun() throws {
        let folder = try TestFolder()
        let text = "\u{FEFF}the king  of\tfrance\r\n\r\n is bald\n\u{00A0}é la vie \n the end"
        let path = try folder.write(text, to: "text.txt")
        for tokenizer in TokenizerKind.allCases {
            for shape in StreamShape.allCases {
                let configuration = RunConfiguration(
                    data: DataConfiguration(
                        train: path, validation: .file(path), tokenizer: tokenizer, shape: shape),
                    training: TrainingConfiguration(batch: 1, sequence: 4, shards: 1))
                let name = "\(folder.path)/\(tokenizer)-\(shape)"
                let corpus = try CorpusBuilder.prepare(configuration, into: name)
                var model = try smallModel(corpus.tokenizer, shape: shape)
                let validation = try #require(corpus.validation)
                // Equal losses to the last bit: equal tokens in equal lines.
                #expect(
                    try model.evaluate(file: path) == model.evaluate(file: validation.path),
                    "\(tokenizer), \(shape)")
            }
        }
    }

    @Test("what cannot be read is named with file and line")
    func problems() throws {
        let folder = try TestFolder()
        var model = try smallModel(stream, shape: .stream)
        func expectProblem(_ path: String, _ words: String...) {
            do {
                _ = try model.evaluate(file: path)
                Issue.record("\(path) was taken")
            } catch {
                for word in words { #expect("\(error)".contains(word), "\(error)") }
            }
        }
        expectProblem(folder.path + "/none.txt", "none.txt", "No such file")
        expectProblem(try folder.write("", to: "empty.txt"), "empty.txt")
        expectProblem(try folder.write("a", to: "one.txt"), "one.txt", "too short")
        expectProblem(try folder.write("abc\nab\ncaño\n", to: "unknown.txt"), "unknown.txt:3:", "'ñ' (U+00F1)")
        expectProblem(try folder.write(Data([0x61, 0x0A, 0xFF]), to: "bytes.txt"), "bytes.txt:2:", "UTF-8")
        let tokens = folder.path + "/other.tokens"
        try MappedTokens.write([0, 1, 2], vocabularyCount: 3, to: tokens)
        expectProblem(tokens, "other.tokens", "vocabulary")
        expectProblem(folder.path, "cannot read")
    }

}
