// Lines of a file or of standard input, as they come.

import Platform
import Supervisor

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Reads whatever is there and hands out the whole lines of it: a reader at the other end of two pipes gets an answer
/// to each line without closing its end.
struct LineInput: ~Copyable {
    /// A line with its end, if it has one, and its number from 1.
    struct Line {
        var bytes: [UInt8]
        var number: Int
    }

    /// What errors call the input by.
    let name: String
    private let descriptor: Int32
    private var rest: [UInt8] = []
    /// How many bytes of `rest` are known to hold no line end.
    private var searched = 0
    private var isAtEnd = false
    private var lineCount = 0
    private static let linesMax = 256
    /// The longest line, in bytes: it is held in memory, its tokens and their scores beside it.
    private static let lineBytesMax = 64 << 20

    /// Opens a file or a pipe; `-`, or nothing, is standard input.
    init(_ path: String?) throws(ProgramFailure) {
        name = InputFile.name(path ?? "-")
        do {
            descriptor = try InputFile.open(path ?? "-", .stream)
        } catch {
            throw ProgramFailure(.badData, "\(error)")
        }
    }

    deinit { close(descriptor) }

    /// The next lines, at least one; `nil` at the end.
    mutating func next() throws(ProgramFailure) -> [Line]? {
        while true {
            let lines = takeLines()
            if !lines.isEmpty { return lines }
            if isAtEnd { return nil }
            guard rest.count <= Self.lineBytesMax else {
                throw ProgramFailure(
                    .badData,
                    "\(name):\(lineCount + 1): a line of more than \(Self.lineBytesMax >> 20) MiB; "
                        + "is this a text with line ends?")
            }
            try read()
        }
    }

    private mutating func takeLines() -> [Line] {
        var lines: [Line] = []
        var start = 0
        while lines.count < Self.linesMax, let end = rest[max(start, searched)...].firstIndex(of: 0x0A) {
            lineCount += 1
            lines.append(Line(bytes: Array(rest[start...end]), number: lineCount))
            start = end + 1
        }
        rest.removeFirst(start)
        searched = lines.isEmpty ? rest.count : 0
        if lines.isEmpty, isAtEnd, !rest.isEmpty {
            lineCount += 1
            lines = [Line(bytes: rest, number: lineCount)]
            (rest, searched) = ([], 0)
        }
        return lines
    }

    private mutating func read() throws(ProgramFailure) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        #if canImport(Glibc)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        #elseif canImport(Musl)
        let count = Musl.read(descriptor, &buffer, buffer.count)
        #else
        let count = Darwin.read(descriptor, &buffer, buffer.count)
        #endif
        if count < 0 {
            if errno == EINTR { return }
            throw ProgramFailure(.badData, "cannot read '\(name)': \(String(cString: strerror(errno)))")
        }
        if count == 0 { isAtEnd = true }
        rest += buffer[..<count]
    }
}
