// rondo init: a first configuration for a text.

import ArgumentParser
import Configuration
import Corpora
import Platform
import Preflight
import Supervisor

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Write a commented configuration for a text, ready for 'rondo train'.",
        discussion: "The text is looked at: how long it is, its symbols, how long its lines are.")

    @Argument(help: ArgumentHelp("The text to learn from.", valueName: "text"))
    var text: String

    @Option(
        help: ArgumentHelp(
            "Where to write it; - for standard output. (default: the text's name with .yaml)", valueName: "file"))
    var output: String?

    mutating func run() throws {
        Interruption.endsProgram()
        guard !InputFile.isDescriptor(text) else {
            throw ProgramFailure(
                .badData,
                "'\(InputFile.name(text))' is a stream, and a configuration names a text that is read later; "
                    + "write it into a file first (cat > FILE), and name that")
        }
        let starter: StarterConfiguration
        do {
            starter = try StarterConfiguration(text: text)
        } catch {
            throw ProgramFailure(.badData, "\(error)")
        }
        let path = output ?? TrainingRequest.defaultName(text) + ".yaml"
        if path == "-" { return try StandardOutput.write(starter.yaml) }
        try write(starter.yaml, to: path)
        try StandardOutput.write(
            """
            \(path)  \(starter.summary)
            next  rondo check \(path)
                  rondo train \(path)

            """)
    }

    /// Never in place of a file that is there.
    private func write(_ yaml: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            let reason =
                errno == EEXIST
                ? "is there already; choose another --output, or remove it" : String(cString: strerror(errno))
            throw ProgramFailure(.usage, "\(path): \(reason)")
        }
        defer { close(descriptor) }
        var bytes = Array(yaml.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { writeFile(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 || errno == EINTR else {
                let reason = String(cString: strerror(errno))
                unlink(path)
                throw ProgramFailure(.storage, "\(path): cannot be written: \(reason)")
            }
            bytes = bytes.dropFirst(max(0, written))
        }
    }
}

private func writeFile(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
