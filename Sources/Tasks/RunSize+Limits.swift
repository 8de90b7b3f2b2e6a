// Whether a run fits into the memory that is there.

import Configuration
import Platform

extension RunSize {
    /// The most rows times columns of an embedding: its first weights are drawn in pairs, numbered by 32 bits.
    static let embeddingElementsMax = 1 << 33

    /// Why a run of this size cannot be, in one line with the keys to lower; `nil` if it can.
    ///
    /// - Parameters:
    ///   - limits: what is there; of those that hold for all processes together, only what this machine has to hold
    ///     counts.
    ///   - startsWorkers: whether the workers run on this machine, too.
    public func problem(within limits: [MemoryLimit], startsWorkers: Bool) -> String? {
        if embeddingElements > Self.embeddingElementsMax {
            return "model.embedding: an embedding of \(embeddingElements) numbers; the limit is "
                + "\(Self.embeddingElementsMax): lower model.embedding or data.vocabulary"
        }
        if let stepTokens, stepTokens > RunConfiguration.stepTokensMax {
            return "training.batch: the longest lines make a step of \(stepTokens) tokens; the limit is "
                + "\(RunConfiguration.stepTokensMax): lower training.batch or training.sequence"
        }
        func excess(_ limit: MemoryLimit) -> Double {
            bytesNeeded(limit.source, startsWorkers: startsWorkers) / Double(max(1, limit.bytes))
        }
        guard let limit = limits.max(by: { excess($0) < excess($1) }), excess(limit) > 1 else { return nil }
        let needed = Self.text(bytesNeeded(limit.source, startsWorkers: startsWorkers))
        let whole =
            limit.source.isForEachProcess
            ? "the largest process takes \(needed) with what it shares" : "\(needed) in all"
        return "not enough memory: \(demand(startsWorkers: startsWorkers)), \(whole), but \(limit.phrase); "
            + "lower \(keysToLower(startsWorkers: startsWorkers))"
    }

    /// What a limit must allow.
    public func bytesNeeded(_ source: MemoryLimit.Source, startsWorkers: Bool) -> Double {
        guard source.isForEachProcess else {
            let others = startsWorkers ? Double(partitions - 1) * partitionServer.bytes : 0
            return server.bytes + others + (startsWorkers ? Double(workers) * worker.bytes : 0)
        }
        let base = source == .addressSpace ? Self.addressSpaceBytes : 0
        let processes = startsWorkers ? [server, partitionServer, worker] : [server]
        return processes.map {
            base + $0.bytes + (source == .addressSpace ? $0.reservedBytes : 0)
        }.max() ?? 0
    }

    /// Whether a worker of this size finds no room on its machine; one line.
    public func workerProblem(within limits: [MemoryLimit]) -> String? {
        for limit in limits {
            let base = limit.source == .addressSpace ? Self.addressSpaceBytes : 0
            let needed = base + worker.bytes
            guard needed > Double(limit.bytes) else { continue }
            return "not enough memory: a worker of this run needs \(Self.text(needed)), but \(limit.phrase)"
        }
        return nil
    }

    /// Libraries, stacks of threads and arenas of the allocator: what the address space of an idle process holds.
    private static let addressSpaceBytes = 280e6

    private func demand(startsWorkers: Bool) -> String {
        let model = "a model of \(parameters) parameters takes \(Self.text(server.bytes)) in the server"
        guard startsWorkers else { return model }
        return model + " and \(Self.text(worker.bytes)) in "
            + (workers == 1 ? "the worker" : "each of \(workers) workers")
    }

    /// The keys of what takes most.
    private func keysToLower(startsWorkers: Bool) -> String {
        let ofModel = "model.hidden, model.layers or model.embedding"
        if startsWorkers, worker.bytes > server.bytes, worker.bytes > 2 * workerModelBytes {
            return "training.batch or training.sequence, or \(ofModel)"
        }
        return startsWorkers && workers > 1 ? "\(ofModel), or --workers" : ofModel
    }

    /// "17.2 GB"
    public static func text(_ bytes: Double) -> String {
        let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)]
        let (unit, scale) = units.first { bytes >= $0.1 } ?? ("kB", 1e3)
        let tenths = (bytes / scale * 10).rounded()
        guard tenths < 1e15 else { return "over 1000000 TB" }
        let whole = Int(tenths) / 10
        return whole >= 100 || scale < 1e9 ? "\(whole) \(unit)" : "\(whole).\(Int(tenths) % 10) \(unit)"
    }
}

extension MemoryLimit {
    /// "this machine has 25.3 GB"
    public var phrase: String {
        let bytes = RunSize.text(Double(bytes))
        return switch source {
        case .machine: "this machine has \(bytes)"
        case .controlGroup: "the control group allows \(bytes)"
        case .addressSpace: "a process may have \(bytes) of address space (ulimit -v)"
        case .data: "a process may have \(bytes) of data (ulimit -d)"
        }
    }
}
