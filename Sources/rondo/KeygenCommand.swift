// rondo keygen: a pair of keys.

import ArgumentParser
import Supervisor

struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make a pair of keys for encrypted connections.",
        discussion: """
            Writes NAME.key, the secret key, readable by you alone, and NAME.pub, the public key, for others. A server \
            takes its own secret key (--key) and a list of the public keys that may come in (--allow, one a line); \
            workers and clients take their own secret key (--key) and the server's public key (--server-key).
            """)

    @Argument(help: ArgumentHelp("The files' name, perhaps with a directory in front.", valueName: "name"))
    var name: String

    mutating func run() throws {
        let key = try KeyFiles.generate(name: name)
        StandardOutput.report("\(name).key   secret: keep it to yourself\n\(name).pub   \(key)\n")
    }
}
