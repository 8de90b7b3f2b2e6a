// The checks before every start: all problems at once, none of them slow.

import Configuration
import Corpora
import Platform
import Server
import Tasks

/// Looks for everything that is known to go wrong before a run is started.
public enum RequestCheck {
    /// What is read of a text before every start: a short one to its end, of a longer one the beginning.
    static let textBytes = 1 << 20
    /// Descriptors of a process besides those for its peers.
    private static let descriptorsOfProcess = 64
    /// Descriptors for a worker at a server: two connections and the memory that it shares, twice while it comes anew.
    private static let descriptorsOfWorker = 8

    /// All findings, problems first.
    ///
    /// - Parameters:
    ///   - text: what is known of the training text; without it the beginning is read here.
    ///   - limits: the memory that there is.
    public static func findings(
        _ request: RunRequest, text: TextInspection? = nil, limits: [MemoryLimit] = MemoryLimits.current
    ) -> [Finding] {
        var findings: [Finding] = []
        var known = text
        let hasPreparedData = request.resumes && RunDirectoryState.hasPreparedData(in: request.output)
        if !hasPreparedData {
            do {
                known = try text ?? inspect(request.configuration, bytesMax: textBytes)
                if let problem = lengthProblem(request.configuration, known) {
                    findings.append(Finding(.data, problem))
                }
                if let note = known.flatMap({ LearntShare(request.configuration, $0).note }) {
                    findings.append(Finding(.note, note))
                }
            } catch {
                findings.append(Finding(.data, "\(error)\(request.hint(error))"))
            }
            if case .file(let path) = request.configuration.data.validation {
                do {
                    _ = try TextInspection(
                        path: path, data: request.configuration.data, longest: request.configuration.training.sequence,
                        bytesMax: textBytes)
                } catch {
                    findings.append(Finding(.data, "data.validation: \(error)\(request.hint(error))"))
                }
            }
        }
        let size = size(request, known)
        if let problem = size.problem(within: limits, startsWorkers: request.isWhollyHere) {
            findings.append(Finding(.usage, problem))
        }
        findings += partitionFindings(request, size, known)
        findings += descriptorFindings(request)
        findings += directoryFindings(request, size, known)
        if request.workers > request.configuration.training.shards {
            findings.append(
                Finding(
                    .note,
                    "training.shards is \(request.configuration.training.shards): of \(request.workers) workers no "
                        + "more can be busy at once"))
        }
        return findings.filter { $0.kind != .note } + findings.filter { $0.kind == .note }
    }

    /// Reads a configuration's training text.
    static func inspect(_ configuration: RunConfiguration, bytesMax: Int) throws(CorpusError) -> TextInspection {
        try TextInspection(
            path: configuration.data.train, data: configuration.data, longest: configuration.training.sequence,
            bytesMax: bytesMax)
    }

    /// What the run takes, as far as the text is known.
    static func size(_ request: RunRequest, _ text: TextInspection?) -> RunSize {
        let configuration = request.configuration
        var stepTokens: Int?
        if configuration.data.shape == .sequences, let text {
            stepTokens = text.lines.tokensOfLongest(
                configuration.training.batch, lengthMax: configuration.training.sequence)
        }
        return RunSize(
            configuration, vocabulary: text?.vocabulary ?? leastVocabulary(configuration.data),
            workers: request.workers, partitions: request.partitions, stepTokens: stepTokens)
    }

    /// The fewest symbols that any text can have.
    private static func leastVocabulary(_ data: DataConfiguration) -> Int {
        switch data.tokenizer {
        case .bytes: 256
        case .characters: 1
        case .words: 3
        }
    }

    // MARK: - Each for itself

    /// Why a text is too short for a single step: exact where all of it was read, else by its size.
    static func lengthProblem(_ configuration: RunConfiguration, _ text: TextInspection?) -> String? {
        guard let text, configuration.data.shape == .stream else { return nil }
        let training = configuration.training
        // No token is shorter than a byte.
        let tokens = text.isComplete ? text.tokens : text.fileBytes
        let kept = TextInspection.learnt(of: tokens, configuration.data)
        let needed = training.batch * training.sequence + 1
        guard kept < needed else { return nil }
        return "\(configuration.data.train): the training text has \(text.isComplete ? "" : "at most ")\(kept) tokens, "
            + "but \(needed) are needed: one step of training.batch \(training.batch) lanes by training.sequence "
            + "\(training.sequence), and one more to predict; lower one of them"
    }

    private static func partitionFindings(
        _ request: RunRequest, _ size: RunSize, _ text: TextInspection?
    ) -> [Finding] {
        guard request.partitions > size.chunks else { return [] }
        var size = size
        // More symbols are more chunks: only the whole text can say that there are too few.
        if text?.isComplete != true, let whole = try? inspect(request.configuration, bytesMax: .max) {
            size = self.size(request, whole)
        }
        guard request.partitions > size.chunks else { return [] }
        return [
            Finding(
                .usage,
                "--partitions \(request.partitions): the model has \(size.chunks) chunks of parameters, and each "
                    + "partition needs one; use at most \(size.chunks)")
        ]
    }

    private static func descriptorFindings(_ request: RunRequest) -> [Finding] {
        let needed =
            descriptorsOfProcess + request.workers * descriptorsOfWorker + request.partitions * descriptorsOfWorker
        let allowed = CurrentProcess.raiseOpenFilesMax()
        guard needed > allowed else { return [] }
        return [
            Finding(
                .usage,
                "a server with \(request.workers) worker\(request.workers == 1 ? "" : "s") needs about \(needed) open "
                    + "files, and \(allowed) are allowed: raise the limit (ulimit -n) or lower --workers")
        ]
    }

    private static func directoryFindings(
        _ request: RunRequest, _ size: RunSize, _ text: TextInspection?
    ) -> [Finding] {
        let output = ForeignText.shown(request.output)
        guard let space = FileSystemSpace(for: request.output) else {
            return [Finding(.usage, "\(output): cannot be made there; choose another --output")]
        }
        guard space.isWritable else {
            return [
                Finding(
                    .usage, "\(output): '\(ForeignText.shown(space.existing))' is not writable; choose another --output"
                )
            ]
        }
        // A run that is there has its data, and old checkpoints make room for new ones.
        if request.resumes { return [] }
        let disk = DiskDemand(request.configuration, size, text)
        guard Double(space.freeBytes) < disk.keptBytes else { return [] }
        let free = RunSize.text(Double(space.freeBytes))
        if Double(space.freeBytes) < disk.leastBytes {
            return [
                Finding(
                    .usage,
                    "\(output): \(free) are free there, but prepared data and the first two checkpoints take "
                        + "\(RunSize.text(disk.leastBytes)); choose another --output or make room")
            ]
        }
        return [
            Finding(
                .note,
                "\(output): \(free) are free there, but \(disk.checkpointsKept) checkpoints of "
                    + "\(RunSize.text(size.checkpointBytes)) will be kept; lower checkpoints.keep or make room")
        ]
    }
}
