// Reading a ledger line by line, whatever is in the file.

import Foundation

/// A line as it was found.
struct FoundLine {
    /// Counted from 1.
    var number: Int
    var digest: LineDigest
    var content: Result<LedgerLine, LedgerLineError>
}

/// Reads ledgers.
enum LedgerReader {
    private static let pieceBytes = 1 << 20

    /// Hands over all lines in order. A part of a line at the end of the file counts as a line. Empty lines are
    /// counted, and passed over.
    ///
    /// - Throws: `LedgerError.missing`, or `.unreadable` if the system refuses.
    static func read(_ path: String, _ body: (FoundLine) -> Void) throws(LedgerError) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            guard FileManager.default.fileExists(atPath: path) else { throw .missing(path: path) }
            throw .unreadable(path: path, reason: "not permitted, or not a file")
        }
        defer { try? file.close() }
        var lines = LineSplitter()
        while true {
            let piece: Data?
            do {
                piece = try file.read(upToCount: pieceBytes)
            } catch {
                throw .unreadable(path: path, reason: "\(error.localizedDescription)")
            }
            guard let piece, !piece.isEmpty else { break }
            lines.take([UInt8](piece), body)
        }
        lines.end(body)
    }

    /// What the next line of a file has to follow.
    static func end(ofFile path: String) throws(LedgerError) -> (previous: LineDigest, isLineEnded: Bool) {
        guard let file = FileHandle(forReadingAtPath: path) else { throw .missing(path: path) }
        defer { try? file.close() }
        do {
            let size = try file.seekToEnd()
            guard size > 0 else { return (.none, true) }
            // The last line that makes sense is near the end; how near, nobody has promised.
            var length = min(size, UInt64(pieceBytes))
            while true {
                try file.seek(toOffset: size - length)
                let bytes = [UInt8](try file.read(upToCount: Int(length)) ?? Data())
                let isLineEnded = bytes.last == UInt8(ascii: "\n")
                var lines = bytes.split(separator: UInt8(ascii: "\n"))[...]
                if length < size { lines = lines.dropFirst() }
                if let last = lines.last(where: { (try? LedgerLine.decode($0)) != nil }) {
                    return (LineDigest(of: last), isLineEnded)
                }
                if length == size { return (.none, isLineEnded) }
                length = min(size, length * 8)
            }
        } catch {
            throw .unreadable(path: path, reason: "\(error.localizedDescription)")
        }
    }
}

/// Cuts a sequence of pieces into lines.
private struct LineSplitter {
    private var rest: [UInt8] = []
    private var number = 0

    mutating func take(_ piece: [UInt8], _ body: (FoundLine) -> Void) {
        var start = piece.startIndex
        while let end = piece[start...].firstIndex(of: UInt8(ascii: "\n")) {
            emit(rest.isEmpty ? piece[start..<end] : ArraySlice(rest + piece[start..<end]), body)
            rest.removeAll(keepingCapacity: true)
            start = end + 1
        }
        // Of a line that is far too long the beginning is enough to refuse it.
        if rest.count <= LedgerLimits.lineBytesMax { rest += piece[start...] }
    }

    mutating func end(_ body: (FoundLine) -> Void) { if !rest.isEmpty { emit(rest[...], body) } }

    private mutating func emit(_ line: ArraySlice<UInt8>, _ body: (FoundLine) -> Void) {
        number += 1
        guard !line.isEmpty else { return }
        let content: Result<LedgerLine, LedgerLineError>
        do throws(LedgerLineError) {
            content = .success(try LedgerLine.decode(line))
        } catch {
            content = .failure(error)
        }
        body(FoundLine(number: number, digest: LineDigest(of: line), content: content))
    }
}
