// Reading a ledger line by line, whatever is in the file.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

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
        let file = try open(path)
        var lines = LineSplitter()
        var offset = 0
        while case let piece = try file.bytes(from: offset, count: pieceBytes), !piece.isEmpty {
            lines.take(piece, body)
            offset += piece.count
        }
        lines.end(body)
    }

    /// What the next line of a file has to follow.
    static func end(ofFile path: String) throws(LedgerError) -> (previous: LineDigest, isLineEnded: Bool) {
        let file = try open(path)
        let size = try file.size()
        guard size > 0 else { return (.none, true) }
        // The last line that makes sense is near the end; how near is not known.
        var length = min(size, pieceBytes)
        while true {
            let bytes = try file.bytes(from: size - length, count: length)
            let isLineEnded = bytes.last == UInt8(ascii: "\n")
            var lines = bytes.split(separator: UInt8(ascii: "\n"))[...]
            if length < size { lines = lines.dropFirst() }
            if let last = lines.last(where: { (try? LedgerLine.decode($0)) != nil }) {
                return (LineDigest(of: last), isLineEnded)
            }
            if length == size { return (.none, isLineEnded) }
            length = min(size, length * 8)
        }
    }

    private static func open(_ path: String) throws(LedgerError) -> LedgerInput {
        do {
            return LedgerInput(path: path, descriptor: try InputFile.open(path, .regular))
        } catch {
            if case .system(_, code: ENOENT) = error { throw .missing(path: path) }
            throw .unreadable(path: path, reason: error.reason)
        }
    }
}

/// A ledger, open for reading.
private struct LedgerInput: ~Copyable {
    let path: String
    let descriptor: Int32

    deinit { close(descriptor) }

    func size() throws(LedgerError) -> Int {
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0 else { throw failure }
        return Int(size)
    }

    /// The bytes from a place on; fewer than `count` at the end of the file alone.
    func bytes(from offset: Int, count: Int) throws(LedgerError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
            }
            if read == 0 { break }
            guard read > 0 else {
                if errno == EINTR { continue }
                throw failure
            }
            filled += read
        }
        return filled == count ? bytes : Array(bytes[..<filled])
    }

    private var failure: LedgerError { .unreadable(path: path, reason: String(cString: strerror(errno))) }
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
