// Descriptors 0 to 2, which a careless parent may have closed.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Standard input, output and error.
public enum StandardDescriptors {
    /// Takes the numbers 0 to 2 that are not open (`program >&-`), so that no file and no socket ever gets one of them
    /// and has messages written into it. Reading there finds the end at once; writing fails, and is so noticed.
    ///
    /// The first thing that a program does.
    public static func occupy() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // The lowest free number is this one: those below are open.
            _ = open("/dev/null", O_RDONLY)
        }
    }
}
