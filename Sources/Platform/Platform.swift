// What the operating system gives to a process: time, its own size, signals, children.
//
// Everything here is at the edge: the modules below the shells take times and requests as arguments.

import CPlatform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A clock that never goes back.
public enum MonotonicClock {
    /// Seconds since some fixed moment before the start of the process.
    public static var seconds: Double {
        if let machine = StandIn.current { return Double(machine.nanoseconds) * 1e-9 }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Nanoseconds since the same moment.
    public static var nanoseconds: UInt64 {
        if let machine = StandIn.current { return machine.nanoseconds }
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Lets the thread rest.
    public static func sleep(seconds: Double) {
        if let machine = StandIn.current { return machine.sleep(seconds: seconds) }
        var left = timespec(tv_sec: Int(seconds), tv_nsec: Int((seconds - Double(Int(seconds))) * 1e9))
        var rest = timespec()
        while nanosleep(&left, &rest) == -1 && errno == EINTR { left = rest }
    }
}

/// The process that is running.
public enum CurrentProcess {
    /// Its number.
    public static var identifier: Int { StandIn.current?.identifier ?? Int(getpid()) }

    /// The name of the machine.
    public static var hostName: String {
        if let machine = StandIn.current { return machine.hostName }
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Seconds that all of its threads have spent on processors.
    public static var processorSeconds: Double {
        if let machine = StandIn.current { return Double(machine.nanoseconds) * 1e-9 }
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The unit of processor times that the system tells of other processes.
    public static var clockTicksPerSecond: Double { Double(max(1, sysconf(Int32(_SC_CLK_TCK)))) }

    /// Bytes of physical memory in use; 0 where it cannot be read.
    public static var residentBytes: Int { memoryPages().resident * Int(sysconf(Int32(_SC_PAGESIZE))) }

    /// Bytes of physical memory that belong to this process alone: without mapped files, and without memory that it
    /// shares with others. 0 where it cannot be read.
    public static var privateBytes: Int {
        let pages = memoryPages()
        return (pages.resident - pages.shared) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Gives memory that was freed back to the operating system.
    public static func trimMemory() { rondo_trim_memory() }

    /// Raises the number of files and connections that the process may have open to what the system allows it.
    ///
    /// - Returns: that number.
    @discardableResult
    public static func raiseOpenFilesMax() -> Int {
        Int(rondo_raise_open_files(1 << 16))
    }

    private static func memoryPages() -> (resident: Int, shared: Int) {
        if StandIn.current != nil { return (256, 0) }
        guard let file = fopen("/proc/self/statm", "r") else { return (0, 0) }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard fgets(&text, Int32(text.count), file) != nil else { return (0, 0) }
        let fields = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self).split(
            separator: " "
        ).map { Int($0) ?? 0 }
        return fields.count > 2 ? (fields[1], fields[2]) : (0, 0)
    }

    /// Whether the file descriptor is a terminal.
    public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// The columns of the terminal at standard error; 80 where there is none.
    public static var terminalColumns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
