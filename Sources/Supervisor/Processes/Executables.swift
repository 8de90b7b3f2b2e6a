// Where our executables are.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The executables that belong to the one that runs.
public enum Executables {
    /// The folder of the running executable.
    public static func folder() -> String {
        let path = FileText.linkTarget("/proc/self/exe") ?? CommandLine.arguments[0]
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The path of one of them.
    ///
    /// - Throws: `ProgramFailure` if it is not there.
    static func path(_ name: String, in folder: String) throws(ProgramFailure) -> String {
        let path = "\(folder)/\(name)"
        guard access(path, X_OK) == 0 else {
            guard access(path, F_OK) != 0 else {
                throw ProgramFailure(.internalError, "\(path) cannot be executed: 'chmod +x \(path)'")
            }
            throw ProgramFailure(.internalError, "\(path) is missing; build it, or install it beside 'rondo'")
        }
        return path
    }

    /// As many workers as a machine can use, and two where it can.
    public static var defaultWorkers: Int { max(1, min(2, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))) }
}
