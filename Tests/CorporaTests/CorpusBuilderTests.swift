// From texts to token files: vocabularies, parts, and what is refused.

import Configuration
import Testing

@testable import Corpora

@Suite("Preparing a corpus")
struct CorpusBuilderTests {
    private let directory: TemporaryDirectory
    private let output: String

    init() throws {
        directory = try TemporaryDirectory()
        output = "\(directory.path)/run/data"
    }

    private func prepare(_ data: DataConfiguration) throws -> (PreparedCorpus, [Int32], [Int32]) {
        let corpus = try CorpusBuilder.prepare(smallConfiguration(data), into: output)
        let training = try MappedTokens(verifying: corpus.training)
        let validation = try corpus.validation.map { try MappedTokens(verifying: $0) }
        #expect(try PreparedCorpus(directory: output) == corpus)
        return (
            corpus, training.tokens(0..<training.count), validation.map { $0.tokens(0..<$0.count) } ?? []
        )
    }

    private func lines(_ reference: TokenFileReference?, _ tokenizer: Tokenizer) throws -> [String] {
        guard let reference else { return [] }
        let tokens = try MappedTokens(verifying: reference)
        return (0..<tokens.lineCount).map { tokenizer.decode(tokens.tokens(tokens.line($0))) }
    }

    @Test("a stream of characters is cut behind its first part, and its vocabulary is that of the whole")
    func characters() throws {
        let path = try directory.write("hello world")
        let (corpus, training, validation) = try prepare(DataConfiguration(train: path, validation: .fraction(0.3)))
        #expect(corpus.tokenizer.symbols == [" ", "d", "e", "h", "l", "o", "r", "w"])
        #expect(corpus.tokenizer.decode(training) == "hello w" && corpus.tokenizer.decode(validation) == "orld")
        #expect(corpus.training.tokens == 7 && corpus.training.lines == 0)
        #expect(
            try directory.names(in: "run/data") == [
                "texts.json", "tokenizer.json", "training.tokens", "validation.tokens",
            ])
    }

    @Test("without validation there is one part, and no validation file stays from before")
    func noValidation() throws {
        let path = try directory.write("hello")
        _ = try prepare(DataConfiguration(train: path, validation: .fraction(0.5)))
        let (corpus, training, _) = try prepare(DataConfiguration(train: path, validation: .fraction(0)))
        #expect(corpus.validation == nil && training.count == 5)
        #expect(try directory.names(in: "run/data") == ["texts.json", "tokenizer.json", "training.tokens"])
    }

    @Test("words: line ends are <eos>, the vocabulary is limited, and rare words are <unk>")
    func words() throws {
        let path = try directory.write("b a b\n\nc <unk> b a\nd b")
        let (corpus, training, _) = try prepare(
            DataConfiguration(train: path, validation: .fraction(0), tokenizer: .words, vocabulary: 5))
        #expect(corpus.tokenizer.symbols == ["<unk>", "<eos>", "b", "a", "c"])
        #expect(training == [2, 3, 2, 1, 1, 4, 0, 2, 3, 1, 0, 2, 1])
        let (all, _, _) = try prepare(
            DataConfiguration(train: path, validation: .fraction(0), tokenizer: .words, vocabulary: 0))
        #expect(all.tokenizer.symbols == ["<unk>", "<eos>", "b", "a", "c", "d"])
    }

    @Test("a validation file is encoded with the vocabulary of the training text")
    func validationFile() throws {
        let train = try directory.write("a b a\n")
        let valid = try directory.write("b x a", to: "valid.txt")
        let (corpus, _, validation) = try prepare(
            DataConfiguration(train: train, validation: .file(valid), tokenizer: .words))
        #expect(corpus.tokenizer.symbols == ["<unk>", "<eos>", "a", "b"])
        #expect(validation == [3, 0, 2, 1])
    }

    @Test("a character that only the validation file has is an error with its line")
    func unseenCharacter() throws {
        let train = try directory.write("abc\nabc\n")
        let valid = try directory.write("abc\nabz\n", to: "valid.txt")
        #expect(throws: CorpusError.unknownSymbol(path: valid, symbol: "z", line: 2)) {
            try prepare(DataConfiguration(train: train, validation: .file(valid)))
        }
        #expect(try directory.names(in: "run/data") == [])
    }

    @Test("bytes are taken as they are, UTF-8 or not")
    func bytes() throws {
        let path = try directory.write([0xFF, 0x00, 0x0D, 0x0A, 0xC3])
        let (corpus, training, _) = try prepare(
            DataConfiguration(train: path, validation: .fraction(0), tokenizer: .bytes))
        #expect(corpus.tokenizer.count == 256 && training == [0xFF, 0x00, 0x0D, 0x0A, 0xC3])
    }

    @Test("lines are sequences without their ends; empty ones are none", arguments: TokenizerKind.allCases)
    func sequences(kind: TokenizerKind) throws {
        let path = try directory.write("one two\r\n\n\nthree\nfour é")
        let (corpus, _, _) = try prepare(
            DataConfiguration(train: path, validation: .fraction(0), tokenizer: kind, shape: .sequences))
        #expect(try lines(corpus.training, corpus.tokenizer) == ["one two", "three", "four é"])
        #expect(corpus.training.lines == 3 && corpus.tokenizer.endOfSequence != nil)
    }

    @Test("of lines, a part is drawn by lot: each is in one part, the number is exact, the order stays")
    func drawnLines() throws {
        let all = (0..<1_000).map { "line \($0)" }
        let path = try directory.write(all.joined(separator: "\n"))
        let (corpus, _, _) = try prepare(
            DataConfiguration(train: path, validation: .fraction(0.1), shape: .sequences))
        let training = try lines(corpus.training, corpus.tokenizer)
        let validation = try lines(corpus.validation, corpus.tokenizer)
        #expect(training.count == 900 && validation.count == 100)
        #expect(Set(training + validation) == Set(all))
        #expect(training == all.filter(Set(training).contains) && validation == all.filter(Set(validation).contains))
        // The lot falls on the whole file: 50 +- 5 of 100 lie in its first half.
        #expect((30...70).contains(validation.count { Int($0.dropFirst(5))! < 500 }))
    }

    @Test("the same text gives the same files, and the hash stays what it was in the first release")
    func hashes() throws {
        let path = try directory.write("to be, or not to be\nthat is the question\n")
        let data = DataConfiguration(train: path, validation: .fraction(0.25))
        let (first, _, _) = try prepare(data)
        let (second, _, _) = try prepare(data)
        #expect(first == second)
        #expect(
            first.training.sha256 == "be00b69fae4a7d9b3ecf972f66706590112d362d033710de8409258473397318")
    }

    @Test("what cannot be learnt from is refused with its reason, and leaves nothing behind")
    func refused() throws {
        let missing = "\(directory.path)/missing.txt"
        func problem(
            _ bytes: [UInt8], _ kind: TokenizerKind = .characters, shape: StreamShape = .stream
        ) throws -> String {
            let path = try directory.write(bytes)
            do {
                _ = try prepare(DataConfiguration(train: path, tokenizer: kind, shape: shape))
                return "no error"
            } catch {
                return "\(error)".replacing("\(directory.path)/", with: "")
            }
        }
        #expect {
            _ = try prepare(DataConfiguration(train: missing))
        } throws: {
            "\($0)" == "cannot read '\(missing)': No such file or directory"
        }
        #expect {
            _ = try prepare(DataConfiguration(train: directory.path))
        } throws: {
            "\($0)" == "cannot read '\(directory.path)': it is a directory, expected a regular file"
        }
        #expect(try problem([]) == "corpus.txt: holds no text to learn from")
        #expect(try problem([0xEF, 0xBB, 0xBF]) == "corpus.txt: holds no text to learn from")
        #expect(try problem(Array("\n\n".utf8), shape: .sequences) == "corpus.txt: holds no text to learn from")
        #expect(
            try problem([0x61, 0x0A, 0x62, 0xFF, 0x63])
                == "corpus.txt:2: not UTF-8 at byte 3; it looks like Latin-1: convert it to UTF-8 "
                + "(iconv -f latin1 -t utf-8), or set data.tokenizer to bytes")
        #expect(
            try problem([0x1F, 0x8B, 0x08, 0x08])
                == "corpus.txt: not a text in UTF-8, but compressed with gzip; unpack it first")
        #expect(try problem([0x61, 0x0A, 0xC3], .words).hasPrefix("corpus.txt:2: not UTF-8 at byte 2;"))
        #expect(
            try problem([UInt8](repeating: 0x61, count: 1 << 21), .words)
                == "corpus.txt: no white space in the 1048576 bytes after byte 0: this is not a text of words")
        #expect(throws: (any Error).self) { try directory.names(in: "run/data") }
    }

    @Test("a text shorter than one step says how many tokens there are and are needed")
    func tooShort() throws {
        let path = try directory.write(String(repeating: "a", count: 100))
        func prepare(batch: Int, sequence: Int, fraction: Double) throws {
            let data = DataConfiguration(train: path, validation: .fraction(fraction))
            _ = try CorpusBuilder.prepare(smallConfiguration(data, batch: batch, sequence: sequence), into: output)
        }
        try prepare(batch: 9, sequence: 11, fraction: 0)
        #expect {
            try prepare(batch: 4, sequence: 25, fraction: 0)
        } throws: {
            "\($0)" == "\(path): the training text has 100 tokens, but 101 are needed: "
                + "one step of training.batch 4 lanes by training.sequence 25, and one more to predict"
        }
        #expect(
            throws: CorpusError.tooShort(
                path: path, part: .validation, tokens: 1, tokensNeeded: 2,
                needed: "one to predict; for no validation set data.validation to 0")
        ) { try prepare(batch: 1, sequence: 1, fraction: 0.01) }
    }

    @Test("an output that cannot be written is an error that names it")
    func unwritable() throws {
        let path = try directory.write("hello world")
        let blocker = try directory.write("", to: "blocker")
        #expect {
            _ = try CorpusBuilder.prepare(smallConfiguration(DataConfiguration(train: path)), into: "\(blocker)/data")
        } throws: {
            "\($0)" == "cannot make the directory '\(blocker)/data': Not a directory"
        }
    }
}
