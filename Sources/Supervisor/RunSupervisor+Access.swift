// How the user's own clients find a supervised run.

import Checkpoints
import Client
import Messaging

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension RunSupervisor {
    private var endpointFile: String { request.output + "/endpoint" }
    private var accessFile: String { request.output + "/" + RunAccess.fileName }

    /// Lets the user's own clients find the run: by its directory, and by the list of those that live. The endpoint
    /// alone comes last: whoever waits for it finds the rest in place.
    func publish(_ endpoint: Endpoint) throws(ProgramFailure) {
        let access = RunAccess(endpoint: endpoint, keys: keys.role(keys.client))
        do throws(CheckpointError) {
            try AtomicFile.write(Array(access.text.utf8), to: accessFile)
            // Of a shared run too.
            chmod(accessFile, 0o600)
            entry = LivingRuns.Entry(directory: request.output)
            try AtomicFile.write(Array("\(endpoint)\n".utf8), to: endpointFile)
        } catch {
            throw ProgramFailure(.internalError, "\(error)")
        }
    }

    /// Takes that back, unless another run has taken the directory over since.
    func withdrawEndpoint() {
        entry = nil
        guard let endpoint, let bytes = FileText.bytes(endpointFile), bytes.starts(with: "\(endpoint)\n".utf8)
        else { return }
        unlink(endpointFile)
        unlink(accessFile)
    }
}
