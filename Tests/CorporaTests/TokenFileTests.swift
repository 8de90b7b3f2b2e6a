// Token files: what is written is read, and what is damaged is refused.

import Foundation
import Testing

@testable import Corpora

@Suite("Token files")
struct TokenFileTests {
    @Test("tokens and lines come back, in both widths", arguments: [100, 65_536, 65_537, 1 << 30])
    func roundTrip(vocabularyCount: Int) throws {
        let directory = try TemporaryDirectory()
        let tokens: [Int32] = [0, 5, Int32(vocabularyCount - 1), 7, 99]
        let stream = try directory.tokens(tokens, vocabularyCount: vocabularyCount)
        #expect(stream.count == 5 && stream.lineCount == 0 && stream.vocabularyCount == vocabularyCount)
        #expect(stream.tokens(0..<5) == tokens && stream[2] == tokens[2] && stream.tokens(1..<1) == [])
        let lines = try directory.tokens(tokens, lines: [1, 3, 1], vocabularyCount: vocabularyCount)
        #expect((0..<3).map { lines.line($0) } == [0..<1, 1..<4, 4..<5])
        #expect(try directory.names() == ["test.tokens"])
    }

    @Test("the layout is the documented one, byte for byte")
    func layout() throws {
        let directory = try TemporaryDirectory()
        let tokens = try directory.tokens([1, 2, 258], lines: [1, 2], vocabularyCount: 300)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: tokens.path)))
        let counts: [UInt8] = [3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0x2C, 1, 0, 0, 0, 0, 0, 0]
        var expected = Array("RONDOTOK".utf8) + [1, 0, 0, 0, 2, 0, 0, 0] + counts
        expected += [UInt8](repeating: 0, count: 24) + [1, 0, 2, 0, 2, 1, 0, 0]
        for offset in [0, 1, 3] as [UInt8] { expected += [offset, 0, 0, 0, 0, 0, 0, 0] }
        #expect(bytes == expected)
        // As Python's hashlib.sha256 has it for the bytes above.
        #expect(tokens.sha256() == "94b5b27e688163800b30154530cdccd24bc5506afc1ff830cb7635e12ef2f372")
    }

    @Test("many tokens and lines go through the buffers")
    func large() throws {
        let directory = try TemporaryDirectory()
        let lengths = (0..<20_000).map { 1 + $0 % 9 }
        let tokens = (0..<lengths.reduce(0, +)).map { Int32($0 % 70_000) }
        let mapped = try directory.tokens(tokens, lines: lengths, vocabularyCount: 70_000)
        #expect(mapped.tokens(0..<tokens.count) == tokens)
        #expect((0..<20_000).map { mapped.line($0).count } == lengths)
        #expect(try MappedTokens(verifying: mapped.reference()).count == tokens.count)
    }

    @Test("another content than the one meant is refused")
    func verification() throws {
        let directory = try TemporaryDirectory()
        let reference = try directory.tokens([1, 2, 3]).reference()
        let other = try directory.tokens([1, 2, 4])
        #expect(throws: CorpusError.differs(path: other.path, expected: reference.sha256, found: other.sha256())) {
            try MappedTokens(verifying: reference)
        }
    }

    @Test("a missing file is named with the reason")
    func missing() {
        #expect {
            _ = try MappedTokens(path: "/nonexistent/x.tokens")
        } throws: {
            "\($0)" == "cannot read '/nonexistent/x.tokens': No such file or directory"
        }
    }

    @Test("damaged files are refused, or are sound")
    func damage() throws {
        let directory = try TemporaryDirectory()
        var random = SplitMix()
        let whole = try directory.tokens([1, 2, 3, 4, 5, 6], lines: [2, 3, 1], vocabularyCount: 9)
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: whole.path)))
        var refused = 0
        for _ in 0..<600 {
            var damaged = bytes
            switch Int.random(in: 0..<3, using: &random) {
            case 0: damaged.removeLast(Int.random(in: 1...bytes.count, using: &random))
            case 1: damaged += [UInt8](repeating: 0, count: Int.random(in: 1..<20, using: &random))
            default:
                for _ in 0..<Int.random(in: 1..<4, using: &random) {
                    let place = Int.random(in: 0..<damaged.count, using: &random)
                    damaged[place] = [0, 1, 2, 3, 4, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
                }
            }
            let path = try directory.write(damaged, to: "damaged.tokens")
            do {
                let tokens = try MappedTokens(path: path)
                #expect(tokens.tokens(0..<tokens.count).allSatisfy { $0 >= 0 && $0 < tokens.vocabularyCount })
                for line in 0..<tokens.lineCount { #expect(!tokens.tokens(tokens.line(line)).isEmpty) }
            } catch {
                refused += 1
            }
        }
        #expect(refused > 300)
    }
}
