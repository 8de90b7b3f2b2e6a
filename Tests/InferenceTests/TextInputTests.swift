// Texts, lines and prompts as other systems write them.

import Configuration
import Corpora
import Foundation
import Inference
import Testing

@Suite("texts handed to a model")
struct TextInputTests {
    private let lines = Tokenizer(characters: "abcdefgh ".unicodeScalars, endOfSequence: true)
    private let stream = Tokenizer(characters: "abcdefgh \n".unicodeScalars, endOfSequence: false)

    @Test("a text that comes through a pipe has the loss of the file, to the last bit")
    func pipes() throws {
        let folder = try TestFolder()
        let text = String(repeating: "bad cab face\n", count: 2_000)
        let path = try folder.write(text, to: "text.txt")
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        for (tokenizer, shape) in [(lines, StreamShape.sequences), (stream, .stream)] {
            var model = try smallModel(tokenizer, shape: shape)
            let writer = Thread { try? Data(text.utf8).write(to: URL(fileURLWithPath: pipe)) }
            writer.start()
            #expect(try model.evaluate(file: pipe) == model.evaluate(file: path))
        }
    }

    @Test("a line of any length is evaluated whole: the sum of its tokens, in bounded windows")
    func longLines() throws {
        let folder = try TestFolder()
        let line = String(repeating: "ace bad ", count: 9_000)
        let path = try folder.write(line + "\nabc\n", to: "long.txt")
        var model = try smallModel(lines, shape: .sequences)
        let loss = try model.evaluate(file: path)
        #expect(loss.tokens == 72_001 + 4)
        let scores = try model.score([line, "abc"].map { try model.encode(line: Array($0.utf8)) })
        let sum = scores.reduce(0) { $0 - $1.logProbability }
        #expect((loss.nats - sum).magnitude < 1e-9 * sum)
    }

    @Test("a prompt that is not UTF-8 is refused; where tokens are bytes it is read byte by byte")
    func prompts() throws {
        let prompt: [UInt8] = [0x74, 0x68, 0xE9]
        let characters = try smallModel(stream, shape: .stream)
        #expect {
            _ = try characters.encode(prompt: prompt)
        } throws: {
            "\($0)".hasPrefix("--prompt is not UTF-8")
        }
        #expect(
            try characters.encode(prompt: [0xEF, 0xBB, 0xBF, 0x61]).tokens == characters.encode(prompt: "a").tokens)
        var bytes = try smallModel(Tokenizer(bytesWithEndOfSequence: false), shape: .stream)
        let encoded = try bytes.encode(prompt: prompt)
        #expect(encoded.tokens == [0x74, 0x68, 0xE9])
        var tokens: [Int32] = []
        let request = GenerationRequest(length: 200, rule: try SamplingRule(), seed: 3)
        try bytes.generateTokens(request, from: encoded) { tokens.append($1) }
        #expect(tokens.count == 200 && tokens.contains { $0 >= 0x80 })
    }

    @Test("a byte order mark in front of lines is no part of them, except of bytes")
    func marks() throws {
        let marked: [UInt8] = [0xEF, 0xBB, 0xBF, 0x61]
        #expect(try smallModel(stream, shape: .stream).withoutMark(marked) == [0x61])
        #expect(try smallModel(Tokenizer(bytesWithEndOfSequence: false), shape: .stream).withoutMark(marked) == marked)
    }

    @Test("lines in UTF-16 are told by name")
    func otherEncodings() throws {
        let model = try smallModel(stream, shape: .stream)
        for encoding in [String.Encoding.utf16LittleEndian, .utf16] {
            let line = [UInt8](try #require("abc".data(using: encoding)))
            #expect {
                _ = try model.encode(line: line)
            } throws: {
                "\($0)".contains("UTF-16")
            }
        }
    }
}
