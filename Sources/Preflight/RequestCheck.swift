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
        if hasPreparedData(request) {
            findings += dataNotes(request)
        } else {
            findings += textFindings(request, &known)
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

    /// Whether the run goes on with data that are there, and its text is not read any more.
    static func hasPreparedData(_ request: RunRequest) -> Bool {
        request.resumes && RunDirectoryState.hasPreparedData(in: request.output)
    }

    /// Which texts hold something else than when the run in the directory prepared its data, which it keeps.
    public static func dataNotes(_ request: RunRequest) -> [Finding] {
        PreparedTexts.changed(since: "\(request.output)/data", request.configuration.data).map { path in
            Finding(
                .note,
                "\(ForeignText.shown(path)): has changed since the run in "
                    + "\(ForeignText.shown(request.output)) was begun, "
                    + "which keeps its data as they were then; to learn the text as it is now choose another --output")
        }
    }

    /// Looks at the texts that a new run reads.
    ///
    /// - Parameter known: what is known of the training text already, and then at least of its beginning.
    private static func textFindings(_ request: RunRequest, _ known: inout TextInspection?) -> [Finding] {
        let configuration = request.configuration
        var findings: [Finding] = []
        if let problem = streamProblem(request, configuration.data.train) {
            findings.append(Finding(.data, "data.train: \(problem)"))
        } else {
            do {
                let text = try known ?? inspect(request, bytesMax: textBytes)
                known = text
                if let problem = lengthProblem(configuration, text) { findings.append(Finding(.data, problem)) }
                if let note = LearntShare(configuration, text).note { findings.append(Finding(.note, note)) }
            } catch {
                findings.append(Finding(.data, "\(error)\(request.hint(error))"))
            }
        }
        guard case .file(let path) = configuration.data.validation else { return findings }
        if let problem = streamProblem(request, path) {
            findings.append(Finding(.data, "data.validation: \(problem)"))
        } else {
            do {
                _ = try inspect(path, configuration, bytesMax: textBytes)
            } catch {
                findings.append(Finding(.data, "data.validation: \(error)\(request.hint(error))"))
            }
        }
        return findings
    }

    /// Why a text that only this process can read is of no use to a server that is another one.
    private static func streamProblem(_ request: RunRequest, _ path: String) -> String? {
        guard request.isWhollyHere, path != "-", InputFile.isDescriptor(path) else { return nil }
        return
            "'\(ForeignText.shown(path))' is a stream of this command alone, and it is the server that reads the text; "
            + "write it into a file first (cat > FILE), and name that"
    }

    /// Reads the training text of a request: as its run has prepared it where that is what it goes on with.
    static func inspect(_ request: RunRequest, bytesMax: Int) throws(CorpusError) -> TextInspection {
        let configuration = request.configuration
        guard !hasPreparedData(request) else {
            return try TextInspection(
                preparedIn: "\(request.output)/data", configuration.data, longest: configuration.training.sequence)
        }
        return try inspect(configuration.data.train, configuration, bytesMax: bytesMax)
    }

    private static func inspect(
        _ path: String, _ configuration: RunConfiguration, bytesMax: Int
    ) throws(CorpusError) -> TextInspection {
        try TextInspection(
            path: path, data: configuration.data, longest: configuration.training.sequence, bytesMax: bytesMax)
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
        return
            "\(configuration.data.train): the training text has \(text.isComplete ? "" : "at most ")"
            + "\(Counted.text(kept, "token")), "
            + "but \(needed) are needed: one step of training.batch \(training.batch) lanes by training.sequence "
            + "\(training.sequence), and one more to predict; lower one of them"
    }

    private static func partitionFindings(
        _ request: RunRequest, _ size: RunSize, _ text: TextInspection?
    ) -> [Finding] {
        guard request.partitions > size.chunks else { return [] }
        var size = size
        // More symbols are more chunks: only the whole text can say that there are too few.
        if text?.isComplete != true, let whole = try? inspect(request, bytesMax: .max) {
            size = self.size(request, whole)
        }
        guard request.partitions > size.chunks else { return [] }
        return [
            Finding(
                .usage,
                "--partitions \(request.partitions): the model has \(Counted.text(size.chunks, "chunk")) of "
                    + "parameters, and each partition needs one; use at most \(size.chunks)")
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
                "a server with \(Counted.text(request.workers, "worker")) needs about \(needed) open "
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
