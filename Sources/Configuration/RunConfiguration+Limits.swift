// Sizes that fit one by one but not together.

extension RunConfiguration {
    /// The most time steps, and the most lanes or sequences of a shard, that have dropout masks of their own: each has
    /// 16 bits in the counter of the random numbers.
    public static let dropoutPlacesMax = 1 << 16
    /// The most tokens of a step. Places in a step are numbered by 32 bits, and the sums of an embedding's gradients
    /// have up to 13 places for each.
    public static let stepTokensMax = 1 << 27
    /// The most bytes of hidden state that a shard of a stream carries from step to step: a frame of a message.
    public static let carriedStateBytesMax = 16 << 20

    /// The key of the section `training` that is to blame for sizes that do not go together, and what would.
    var sizeConflict: (key: String, explanation: String)? {
        let lanes = (training.batch + training.shards - 1) / training.shards
        if model.dropout > 0, training.sequence > Self.dropoutPlacesMax {
            return (
                "sequence",
                "with model.dropout it can be at most \(Self.dropoutPlacesMax), not \(training.sequence); "
                    + "lower it, or set model.dropout to 0"
            )
        }
        if model.dropout > 0, lanes > Self.dropoutPlacesMax {
            let shards = (training.batch + Self.dropoutPlacesMax - 1) / Self.dropoutPlacesMax
            return (
                "shards",
                "with model.dropout a shard can have at most \(Self.dropoutPlacesMax) of the "
                    + "training.batch \(training.batch); raise it to at least \(shards), lower training.batch, "
                    + "or set model.dropout to 0"
            )
        }
        // Lines may all be short: how many tokens their steps have is known when they have been read.
        guard data.shape == .stream else { return nil }
        if training.batch * training.sequence > Self.stepTokensMax {
            return (
                "batch",
                "training.batch \(training.batch) times training.sequence \(training.sequence) are "
                    + "\(training.batch * training.sequence) tokens a step; the limit is \(Self.stepTokensMax): "
                    + "lower one of them"
            )
        }
        let laneBytes = carriedStateBytesOfLane
        let lanesMax = Self.carriedStateBytesMax / laneBytes
        if lanesMax == 0 {
            return (
                "batch",
                "each lane carries \(laneBytes) bytes of hidden state from step to step; "
                    + "the limit is \(Self.carriedStateBytesMax): lower model.hidden or model.layers"
            )
        }
        if lanes > lanesMax {
            let shards = (training.batch + lanesMax - 1) / lanesMax
            let advice =
                shards <= TrainingConfiguration.shardsMax
                ? "raise it to at least \(shards), or lower training.batch, model.hidden or model.layers"
                : "lower training.batch, model.hidden or model.layers"
            return (
                "shards",
                "each shard carries \(lanes) \(lanes == 1 ? "lane" : "lanes") times \(laneBytes) bytes of hidden "
                    + "state from step to step; "
                    + "the limit is \(Self.carriedStateBytesMax): \(advice)"
            )
        }
        return nil
    }

    /// What a lane of a stream carries from step to step.
    private var carriedStateBytesOfLane: Int {
        let directions = model.bidirectional ? 2 : 1
        let states = model.cell == .lstm ? 2 : 1
        return model.layers * directions * states * model.hidden * MemoryLayout<Float>.size
    }
}
