// The byte loops: UTF-8 by hand against the standard library, and texts in pieces against whole texts.

import Testing

@testable import Corpora

/// Writes down what a scanner hands over.
private struct Recorder: TextSink {
    var events: [String] = []
    mutating func scalar(_ value: UInt32, at offset: Int) { events.append("\(offset) U+\(value)") }
    mutating func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        events.append("\(offset) \(String(decoding: bytes, as: UTF8.self))")
    }
    mutating func lineEnd() { events.append("end") }
}

@Suite("Reading text")
struct TextReadingTests {
    private func scan(_ bytes: [UInt8], _ boundary: TextBoundary, lineEnds: LineEnds) throws(ScanError) -> [String] {
        var recorder = Recorder()
        try bytes.withUnsafeBufferPointer { (bytes) throws(ScanError) in
            try scan(UnsafeRawBufferPointer(bytes), at: 0, boundary, lineEnds, &recorder)
        }
        return recorder.events
    }

    private func scan(
        _ bytes: UnsafeRawBufferPointer, at offset: Int, _ boundary: TextBoundary, _ lineEnds: LineEnds,
        _ recorder: inout Recorder
    ) throws(ScanError) {
        switch boundary {
        case .byte: try TextScanner.bytes(bytes, at: offset, lineEnds: lineEnds, into: &recorder)
        case .character: try TextScanner.characters(bytes, at: offset, lineEnds: lineEnds, into: &recorder)
        case .word: try TextScanner.words(bytes, at: offset, into: &recorder)
        }
    }

    private func read(
        _ path: String, _ boundary: TextBoundary, _ lineEnds: LineEnds, chunkBytes: Int = TextReader.chunkBytes
    ) throws -> [String] {
        var recorder = Recorder()
        var reader = try TextReader(try TextSource(path: path), boundary: boundary, chunkBytes: chunkBytes)
        while try reader.next({ (piece, offset) throws(ScanError) in
            try scan(piece, at: offset, boundary, lineEnds, &recorder)
        }) {}
        return recorder.events
    }

    @Test("every scalar is decoded, from one byte to four")
    func allScalars() {
        for value in (0..<0x11_0000 as Range<UInt32>) where value % 61 == 0 || value & 0xFF > 0xFD || value < 0x900 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = Array(String(Character(scalar)).utf8)
            let (decoded, length) = bytes.withUnsafeBytes { UTF8Decoding.scalar($0, 0) }
            guard decoded == value && length == bytes.count else {
                Issue.record("U+\(value) decoded as \(decoded) of \(length) bytes")
                return
            }
        }
    }

    @Test("bytes are refused exactly where the standard library refuses them, with the offset")
    func validation() {
        var random = SplitMix()
        let likely: [UInt8] = [
            0x00, 0x61, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0,
            0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 1..<7, using: &random)).map { _ in likely.randomElement(using: &random)! }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            do {
                _ = try scan(bytes, .character, lineEnds: .symbols)
                #expect(isValid, "\(bytes)")
            } catch .notUTF8(let offset) {
                #expect(!isValid && String(validating: bytes[..<offset], as: UTF8.self) != nil, "\(bytes) at \(offset)")
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    @Test("lines end with or without a carriage return; elsewhere it is a symbol")
    func lineEnds() throws {
        #expect(
            try scan(Array("a\r\nb\r\rc\n\r".utf8), .character, lineEnds: .ends)
                == ["0 U+97", "end", "3 U+98", "4 U+13", "5 U+13", "6 U+99", "end", "8 U+13"])
        #expect(try scan(Array("a\r\n".utf8), .byte, lineEnds: .symbols) == ["0 U+97", "1 U+13", "2 U+10"])
        #expect(try scan(Array(" ab\u{85}c\r\n\n".utf8), .word, lineEnds: .ends) == ["1 ab", "5 c", "end", "end"])
    }

    @Test("where a carriage return is no symbol, CR LF is a line end like LF, and a lone one stays")
    func lineFeeds() throws {
        #expect(
            try scan(Array("a\r\n\r\r\nb\r".utf8), .character, lineEnds: .lineFeeds)
                == ["0 U+97", "2 U+10", "3 U+13", "5 U+10", "6 U+98", "7 U+13"])
    }

    @Test(
        "a text read in pieces gives what the whole text gives", arguments: [TextBoundary.byte, .character, .word],
        [LineEnds.ends, .symbols, .lineFeeds])
    func pieces(boundary: TextBoundary, lineEnds: LineEnds) throws {
        let directory = try TemporaryDirectory()
        var random = SplitMix()
        let parts = ["a", "bc", " ", "\n", "\r\n", "\r", "é", "漢", "😀", "\u{A0}", "\u{3000}"]
        for _ in 0..<60 {
            let count = Int.random(in: 0..<60, using: &random)
            let text = (0..<count).map { _ in parts.randomElement(using: &random)! }.joined()
            let path = try directory.write(text)
            for chunkBytes in [8, 13, 4_096] {
                // Pieces too small for a word are refused.
                let stretches = text.utf8.split { [0x20, 0x0A, 0x0D].contains($0) }
                if boundary == .word && stretches.contains(where: { $0.count >= chunkBytes }) { continue }
                let pieces = try read(path, boundary, lineEnds, chunkBytes: chunkBytes)
                let whole = try scan(Array(text.utf8), boundary, lineEnds: lineEnds)
                #expect(pieces == whole, "\(text.debugDescription) in pieces of \(chunkBytes)")
            }
        }
    }

    @Test("a byte order mark is text only for bytes")
    func byteOrderMark() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([0xEF, 0xBB, 0xBF, 0x61])
        for (boundary, expected) in [(TextBoundary.byte, 4), (.character, 1), (.word, 1)] {
            #expect(try read(path, boundary, .ends).count == expected)
        }
    }

    @Test("words are counted and found, whatever their number and length")
    func wordTable() {
        var random = SplitMix()
        var table = WordTable()
        var counts: [String: UInt64] = [:]
        var order: [String] = []
        for _ in 0..<20_000 {
            let length = Int.random(in: 1..<20, using: &random)
            let number = Int.random(in: 0..<6, using: &random)
            let word = String(repeating: "é", count: length / 4) + String(number * length, radix: 2)
            if counts[word] == nil { order.append(word) }
            counts[word, default: 0] += 1
            let isCounted = Array(word.utf8).withUnsafeBytes { table.count($0) }
            #expect(isCounted)
        }
        for index in 0..<5_000 {
            table.insert("filler \(index)")
        }
        #expect(table.count == order.count + 5_000)
        for (index, word) in order.enumerated() {
            #expect(table.word(index) == word && table.occurrences(index) == counts[word])
            #expect(Array(word.utf8).withUnsafeBytes { table.find($0) } == Int32(index))
        }
        #expect(Array("absent".utf8).withUnsafeBytes { table.find($0) } == -1)
        #expect(Array("absent".utf8).withUnsafeBytes { WordTable().find($0) } == -1)
    }
}
