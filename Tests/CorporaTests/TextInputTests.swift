// Texts as other systems write them, and files that are no texts.

import Configuration
import Foundation
import Testing

@testable import Corpora

@Suite("Texts that other systems wrote")
struct TextInputTests {
    private let directory: TemporaryDirectory
    private let text = "the old house\nof the king\n"

    init() throws { directory = try TemporaryDirectory() }

    private func problem(_ data: DataConfiguration) -> String {
        do {
            _ = try CorpusBuilder.prepare(smallConfiguration(data), into: "\(directory.path)/data")
            return "no error"
        } catch {
            return "\(error)".replacing("\(directory.path)/", with: "")
        }
    }

    @Test("UTF-16 and UTF-32, with and without mark, are named, and stray zero bytes are refused; bytes take them")
    func otherEncodings() throws {
        for (encoding, name) in [
            (String.Encoding.utf16LittleEndian, "UTF-16"), (.utf16BigEndian, "UTF-16"), (.utf16, "UTF-16"),
            (.utf32LittleEndian, "UTF-32"), (.utf32BigEndian, "UTF-32"), (.utf32, "UTF-32"),
        ] {
            let path = try directory.write([UInt8](try #require(text.data(using: encoding))))
            for tokenizer in [TokenizerKind.characters, .words] {
                let data = DataConfiguration(train: path, tokenizer: tokenizer)
                #expect(problem(data).contains("zero bytes"), "\(problem(data))")
                #expect(problem(data).contains("in \(name)"), "\(problem(data))")
            }
            #expect(problem(DataConfiguration(train: path, tokenizer: .bytes)) == "no error")
        }
        let stray = try directory.write(Array("one\ntwo\u{0}three\n".utf8))
        #expect(
            problem(DataConfiguration(train: stray)).hasPrefix("corpus.txt:2: holds zero bytes, the first at byte 7"))
    }

    @Test("a pipe, a device and a directory are refused as training text at once")
    func irregularFiles() throws {
        let pipe = "\(directory.path)/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        let writer = open(pipe, O_RDWR)
        defer { close(writer) }
        #expect(problem(DataConfiguration(train: pipe)).contains("it is a pipe, expected a regular file"))
        #expect(problem(DataConfiguration(train: "/dev/zero")).contains("it is a device"))
        #expect(problem(DataConfiguration(train: directory.path)).contains("it is a directory"))
    }

    @Test("a path with ~ is told where it would lie")
    func home() {
        #expect(
            CorpusError.file(path: "~/t.txt", operation: "read", code: ENOENT).description.contains("~ is not expanded")
        )
    }

    @Test("a single line, and a single token, are counted in the singular")
    func singular() throws {
        let path = try directory.write("only line\n")
        let data = DataConfiguration(train: path, validation: .fraction(0.5), shape: .sequences)
        #expect(problem(data).hasPrefix("corpus.txt: has 1 line, of which data.validation leaves none"))
        let error = CorpusError.tooShort(path: "a", part: .training, tokens: 1, tokensNeeded: 1, needed: "one")
        #expect(error.description == "a: the training text has 1 token, but 1 is needed: one")
    }

    @Test("lines read in windows are the lines read whole, whatever the window")
    func windows() throws {
        let lines = [1, 7, 3, 12, 5, 5]
        let tokens = try directory.tokens((0..<33).map { Int32($0) }, lines: lines)
        let schedule = EvaluationSchedule(tokens: tokens, shards: 2, endOfSequence: 99)
        for shard in 0..<2 {
            let whole = schedule.shardBatch(shard: shard, piece: 0, tokens: tokens)
            let sequences = schedule.sequences(shard: shard, piece: 0, tokens: tokens)
            for width in 1...14 {
                var inputs = [[Int32]](repeating: [], count: whole.inputs.count)
                var targets = inputs
                for start in stride(from: 0, to: 13, by: width) {
                    let part = schedule.shardBatch(sequences, window: start..<start + width, tokens: tokens)
                    for index in part.inputs.indices {
                        inputs[index] += part.inputs[index]
                        targets[index] += part.targets[index]
                    }
                }
                #expect(inputs == whole.inputs && targets == whole.targets, "windows of \(width)")
            }
        }
    }
}
