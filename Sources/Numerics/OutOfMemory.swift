// The end of a process that gets no more memory.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Ends the process when memory cannot be had.
enum OutOfMemory {
    /// EX_SOFTWARE: a failure of the program, as our exit codes have it.
    private static let exitCode: Int32 = 70

    /// One line on standard error, in the manner of our programs: `rondo-worker: out of memory: 268435456 bytes …`.
    static func end(_ byteCount: Int) -> Never {
        let path = CommandLine.arguments.first ?? "rondo"
        let name = path.split(separator: "/").last.map(String.init) ?? path
        var line =
            "\(name): out of memory: \(byteCount) bytes could not be had; lower model.hidden, model.layers, "
            + "training.batch or training.sequence, or raise the limit of memory (ulimit -v, the control group's)\n"
        _ = line.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(exitCode)
    }
}
