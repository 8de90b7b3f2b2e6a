// A text file as the tokens of a model.

import Configuration
import Corpora

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reading of text files, line by line.
enum TextFile {
    /// Where temporary files go.
    static var temporaryDirectory: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

    /// Whether a file begins as prepared token files do.
    static func startsAsTokenFile(_ path: String) -> Bool {
        guard let file = fopen(path, "r") else { return false }
        defer { fclose(file) }
        var start = [UInt8](repeating: 0, count: 8)
        return fread(&start, 1, 8, file) == 8 && start == Array("RONDOTOK".utf8)
    }

    /// Hands over the lines of a file, with the line end if there is one.
    static func forEachLine(
        _ path: String, _ body: (_ line: [UInt8], _ number: Int) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        guard let file = fopen(path, "r") else {
            throw .data("cannot read '\(path)': \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var memory: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(memory) }
        var number = 0
        errno = 0
        while case let length = getline(&memory, &capacity, file), length > 0, let memory {
            number += 1
            try body(Array(UnsafeRawBufferPointer(start: memory, count: length)), number)
        }
        guard ferror(file) == 0 else { throw .data("cannot read '\(path)': \(String(cString: strerror(errno)))") }
    }
}

extension LoadedModel {
    /// The tokens of a text file, and the lengths of its lines where they are sequences of their own: what a run makes
    /// of its text. Lines without tokens are left out there.
    func encode(file path: String) throws(InferenceError) -> (tokens: [Int32], lines: [Int]) {
        var tokens: [Int32] = []
        var lines: [Int] = []
        var endsUnfinished = false
        try TextFile.forEachLine(path) { (line, number) throws(InferenceError) in
            var line = line
            endsUnfinished = line.last != newline
            if number == 1, tokenizer.kind != .bytes, line.starts(with: byteOrderMark) { line.removeFirst(3) }
            // In a stream the line end is a symbol, for words `<eos>`: it is encoded with the rest.
            if readsSequences { line = Self.withoutLineEnd(line) }
            do {
                let encoded = try encode(line: line)
                tokens += encoded
                if readsSequences, !encoded.isEmpty { lines.append(encoded.count) }
            } catch {
                throw .data("\(path):\(number): \(error)")
            }
        }
        if !readsSequences, tokenizer.kind == .words, endsUnfinished, let end = tokenizer.endOfSequence,
            tokens.last != end
        {
            tokens.append(end)
        }
        return (tokens, lines)
    }

    /// The line without `\n` or `\r\n`.
    public static func withoutLineEnd(_ line: [UInt8]) -> [UInt8] {
        guard line.last == newline else { return line }
        let isPair = line.count > 1 && line[line.count - 2] == carriageReturn
        return Array(line.dropLast(isPair ? 2 : 1))
    }
}

private let newline: UInt8 = 0x0A
private let carriageReturn: UInt8 = 0x0D
private let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
