// Module Recurrent: recurrent layers with explicit forward and backward passes.
//
// It owns embedding, Elman/LSTM/GRU cells, layers in both directions, stacks, linear layers, dropout, losses, and the
// networks made of them. It never knows of files, sockets, clocks, optimizers or workers: a step is a function of its
// arguments, and gradients go to a sink that the caller brings.
//
// How a step is laid out
//  - A span's batch stacks the sequences of *all* its shards (``PackedSequences``): everything row-wise (products with
//    weights, gates, losses) runs once for all of them. Rows never mix, so no bit depends on what is stacked.
//  - Only weight gradients are formed shard by shard (``TreeSum``), along the fixed reduction tree.
//  - Weights are packed once a step, in both orientations. Scratch memory is kept from step to step.
