// run.json: what a checkpoint says about its run.

import Configuration
import Foundation

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
            let record = try JSONDecoder().decode(RunRecord.self, from: Data(json))
            guard let object = try JSONSerialization.jsonObject(with: Data(json)) as? [String: Any],
                let configuration = object["configuration"]
            else { throw RunRecordError(description: "\(path): no configuration in it") }
            guard record.step >= 0, record.totalSteps >= 0 else {
                throw RunRecordError(
                    description: "\(path): not a run record of Rondo: step \(record.step) of \(record.totalSteps)")
            }
            let bytes = [UInt8](try JSONSerialization.data(withJSONObject: configuration))
            return (record, try RunConfiguration(json: bytes))
        } catch let error as RunRecordError {
            throw error
        } catch {
            throw RunRecordError(description: "\(path): not a run record of Rondo: \(error)")
        }
    }
}

/// Why a `run.json` cannot be used.
public struct RunRecordError: Error, CustomStringConvertible {
    /// One line for the user.
    public let description: String
}
