// Text generation: samples are independent of each other, prompts mean what they say.

import Corpora
import Inference
import Numerics
import Recurrent
import Testing

@Suite("generation")
struct GenerationTests {
    private let lines = Tokenizer(characters: "abcdefgh ".unicodeScalars, endOfSequence: true)
    private let stream = Tokenizer(characters: "abcdefgh \n".unicodeScalars, endOfSequence: false)

    private func samples(
        _ model: inout LoadedModel, prompt: String = "", length: Int = 40, count: Int = 1, seed: UInt64 = 3,
        rule: SamplingRule? = nil
    ) throws -> [String] {
        let request = GenerationRequest(
            prompt: prompt, length: length, rule: try rule ?? SamplingRule(), seed: seed, count: count)
        var texts = [String](repeating: "", count: count)
        try model.generate(request, from: try model.encode(prompt: prompt)) { texts[$0] += $1 }
        return texts
    }

    @Test("samples that are generated together are what each of them is alone")
    func together() throws {
        for tokenizer in [lines, stream] {
            var model = try smallModel(tokenizer, shape: tokenizer.endOfSequence == nil ? .stream : .sequences)
            let many = try samples(&model, prompt: "abc", count: 7)
            #expect(Set(many).count > 4)
            // The first ones of fewer are the first ones of many: rows do not mix, and ended lines leave the batch.
            for count in 1...6 {
                #expect(try samples(&model, prompt: "abc", count: count) == Array(many.prefix(count)))
            }
        }
    }

    @Test("where lines are sequences a sample ends at <eos>; in a stream it has the full length")
    func ends() throws {
        var ofLines = try smallModel(lines, shape: .sequences)
        let texts = try samples(&ofLines, length: 200, count: 20)
        #expect(texts.contains { $0.unicodeScalars.count < 200 })
        #expect(texts.allSatisfy { !$0.contains("\n") && !$0.contains("<eos>") })
        var ofStream = try smallModel(stream, shape: .stream)
        #expect(try samples(&ofStream, length: 123)[0].unicodeScalars.count == 123)
        #expect(try samples(&ofStream, length: 0) == [""])
    }

    @Test("an empty prompt starts from <eos> or from a line end, else from the first symbol")
    func emptyPrompt() throws {
        let ofLines = try smallModel(lines, shape: .sequences)
        #expect(try ofLines.encode(prompt: "").context == [lines.endOfSequence])
        #expect(try ofLines.encode(prompt: "ab").context == [lines.endOfSequence, 1, 2])
        let ofStream = try smallModel(stream, shape: .stream)
        #expect(try ofStream.encode(prompt: "").context == stream.encode("\n"))
        #expect(try ofStream.encode(prompt: "ab").context == stream.encode("ab"))
        let withoutLineEnd = try smallModel(
            Tokenizer(characters: "xyz".unicodeScalars, endOfSequence: false), shape: .stream)
        #expect(try withoutLineEnd.encode(prompt: "").context == [0])
    }

    @Test("generation takes the argmax of the network's own logits, token by token")
    func greedyAgainstTheNetwork() throws {
        var model = try smallModel(stream, shape: .stream, cell: .gru)
        let text = try samples(&model, prompt: "bad", length: 25, rule: .greedy)[0]
        var state = GenerationState<Float>(count: 1)
        var expected = ""
        var logits: [Float] = []
        for token in try stream.encode("bad") { logits = model.network.advance(&state, tokens: [token]).elements }
        for _ in 0..<25 {
            let token = Int32(logits.indices.max { (logits[$0], $1) < (logits[$1], $0) } ?? 0)
            expected += stream.text(of: token)
            logits = model.network.advance(&state, tokens: [token]).elements
        }
        #expect(text == expected)
    }

    @Test("a symbol outside of the vocabulary is named; an unknown word is read as <unk> and reported")
    func unknown() throws {
        let model = try smallModel(stream, shape: .stream)
        do {
            _ = try model.encode(prompt: "abé")
            Issue.record("é was taken")
        } catch {
            #expect("\(error)".contains("'é' (U+00E9)"))
        }
        #expect(throws: InferenceError.self) { try model.encode(prompt: "a\tb") }
        let words = try smallModel(Tokenizer(words: ["the", "king"]), shape: .sequences)
        let prompt = try words.encode(prompt: "the emperor the queen")
        #expect(prompt.tokens == [2, 0, 2, 0])
        #expect(prompt.unknownWords == ["emperor", "queen"])
        #expect(throws: InferenceError.self) { try words.encode(prompt: "the\nking") }
    }

    @Test("words have blanks between them, and bytes come as whole characters")
    func spelling() throws {
        var words = try smallModel(Tokenizer(words: ["the", "king", "of"]), shape: .stream)
        let text = try samples(&words, prompt: "the", length: 60)[0]
        #expect(text.first == " " || text.first == "\n")
        #expect(!text.contains("  ") && !text.contains("\n "))
        var bytes = try smallModel(Tokenizer(bytesWithEndOfSequence: false), shape: .stream)
        let pieces = try samples(&bytes, prompt: "ü", length: 300)[0]
        #expect(!pieces.isEmpty)
    }
}
