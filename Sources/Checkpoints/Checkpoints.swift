// The module's front page, and the names of the files in a checkpoint.
//
// Checkpoints owns what Rondo leaves on disk between two lives of a run:
//
//     checkpoints/                      a `CheckpointDirectory`
//         step-00001000/                a `CheckpointFolder`
//             model.safetensors         weights, under the names PyTorch uses
//             optimizer.safetensors     Adam's moments
//             run.json                  configuration, step, place in the data
//             tokenizer.json
//             manifest.json             size and SHA-256 of each file above
//         step-00001200/
//         latest -> step-00001200
//
// A checkpoint is written in a hidden folder beside its place, synced, and renamed (`AtomicFolder`), so that a kill
// at any instant leaves the previous checkpoint or the new one, whole. Reading trusts nothing: the manifest is
// compared byte by byte, every file is hashed, and any byte string given to the safetensors decoder yields a value
// or a typed error.
//
// The module knows bytes, names and shapes. It must never learn what a weight means, what a step does, or who asks.
// Every system call that changes the disk passes through `FileSystem`, where a test can fail it or stop the world.

/// The names of the files that a checkpoint folder holds.
public enum CheckpointFile {
    /// The weights; loads in PyTorch with the `safetensors` package and `load_state_dict`.
    public static let model = "model.safetensors"
    /// The optimizer's state.
    public static let optimizer = "optimizer.safetensors"
    /// The configuration with all defaults, the step, and the place in the data.
    public static let run = "run.json"
    /// The tokenizer, readable without Rondo.
    public static let tokenizer = "tokenizer.json"
    /// Size and SHA-256 of every other file; written last.
    public static let manifest = "manifest.json"
}
