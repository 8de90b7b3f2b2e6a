// What a run will be: the answer of `rondo check`.

import Configuration
import Corpora
import Platform
import Tasks

/// Everything that can be told of a run before it is started.
public struct RunForecast: Sendable, Encodable {
    /// What is wrong, and what somebody should know.
    public var findings: [String] = []
    /// Numbers that are learnt.
    public let parameters: Int
    /// The units in which they can be divided among partitions.
    public let chunks: Int
    /// Memory of the server, and of each worker.
    public let serverBytes, workerBytes: Double
    /// Weights, moments and hidden state of one checkpoint.
    public let checkpointBytes: Double
    /// The checkpoints that are there at the end.
    public let checkpointsKept: Int
    /// What was read of the text, and what it holds; `nil` if it cannot be read.
    public var text: Text?
    /// The steps; `nil` if the text cannot be read, or is too short.
    public var steps: Steps?
    /// The time, measured on this machine; `nil` where nothing can be measured.
    public var time: Time?

    /// The training text.
    public struct Text: Sendable, Encodable {
        /// The size of the file, and how much of it was read.
        public let bytes, bytesRead: Int
        /// Tokens and lines of the whole text: estimates if not all was read.
        public let tokens, lines: Int
        /// The symbols of the run.
        public let vocabulary: Int
        /// Whether these are the data that the run in the directory has prepared, and goes on with.
        public let isPrepared: Bool
        /// The different words of the text, where tokens are words; unknown of prepared data.
        public let distinctWords: Int?
        /// The part of the tokens that is `<unk>`.
        public let unknownShare: Double?
        /// Of sequences: the lines that are cut.
        public let linesCut: Int?
        /// Of sequences: the part of the tokens that is never learnt.
        public let cutShare: Double?
        /// Whether all of the text was read.
        public var isComplete: Bool { bytes == bytesRead }
    }

    /// The work.
    public struct Steps: Sendable, Encodable {
        /// Updates of an epoch and of the run.
        public let ofEpoch, total: Int
        /// Tokens, or lines, that are learnt from in an epoch.
        public let examples: Int
        /// Tokens that are predicted in an epoch.
        public let tokensOfEpoch: Int
        /// Tokens that the loss is measured on.
        public let validationTokens: Int
    }

    /// The time that it takes.
    public struct Time: Sendable, Encodable {
        /// All steps and evaluations.
        public let seconds: Double
        /// One step.
        public let stepSeconds: Double
        /// The speed of training.
        public let tokensPerSecond: Double
    }

    /// How much of a text is read: some seconds of work.
    public static let textBytesMax = 256 << 20

    /// Reads the text and measures the machine.
    public init(_ request: RunRequest, textBytesMax: Int = textBytesMax) {
        let configuration = request.configuration
        let inspected = try? RequestCheck.inspect(request, bytesMax: textBytesMax)
        let size = RequestCheck.size(request, inspected)
        let problems = RequestCheck.findings(request, text: inspected)
        self.problems = problems
        findings = problems.map { "\($0.kind.rawValue): \($0.text)" }
        (parameters, chunks) = (size.parameters, size.chunks)
        (serverBytes, workerBytes, checkpointBytes) = (size.server.bytes, size.worker.bytes, size.checkpointBytes)
        checkpointsKept = DiskDemand(configuration, size, inspected).checkpointsWritten
        guard let inspected else { return }
        let isWords = configuration.data.tokenizer == .words
        let isSequences = configuration.data.shape == .sequences
        text = Text(
            bytes: inspected.fileBytes, bytesRead: inspected.bytesRead, tokens: inspected.tokensOfFile,
            lines: inspected.linesOfFile, vocabulary: inspected.vocabulary,
            isPrepared: inspected.isPrepared,
            distinctWords: isWords && !inspected.isPrepared ? inspected.distinctWords : nil,
            unknownShare: isWords ? inspected.unknownShare : nil, linesCut: isSequences ? inspected.linesCut : nil,
            cutShare: isSequences ? inspected.cutShare : nil)
        guard let steps = RunSteps(configuration, inspected) else { return }
        self.steps = Steps(
            ofEpoch: steps.ofEpoch, total: steps.total, examples: steps.examples, tokensOfEpoch: steps.tokensOfEpoch,
            validationTokens: steps.validationTokens)
        // A model that does not fit is not measured.
        guard !problems.contains(where: { $0.kind == .usage }) else { return }
        time = Self.time(request, size, steps, inspected)
    }

    /// What was found, with what it means.
    public let problems: [Finding]

    enum CodingKeys: String, CodingKey {
        case findings, parameters, chunks, serverBytes, workerBytes, checkpointBytes, checkpointsKept, text, steps, time
    }

    private static func time(
        _ request: RunRequest, _ size: RunSize, _ steps: RunSteps, _ text: TextInspection
    ) -> Time? {
        var size = size
        if request.configuration.data.shape == .sequences {
            // Most batches are of ordinary lines, not of the longest.
            size = RunSize(
                request.configuration, vocabulary: text.vocabulary, workers: request.workers,
                partitions: request.partitions, stepTokens: max(1, steps.tokensOfEpoch / steps.ofEpoch))
        }
        let processors = Processors.count
        guard
            let speed = SpeedMeasurement(
                request.configuration, size, vocabulary: text.vocabulary, processors: processors)
        else { return nil }
        let evaluations =
            switch request.configuration.training.validate {
            case .epoch: Double(steps.total) / Double(steps.ofEpoch)
            case .steps(let interval): Double(steps.total) / Double(interval)
            }
        let parallel = Double(max(1, min(size.workers, request.configuration.training.shards, processors)))
        let evaluating = evaluations * Double(steps.validationTokens) * speed.evaluationTokenSeconds / parallel
        let tokens = Double(steps.tokensOfEpoch) / Double(steps.ofEpoch)
        return Time(
            seconds: Double(steps.total) * speed.stepSeconds + evaluating, stepSeconds: speed.stepSeconds,
            tokensPerSecond: tokens / speed.stepSeconds)
    }
}
