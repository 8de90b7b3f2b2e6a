// A child with a name and a log.

import Platform

/// A running `rondo-server` or `rondo-worker`, and where its log of this life begins.
final class ManagedChild {
    /// What it is called: "server", "worker-1".
    let name: String
    /// Its log, which earlier lives wrote to as well.
    let log: ChildLog
    private var process: ChildProcess

    /// Starts it. Behind the arguments come those that are handed over by descriptor.
    init(
        _ name: String, executable: String, arguments: [String], handing handOver: HandOver, logs: String
    ) throws(ProgramFailure) {
        self.name = name
        log = ChildLog(path: "\(logs)/\(name).log")
        do {
            process = try ChildProcess(
                executable: executable, arguments: arguments + handOver.arguments, inheriting: handOver.descriptors,
                log: log.path)
        } catch {
            throw ProgramFailure(.internalError, "\(error)")
        }
    }

    var identifier: Int { process.identifier }

    /// How it ended; `nil` while it runs.
    func poll() -> ChildEnd? { process.poll() }

    /// Asks it to end.
    func terminate() { process.terminate() }

    /// Ends it.
    func destroy() { process.destroy() }

    /// An end of its own with a code of ours, other than those that a restart could mend.
    static func verdict(_ end: ChildEnd) -> ExitStatus? {
        if case .exited(let code) = end { return ExitStatus(rawValue: Int32(clamping: code)) }
        return nil
    }
}
