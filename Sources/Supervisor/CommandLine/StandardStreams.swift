// Standard output and standard error without buffers between.

import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The reader of our output has gone (`| head`): there is nothing left to do, and nothing to complain about.
public struct OutputClosed: Error {
    /// The fact.
    public init() {}
}

/// Standard output: results, and nothing else.
public enum StandardOutput {
    /// Writes text at once.
    ///
    /// - Throws: `OutputClosed` when nobody reads any more; `ProgramFailure` when it cannot be written.
    public static func write(_ text: String) throws {
        var text = text
        try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
    }

    /// Writes a line at once.
    public static func line(_ text: String) throws { try write(text + "\n") }

    /// Writes text that tells of work which is done in any case: a stream that cannot be written makes no failure of
    /// it, and is only mentioned.
    public static func report(_ text: String, program: String = "rondo") {
        do {
            try write(text)
        } catch let failure as ProgramFailure {
            StandardError.line("\(program): \(failure.line)")
        } catch {
            // The reader has gone, and does not want to know.
        }
    }

    /// Writes bytes at once.
    public static func write(_ bytes: UnsafeRawBufferPointer) throws {
        switch writeAll(bytes, to: STDOUT_FILENO) {
        case 0: return
        case EPIPE: throw OutputClosed()
        case let code:
            throw ProgramFailure(
                .storage, "standard output cannot be written: \(String(cString: strerror(code)))")
        }
    }
}

/// Standard error: messages to people.
public enum StandardError {
    /// Writes text at once; what cannot be written is lost.
    public static func write(_ text: String) {
        var text = text
        _ = text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: STDERR_FILENO) }
    }

    /// Writes a line at once, or several; what they quote of others reaches no terminal raw.
    public static func line(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            write(ForeignText.shown(String(line), bytesMax: lineBytesMax) + "\n")
        }
    }

    /// The limit of a line, in bytes.
    private static let lineBytesMax = 4000
}

/// - Returns: 0, or the `errno`.
private func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var rest = bytes[...]
    while let start = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
        let written = write(descriptor, start, rest.count)
        if written < 0 {
            if errno == EINTR { continue }
            if errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&ready, 1, 1000)
                continue
            }
            return errno
        }
        rest = rest.dropFirst(written)
    }
    return 0
}
