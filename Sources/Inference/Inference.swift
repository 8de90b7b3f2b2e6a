// Module Inference: what a trained model is asked for. Text, scores, and its loss on a text.
//
//     CheckpointFolder ──┐
//                        ├──▶ LoadedModel ──▶ generate(…)    text, token by token, through a Sampler
//     pulled snapshot ───┘         │
//                                  ├────────▶ score(…)       log-probabilities of lines
//                                  └────────▶ evaluate(…)    nats a token, by the scheme of the cluster
//
// Everything here is a function of the weights, the request and its seed: the same text for the same seed on every
// machine. The module never knows of processes, sockets or terminals; who prints is its caller's business.

/// Why a model cannot do what it is asked for.
public enum InferenceError: Error, Equatable, CustomStringConvertible {
    /// The request itself is not sensible: a temperature of 0, an unknown combination.
    case request(String)
    /// The model, or the text it is to read, cannot be used.
    case data(String)
    /// The disk failed: what it cannot read, or has no room for.
    case storage(String)

    static let notFinite = InferenceError.data(
        "the network's output is not finite: its weights cannot be used; take an earlier checkpoint")

    /// The problem in one line.
    public var description: String {
        switch self {
        case .request(let text), .data(let text), .storage(let text): text
        }
    }
}
