// Prepared data outlive their text: what is known of it, and of them.

import Configuration
import Foundation
import Testing

@testable import Corpora

@Suite("Texts of prepared data")
struct PreparedTextsTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func changed(_ data: DataConfiguration) -> [String] {
        PreparedTexts.changed(since: "\(directory.path)/data", data)
    }

    /// Gives a file a time of change.
    private func touch(_ path: String, _ seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: path)
    }

    @Test("a text that was changed in place is told, whatever its size and times; one that was only touched is not")
    func changes() throws {
        let path = try directory.write("the old house")
        let own = try directory.write("the hotel", to: "own.txt")
        let data = DataConfiguration(train: path, validation: .file(own))
        _ = try CorpusBuilder.prepare(smallConfiguration(data), into: "\(directory.path)/data")
        #expect(changed(data).isEmpty)
        try touch(path, 1_000_000)
        #expect(changed(data).isEmpty)
        // Copied over with its times, as backups do: of the same size, and of the same age.
        _ = try directory.write("the old horse")
        try touch(path, 1_000_000)
        #expect(changed(data) == [path])
        _ = try directory.write("the hostel", to: "own.txt")
        #expect(changed(data) == [path, own])
        _ = try directory.write("the old house")
        #expect(changed(data) == [own])
        try FileManager.default.removeItem(atPath: own)
        #expect(changed(data).isEmpty)
    }

    @Test("nothing is said of another path, whose data are compared, nor of data without a record")
    func unknown() throws {
        let path = try directory.write("the old house")
        let data = DataConfiguration(train: path, validation: .fraction(0))
        _ = try CorpusBuilder.prepare(smallConfiguration(data), into: "\(directory.path)/data")
        let other = try directory.write("something else", to: "other.txt")
        #expect(changed(DataConfiguration(train: other, validation: .fraction(0))).isEmpty)
        _ = try directory.write("something else")
        #expect(changed(data) == [path])
        try FileManager.default.removeItem(atPath: "\(directory.path)/data/texts.json")
        #expect(changed(data).isEmpty)
    }

    @Test("prepared data have the numbers of their text", arguments: TokenizerKind.allCases, StreamShape.allCases)
    func numbers(tokenizer: TokenizerKind, shape: StreamShape) throws {
        let text = "the king of france is bald\n\nthe queen is not\nthe king the king\nand the end"
        let path = try directory.write(text)
        for validation in [ValidationSource.fraction(0), .fraction(0.3)] {
            let data = DataConfiguration(
                train: path, validation: validation, tokenizer: tokenizer, shape: shape,
                vocabulary: tokenizer == .words ? 6 : 0)
            let folder = "\(directory.path)/\(validation)"
            _ = try CorpusBuilder.prepare(smallConfiguration(data), into: folder)
            let read = try TextInspection(path: path, data: data, longest: 12, bytesMax: .max)
            let prepared = try TextInspection(preparedIn: folder, data, longest: 12)
            #expect(prepared.isPrepared && !read.isPrepared)
            #expect(prepared.tokens == read.tokens && prepared.vocabulary == read.vocabulary)
            #expect(prepared.lines.lines == read.lines.lines && prepared.unknownTokens == read.unknownTokens)
            #expect(prepared.linesCut == read.linesCut && prepared.tokensCut == read.tokensCut)
            #expect(prepared.fileBytes == text.utf8.count && prepared.isComplete)
        }
    }

    @Test("the message on a text in another encoding names it, the byte, and the command that converts")
    func encodings() throws {
        func problem(_ bytes: [UInt8]) throws -> String {
            let path = try directory.write(bytes)
            do {
                _ = try CorpusBuilder.prepare(
                    smallConfiguration(DataConfiguration(train: path)), into: "\(directory.path)/data")
                return "none"
            } catch {
                return "\(error)".replacing(directory.path + "/", with: "")
            }
        }
        let end = ", or set data.tokenizer to bytes"
        #expect(
            try problem(Array("un\ncaf".utf8) + [0xE9] + Array(" au lait\n".utf8))
                == "corpus.txt:2: not UTF-8 at byte 6; it looks like Latin-1: convert it to UTF-8 "
                + "(iconv -f latin1 -t utf-8)" + end)
        #expect(
            try problem(Array("a ".utf8) + [0x93] + Array("quoted".utf8) + [0x94] + Array(" text\n".utf8))
                == "corpus.txt:1: not UTF-8 at byte 2; it looks like Windows-1252: convert it to UTF-8 "
                + "(iconv -f windows-1252 -t utf-8)" + end)
        // UTF-8 that is damaged, and letters of another alphabet, are neither.
        #expect(
            try problem(Array("café au l".utf8) + [0xE9, 0x0A])
                == "corpus.txt:1: not UTF-8 at byte 10; convert it to UTF-8 (iconv -f ENCODING -t utf-8)" + end)
        #expect(
            try problem([0xC4, 0xCF, 0xCD, 0x20, 0xCB, 0xCF, 0xD2, 0xCF, 0xCC, 0xD1, 0x0A])
                == "corpus.txt:1: not UTF-8 at byte 0; convert it to UTF-8 (iconv -f ENCODING -t utf-8)" + end)
    }

    @Test("a disk that fails is told from a text that cannot be used")
    func storage() {
        #expect(CorpusError.file(path: "a", operation: "sync", code: EIO).isStorageFailure)
        #expect(CorpusError.file(path: "a", operation: "write", code: ENOSPC).isStorageFailure)
        #expect(CorpusError.file(path: "a", operation: "read", code: EIO).isStorageFailure)
        #expect(!CorpusError.file(path: "a", operation: "read", code: ENOENT).isStorageFailure)
        #expect(!CorpusError.empty(path: "a").isStorageFailure)
    }
}
