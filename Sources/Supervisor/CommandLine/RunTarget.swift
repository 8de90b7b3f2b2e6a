// Which run a command is about.

import ArgumentParser
import Checkpoints
import Client
import Messaging
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a run's server is, and how to be let in.
public struct RunAddress: Sendable, Equatable {
    /// Where the server listens.
    public var endpoint: Endpoint
    /// The client's part in encryption; `nil` for none.
    public var keys: CurveRole?
    /// The run's directory, if it is on this machine and known.
    public var directory: String?

    /// Finds a run by what the user typed: an endpoint, a run's directory, or nothing for the only one that lives.
    ///
    /// Keys that were given on the command line are used; otherwise those of a run of this user on this machine.
    ///
    /// - Throws: `ProgramFailure` when no run is meant clearly; `ClientError.invalidEndpoint`.
    public static func find(_ typed: String?, keys: ClientKeyOptions) throws -> RunAddress {
        var address = try find(typed, isPlain: keys.isGiven)
        if let role = try keys.role() { address.keys = role }
        return address
    }

    private static func find(_ typed: String?, isPlain: Bool) throws -> RunAddress {
        guard let typed else { return try onlyRun() }
        if typed.contains("://") {
            let endpoint = try Endpoint(typed: typed)
            let run = isPlain ? nil : LivingRuns.run(at: endpoint)
            return RunAddress(endpoint: endpoint, keys: run?.access.keys, directory: run?.directory)
        }
        var status = stat()
        guard stat(typed, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ProgramFailure(
                .usage,
                "'\(ForeignText.shown(typed))' is neither a run's directory nor an endpoint; "
                    + "expected something like runs/NAME or tcp://127.0.0.1:5555")
        }
        do {
            if let access = try RunAccess.read(inDirectory: typed) {
                return RunAddress(endpoint: access.endpoint, keys: access.keys, directory: typed)
            }
        } catch {
            throw ProgramFailure(.unreachable, "\(error); a run is its owner's alone")
        }
        // A server that was started by hand may have been told to leave its endpoint there.
        if let bytes = try? InputFile.contents("\(typed)/endpoint", .regular, bytesMax: 4096) {
            let text = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
            return RunAddress(endpoint: try Endpoint(typed: String(text)), directory: typed)
        }
        throw ProgramFailure(
            .unreachable,
            "\(ForeignText.shown(typed)): no run is being trained there; of a server that was started by hand, give "
                + "the endpoint")
    }

    private static func onlyRun() throws -> RunAddress {
        let runs = LivingRuns.all()
        switch runs.count {
        case 0:
            throw ProgramFailure(
                .unreachable, "you are training no run on this machine; give a run's directory or a server's endpoint")
        case 1:
            let access = runs[0].access
            return RunAddress(endpoint: access.endpoint, keys: access.keys, directory: runs[0].directory)
        default:
            let list = runs.map { "\(ForeignText.shown($0.directory)) (\($0.access.endpoint))" }
            throw ProgramFailure(
                .usage,
                "you are training \(runs.count) runs on this machine; name one of \(list.joined(separator: ", "))")
        }
    }
}

/// The argument that names a run, and the options of keys.
public struct RunTarget: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "A run's directory, or its server's endpoint such as tcp://127.0.0.1:5555. (default: the only run that "
                + "you are training on this machine)", valueName: "run"))
    var run: String?

    @OptionGroup var keys: ClientKeyOptions

    /// Options that the parser fills in.
    public init() {}

    /// Where the run's server is.
    ///
    /// - Throws: `ProgramFailure` when no run is meant clearly; `ClientError.invalidEndpoint`.
    public func address() throws -> RunAddress { try RunAddress.find(run, keys: keys) }

    /// How the run ended, if its directory was named and has that on record.
    public var ending: RunEnding? {
        guard let run, !run.contains("://") else { return nil }
        return RunEnding(inDirectory: run)
    }
}
