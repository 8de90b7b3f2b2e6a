// The outermost frame of an executable: arguments in, one exit code and at most one line of complaint out.

import ArgumentParser
import Numerics
import Platform
import Tasks

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An executable of ours.
///
///     Program("rondo-worker").run(WorkerCommand.self) { error in … }
public struct Program: Sendable {
    /// The name that stands before its messages.
    public let name: String

    /// The executable of this name.
    public init(_ name: String) { self.name = name }

    /// Parses the arguments, runs the command they name, and ends the process. `--version` alone shows the version.
    ///
    /// - Parameter status: the exit code for an error of the command that is no `ProgramFailure`.
    public func run<Command: ParsableCommand>(
        _ command: Command.Type, status: (any Error) -> ExitStatus
    ) -> Never {
        StandardDescriptors.occupy()
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        FilePrivacy.begin()
        do {
            // Not the parser's own flag: that would take `--version N` from the commands that have such an option.
            let asksForVersion = CommandLine.arguments.dropFirst() == ["--version"]
            let arguments = RawArguments.texts()
            try RawArguments.requireText(arguments)
            var parsed = asksForVersion ? nil : try command.parseAsRoot(arguments)
            if let problem = InstructionSet.problemWithEnvironment() { throw ProgramFailure(.usage, problem) }
            if asksForVersion { try StandardOutput.line("\(name) \(RunRecord.libraryVersion)") }
            try parsed?.run()
            exit(ExitStatus.done.rawValue)
        } catch is OutputClosed {
            exit(ExitStatus.done.rawValue)
        } catch let status as ExitStatus {
            exit(status.rawValue)
        } catch let failure as ProgramFailure {
            end(failure)
        } catch {
            endParsing(command, error, status)
        }
    }

    /// Says one line and ends the process.
    public func end(_ failure: ProgramFailure) -> Never {
        for line in failure.lines { StandardError.line("\(name): \(line)") }
        for detail in failure.details { StandardError.line("  " + detail) }
        exit(failure.status.rawValue)
    }

    /// Ends with an error that is the argument parser's, or the command's own.
    private func endParsing<Command: ParsableCommand>(
        _ command: Command.Type, _ error: any Error, _ status: (any Error) -> ExitStatus
    ) -> Never {
        let code = command.exitCode(for: error)
        let message = command.message(for: error)
        if code == .success {
            // Help, or a version.
            try? StandardOutput.line(command.fullMessage(for: error))
            exit(ExitStatus.done.rawValue)
        }
        guard code == .validationFailure else { end(ProgramFailure(status(error), "\(error)")) }
        end(ProgramFailure(.usage, message + hint(command.fullMessage(for: error))))
    }

    /// "; see 'rondo sample --help'", if the parser says where to look.
    private func hint(_ text: String) -> String {
        guard let line = text.split(separator: "\n").last(where: { $0.contains("See '") }),
            let start = line.range(of: "See '"), let end = line[start.upperBound...].firstIndex(of: "'")
        else { return "; see '\(name) --help'" }
        return "; see '\(line[start.upperBound..<end])'"
    }
}

/// Lets the signals that ask for the end, Ctrl-C above all, end a program at once with the code of an interruption: for
/// those that need not put anything in order, and for as long as there is nothing to put in order.
public enum Interruption {
    /// From now on, until `TerminationSignal.install()`. A SIGHUP that is ignored stays so.
    public static func endsProgram() {
        var ending = sigset_t()
        sigemptyset(&ending)
        for number in TerminationSignal.all {
            sigaddset(&ending, number)
            let before = signal(number) { _ in _exit(ExitStatus.interrupted.rawValue) }
            let isIgnored = unsafeBitCast(before, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
            if number == SIGHUP, isIgnored { signal(number, SIG_IGN) }
        }
        // A parent may have started us from a thread that blocks signals; masks are inherited.
        pthread_sigmask(SIG_UNBLOCK, &ending, nil)
    }
}
