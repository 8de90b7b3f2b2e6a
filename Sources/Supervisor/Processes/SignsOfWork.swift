// Whether a process does anything.

import Platform

/// Looks at a process from outside, and tells one that works from one that hangs: by its processor time, and by the
/// bytes that it reads and writes.
struct SignsOfWork {
    /// A process that merely waits takes a few milliseconds of a second, and moves a few bytes.
    private static let processorShareMin = 0.1
    private static let bytesMin = 64 << 10
    private static let windowSeconds = 5.0

    private let process: Int
    private var lookedAt: Double
    private var processorSeconds: Double
    private var bytes: Int

    /// Begins to look at a process.
    init(of process: Int, now: Double) {
        self.process = process
        lookedAt = now
        (processorSeconds, bytes) = ProcessUsage.of(process) ?? (0, 0)
    }

    /// Whether it did something since the last look; `nil` before it is time to look again.
    mutating func look(now: Double) -> Bool? {
        let seconds = now - lookedAt
        guard seconds >= Self.windowSeconds else { return nil }
        // Where the system says nothing of processes, the time limit alone counts.
        guard let usage = ProcessUsage.of(process) else { return false }
        let isAtWork =
            usage.processorSeconds - processorSeconds > seconds * Self.processorShareMin
            || usage.bytes - bytes > Self.bytesMin
        (lookedAt, processorSeconds, bytes) = (now, usage.processorSeconds, usage.bytes)
        return isAtWork
    }
}

/// What a process has used so far.
enum ProcessUsage {
    /// Its processor time, and the bytes that it has read and written; `nil` where the system does not say.
    static func of(_ process: Int) -> (processorSeconds: Double, bytes: Int)? {
        guard let stat = FileText.bytes("/proc/\(process)/stat") else { return nil }
        // The name of the program may hold anything; what follows its last bracket does not.
        let fields = String(decoding: stat, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        let io = FileText.bytes("/proc/\(process)/io").map { String(decoding: $0, as: UTF8.self) } ?? ""
        let moved = io.split(separator: "\n").filter { $0.hasPrefix("rchar: ") || $0.hasPrefix("wchar: ") }
            .compactMap { Int($0.dropFirst("rchar: ".count)) }
        return ((user + system) / CurrentProcess.clockTicksPerSecond, moved.reduce(0, +))
    }
}
