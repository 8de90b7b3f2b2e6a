// The names of folders on their way in or out: `.step-00001200.partial-4711`.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// A hidden name beside `base` that says what its folder is, and which process made it.
struct HiddenName: Equatable {
    enum Role: String, CaseIterable {
        /// Being written; worthless once its writer is dead.
        case partial
        /// The former `base`, until the new one is in its place.
        case replaced
        /// Being removed.
        case removed
    }

    var base: String
    var role: Role
    var processIdentifier = getpid()
    var serial = 0

    var text: String {
        ".\(base).\(role.rawValue)-\(processIdentifier)" + (serial == 0 ? "" : "-\(serial)")
    }

    init(base: String, role: Role, serial: Int = 0) {
        self.base = base
        self.role = role
        self.serial = serial
    }

    /// Reads a name back; nil for every other name.
    init?(_ text: String) {
        guard text.hasPrefix("."), let dot = text.lastIndex(of: "."), dot != text.startIndex else { return nil }
        let parts = text[text.index(after: dot)...].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, let role = Role(rawValue: String(parts[0])),
            let processIdentifier = Int32(parts[1]), let serial = parts.count == 3 ? Int(parts[2]) : 0
        else { return nil }
        self.init(base: String(text[text.index(after: text.startIndex)..<dot]), role: role, serial: serial)
        self.processIdentifier = processIdentifier
        guard self.text == text else { return nil }
    }

    /// The first name of this kind in `parent` that is not taken.
    static func free(base: String, role: Role, in parent: String) -> String {
        var serial = 0
        while true {
            let path = Paths.join(parent, HiddenName(base: base, role: role, serial: serial).text)
            if Paths.kind(path) == nil { return path }
            serial += 1
        }
    }

    /// The folder that a writer moved aside and was killed before it had put another at `parent/base`.
    static func aside(base: String, in parent: String) throws(CheckpointError) -> String? {
        let entry = try Paths.entries(parent).first { entry in
            HiddenName(entry).map { $0.base == base && $0.role == .replaced } ?? false
        }
        return entry.map { Paths.join(parent, $0) }
    }

    /// Whether this process made the name, or an earlier one of the same number.
    var isOurs: Bool { processIdentifier == getpid() }

    /// Whether the process that made the name is gone, as far as this machine can tell.
    var ownerIsGone: Bool { kill(processIdentifier, 0) != 0 && errno == ESRCH }
}
