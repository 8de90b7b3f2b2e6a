// Lines of a file or of standard input, as they come.

import Inference
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
    /// A line without its end, and its number from 1.
    struct Line {
        var bytes: [UInt8]
        var number: Int
    }

    /// What errors call the input by.
    let name: String
    private let descriptor: Int32
    private var rest: [UInt8] = []
    private var isAtEnd = false
    private var lineCount = 0
    private static let linesMax = 256

    /// Opens a file, or standard input.
    init(_ path: String?) throws(ProgramFailure) {
        name = path ?? "standard input"
        descriptor = path.map { open($0, O_RDONLY | O_CLOEXEC) } ?? STDIN_FILENO
        guard descriptor >= 0 else {
            throw ProgramFailure(.badData, "cannot read '\(name)': \(String(cString: strerror(errno)))")
        }
    }

    deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

    /// The next lines, at least one; `nil` at the end.
    mutating func next() throws(ProgramFailure) -> [Line]? {
        while true {
            let lines = takeLines()
            if !lines.isEmpty { return lines }
            if isAtEnd { return nil }
            try read()
        }
    }

    private mutating func takeLines() -> [Line] {
        var lines: [Line] = []
        var start = 0
        while lines.count < Self.linesMax, let end = rest[start...].firstIndex(of: 0x0A) {
            lineCount += 1
            lines.append(Line(bytes: LoadedModel.withoutLineEnd(Array(rest[start...end])), number: lineCount))
            start = end + 1
        }
        rest.removeFirst(start)
        if lines.isEmpty, isAtEnd, !rest.isEmpty {
            lineCount += 1
            lines = [Line(bytes: rest, number: lineCount)]
            rest = []
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
