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

    @Test("CR LF is a line end where the model's text had no carriage returns, in texts, lines and prompts")
    func lineEnds() throws {
        let folder = try TestFolder()
        let text = String(repeating: "bad cab face\nhead\n", count: 30)
        let path = try folder.write(text, to: "text.txt")
        let other = try folder.write(text.replacing("\n", with: "\r\n"), to: "other.txt")
        for (tokenizer, shape) in [(lines, StreamShape.sequences), (stream, .stream)] {
            var model = try smallModel(tokenizer, shape: shape)
            #expect(try model.evaluate(file: other) == model.evaluate(file: path), "\(shape)")
            #expect(model.withoutLineEnd(Array("bad\r\n".utf8)) == Array("bad".utf8))
        }
        let model = try smallModel(stream, shape: .stream)
        #expect(try model.encode(prompt: "a\r\nb").tokens == model.encode(prompt: "a\nb").tokens)
        var evaluated = try smallModel(stream, shape: .stream)
        let lone = try folder.write("bad\rcab\n", to: "lone.txt")
        #expect {
            _ = try evaluated.evaluate(file: lone)
        } throws: {
            "\($0)".hasSuffix("lone.txt:1: the symbol U+000D is not in the model's vocabulary")
        }
    }

    @Test("a stream whose text had carriage returns reads and scores them")
    func carriageReturns() throws {
        let folder = try TestFolder()
        let path = try folder.write("bad\r\ncab\r\n", to: "text.txt")
        for tokenizer in [
            Tokenizer(characters: "abcd\r\n".unicodeScalars, endOfSequence: false),
            Tokenizer(bytesWithEndOfSequence: false),
        ] {
            var model = try smallModel(tokenizer, shape: .stream)
            #expect(try model.evaluate(file: path).tokens == 9)
            let line = model.withoutLineEnd(Array("bad\r\n".utf8))
            #expect(line == Array("bad\r".utf8) && model.withoutLineEnd(Array("bad\n".utf8)) == Array("bad".utf8))
            #expect(try model.score([try model.encode(line: line)])[0].tokens == 5)
            #expect(try model.encode(prompt: "a\r\n").tokens.count == 3)
        }
        // Where each line is a sequence the pair is its end, bytes or not.
        let bytes = try smallModel(Tokenizer(bytesWithEndOfSequence: true), shape: .sequences)
        #expect(bytes.withoutLineEnd(Array("bad\r\n".utf8)) == Array("bad".utf8))
    }

    @Test("a line in another encoding is refused with the byte and the command that converts")
    func encodings() throws {
        let model = try smallModel(stream, shape: .stream)
        #expect {
            _ = try model.encode(line: Array("caf".utf8) + [0xE9])
        } throws: {
            "\($0)" == "not UTF-8 at byte 3 of the line; it looks like Latin-1: convert it to UTF-8 "
                + "(iconv -f latin1 -t utf-8)"
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
