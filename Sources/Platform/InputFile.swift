// A file that a user named, opened so that nothing it may turn out to be can hang or flood the program.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Why a file cannot be taken as input.
public enum InputFileError: Error, Equatable, CustomStringConvertible {
    /// The system refused: the path, and `errno`.
    case system(path: String, code: Int32)
    /// It is something else than the use needs: "a directory", "a pipe", "a device".
    case kind(path: String, is: String, expected: String)
    /// It is larger than the use allows, in bytes.
    case size(path: String, bytesMax: Int)

    /// One line for the user.
    public var description: String {
        let path =
            switch self {
            case .system(let path, _), .kind(let path, _, _), .size(let path, _): path
            }
        return "cannot read '\(InputFile.name(path))': \(reason)"
    }

    /// The reason alone.
    public var reason: String {
        switch self {
        case .system(let path, let code):
            String(cString: strerror(code)) + (code == ENOENT ? Self.hint(missing: path) : "")
        case .kind(_, let kind, let expected): "it is \(kind), expected \(expected)"
        case .size(_, let bytesMax): "larger than \(bytesMax) bytes"
        }
    }

    /// The reason alone, of errors of this kind; other errors in their own words.
    public static func reason(of error: any Error) -> String { (error as? InputFileError)?.reason ?? "\(error)" }

    /// Shells expand `~`, but not within a configuration or behind `=`.
    private static func hint(missing path: String) -> String {
        guard path == "~" || path.hasPrefix("~/") else { return "" }
        guard let home = getenv("HOME").map({ String(cString: $0) }), !home.isEmpty else {
            return "; ~ is not expanded here, write the whole path"
        }
        return "; ~ is not expanded here, write '\(ForeignText.shown(home + path.dropFirst()))'"
    }
}

/// Opening of files that a user or a peer named.
///
/// Where a stream can serve, `-` is standard input. `/dev/stdin` and `/dev/fd/3` are the descriptors themselves, not
/// opened anew: what was read from them before is not read twice.
public enum InputFile {
    /// What messages call a path by.
    public static func name(_ path: String) -> String {
        path == "-" ? "standard input" : ForeignText.shown(path)
    }

    /// What a use can read.
    public enum Kind: Sendable {
        /// A regular file: read more than once, at any place, or mapped.
        case regular
        /// A regular file, or a pipe, a socket or a terminal: read once, from its beginning to its end.
        case stream

        fileprivate var expected: String { self == .regular ? "a regular file" : "a file or a pipe" }
    }

    /// Opens a file for reading, never waiting for a writer of a named pipe that nobody opened.
    ///
    /// - Returns: A descriptor that the caller closes; children do not inherit it.
    public static func open(_ path: String, _ kind: Kind) throws(InputFileError) -> Int32 {
        if path == "-", kind == .regular { throw .kind(path: path, is: "a stream", expected: "a regular file") }
        let inherited = inherited(path, kind)
        var descriptor: Int32
        repeat {
            descriptor = inherited.map { fcntl($0, F_DUPFD_CLOEXEC, 3) } ?? openFile(path)
        } while descriptor == -1 && errno == EINTR
        var status = stat()
        guard descriptor >= 0 else {
            let code = errno
            // A socket cannot be opened, and the system's words for that explain nothing.
            guard code == ENXIO, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else {
                throw .system(path: path, code: code)
            }
            throw .kind(path: path, is: "a socket", expected: kind.expected)
        }
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(path: path, code: code)
        }
        let type = status.st_mode & S_IFMT
        // What cron and nohup give as standard input is an empty stream.
        let isStream = type == S_IFIFO || type == S_IFSOCK || isTerminal(descriptor) || isNullDevice(status)
        let isOfKernel = type == S_IFREG && KernelFiles.hold(descriptor)
        let isFit = type == S_IFREG && !isOfKernel || kind == .stream && isStream
        guard isFit else {
            close(descriptor)
            let found = isOfKernel ? "made up by the kernel" : name(of: type)
            throw .kind(path: path, is: found, expected: kind.expected)
        }
        // Reads of a stream wait for its writer.
        if type != S_IFREG { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK) }
        if type == S_IFIFO && inherited == nil {
            do throws(InputFileError) {
                try awaitWriter(descriptor, path)
            } catch {
                close(descriptor)
                throw error
            }
        }
        return descriptor
    }

    /// All bytes of a file or stream that is at most so long.
    public static func contents(
        _ path: String, _ kind: Kind = .stream, bytesMax: Int
    ) throws(InputFileError) -> [UInt8] {
        let descriptor = try open(path, kind)
        defer { close(descriptor) }
        return try contents(of: descriptor, path, bytesMax: bytesMax)
    }

    /// All bytes from an open descriptor's place on, at most so many; the path is for errors.
    public static func contents(
        of descriptor: Int32, _ path: String, bytesMax: Int
    ) throws(InputFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = readFile(descriptor, &buffer, buffer.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .system(path: path, code: errno)
            }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else { throw .size(path: path, bytesMax: bytesMax) }
        }
    }

    /// Whether a path names a descriptor of this process, under which another process finds something else.
    public static func isDescriptor(_ path: String) -> Bool { inherited(path, .stream) != nil }

    /// The descriptor of this process that a path names.
    private static func inherited(_ path: String, _ kind: Kind) -> Int32? {
        if path == "-" { return kind == .stream ? STDIN_FILENO : nil }
        if path == "/dev/stdin" { return STDIN_FILENO }
        for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) {
            return Int32(path.dropFirst(folder.count))
        }
        return nil
    }

    /// A read of a named pipe that nobody has opened for writing would return at once, as at the end of a file.
    private static func awaitWriter(_ descriptor: Int32, _ path: String) throws(InputFileError) {
        var pipe = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&pipe, 1, -1) < 0 {
            guard errno == EINTR, TerminationSignal.received == nil else { throw .system(path: path, code: errno) }
        }
    }

    private static func isNullDevice(_ status: stat) -> Bool {
        var null = stat()
        return status.st_mode & S_IFMT == S_IFCHR && stat("/dev/null", &null) == 0 && null.st_rdev == status.st_rdev
    }

    private static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    private static func name(of type: mode_t) -> String {
        switch type {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        case S_IFCHR, S_IFBLK: "a device"
        default: "no regular file"
        }
    }
}

private func openFile(_ path: String) -> Int32 { open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) }

private func readFile(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
