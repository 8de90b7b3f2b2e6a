// Advice on a text that is not where the configuration says.

import Corpora
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension RunRequest {
    /// What to do about a text that cannot be read, to be put behind the error; empty if nothing is known.
    ///
    /// Paths are taken from the working directory, not from where the configuration lies: users expect either.
    func hint(_ error: any Error) -> String {
        guard case CorpusError.file(let path, "read", code: ENOENT) = error, !path.hasPrefix("/"),
            let slash = configurationPath?.lastIndex(of: "/"), let folder = configurationPath?[...slash]
        else { return "" }
        let besideConfiguration = folder + path
        guard access(String(besideConfiguration), R_OK) == 0 else { return "" }
        return "; it lies beside the configuration, but paths are taken from the working directory: "
            + "write '\(ForeignText.shown(String(besideConfiguration)))'"
    }
}
