// run.json: what a checkpoint says about its run.

import Configuration
import Foundation
import Platform

/// The content of `run.json` besides the configuration.
public struct RunRecord: Codable, Sendable, Equatable {
    /// The library that wrote it.
    public var version: String
    /// The run's identifier.
    public var run: String
    /// Updates applied.
    public var step: Int
    /// Updates of the whole run.
    public var totalSteps: Int
    /// Steps in an epoch.
    public var stepsPerEpoch: Int
    /// The place in the data: the epoch of the next step.
    public var epoch: Int
    /// The place in the data: the next step's number within its epoch.
    public var stepInEpoch: Int
    /// The version that was evaluated last; `nil` before the first evaluation.
    public var lastEvaluated: Int?
    /// Nats a token on the validation data, measured last.
    public var validationLoss: Double?
    /// The lowest validation loss so far.
    public var bestValidationLoss: Double?
    /// Without common steps (`training.consistency`): the updates of the weights; `nil` in synchronous training, where
    /// every step is one.
    public var updates: Int?
    /// Without common steps: the next step of each shard.
    public var positions: [Int]?
    /// The version with the lowest validation loss.
    public var bestStep: Int
    /// Whether the loss had exploded: the weights are worse than none, and kept for the record. Missing if not.
    public var exploded: Bool?
    /// The keys of the configuration that got other values in the midst of the run, in order. Missing if none did.
    public var changes: [RecordedChange]?
    /// An exponential mean of the training losses, nats a token.
    public var smoothedLoss: Double?
    /// The file with the carried hidden states, beside this one; `nil` in a snapshot that was pulled.
    public var carriedState: String?
    /// SHA-256 of the prepared training and validation data.
    public var data: [String: String]
    /// What the tensors are, for a reader that builds the model.
    public var vocabulary: Int

    /// The version of this library.
    public static let libraryVersion = "0.1.0"

    /// A record.
    public init(
        version: String,
        run: String,
        step: Int,
        totalSteps: Int,
        stepsPerEpoch: Int,
        epoch: Int,
        stepInEpoch: Int,
        lastEvaluated: Int?,
        validationLoss: Double?,
        bestValidationLoss: Double?,
        updates: Int? = nil,
        positions: [Int]? = nil,
        bestStep: Int,
        smoothedLoss: Double?,
        carriedState: String?,
        data: [String: String],
        vocabulary: Int
    ) {
        self.version = version
        self.run = run
        self.step = step
        self.totalSteps = totalSteps
        self.stepsPerEpoch = stepsPerEpoch
        self.epoch = epoch
        self.stepInEpoch = stepInEpoch
        self.lastEvaluated = lastEvaluated
        self.validationLoss = validationLoss
        self.bestValidationLoss = bestValidationLoss
        self.updates = updates
        self.positions = positions
        self.bestStep = bestStep
        self.smoothedLoss = smoothedLoss
        self.carriedState = carriedState
        self.data = data
        self.vocabulary = vocabulary
    }
}

extension RunRecord {
    /// The JSON of the record with the configuration under the key `configuration`.
    ///
    /// - Throws: An encoding error, which would be a fault of this program.
    public func json(configuration: [UInt8]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        var object = try JSONSerialization.jsonObject(with: encoder.encode(self)) as? [String: Any] ?? [:]
        object["configuration"] = try JSONSerialization.jsonObject(with: Data(configuration))
        return [UInt8](
            try JSONSerialization.data(
                withJSONObject: object, options: [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]))
    }

    /// Reads `run.json`.
    ///
    /// - Throws: `RunRecordError` if the bytes are no run record.
    public static func decode(_ json: [UInt8], path: String) throws(RunRecordError) -> (RunRecord, RunConfiguration) {
        do {
            let file = try JSONDocument.decode(RunFile.self, from: json)
            if let problem = file.record.problem { throw JSONProblem(problem) }
            return (file.record, file.configuration)
        } catch {
            throw RunRecordError(description: "\(path): not a run record of Rondo: \(error)")
        }
    }

    /// What is wrong with the numbers; `nil` if each is possible.
    private var problem: String? {
        let counts: [(key: String, value: Int?, least: Int)] = [
            ("step", step, 0), ("totalSteps", totalSteps, 0), ("stepsPerEpoch", stepsPerEpoch, 1), ("epoch", epoch, 0),
            ("stepInEpoch", stepInEpoch, 0), ("lastEvaluated", lastEvaluated, 0), ("updates", updates, 0),
            ("bestStep", bestStep, 0), ("vocabulary", vocabulary, 1), ("positions", positions?.min(), 0),
            ("positions", positions?.max(), 0),
        ]
        for (key, value, least) in counts {
            guard let value, value < least || value > ForeignNumber.countMax else { continue }
            return
                "the key \"\(key)\": expected a whole number from \(least) to \(ForeignNumber.countMax), found \(value)"
        }
        return nil
    }
}

/// The whole file.
private struct RunFile: Decodable {
    let record: RunRecord
    let configuration: RunConfiguration

    private enum CodingKeys: String, CodingKey { case configuration }

    init(from decoder: any Decoder) throws {
        record = try RunRecord(from: decoder)
        configuration = try decoder.container(keyedBy: CodingKeys.self).decode(
            RunConfiguration.self, forKey: .configuration)
    }
}

/// Why a `run.json` cannot be used.
public struct RunRecordError: Error, CustomStringConvertible {
    /// One line for the user.
    public let description: String
}
