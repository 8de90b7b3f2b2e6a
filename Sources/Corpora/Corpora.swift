// The module Corpora: from texts to the tokens of every shard of every step.
//
// It owns
//   - the vocabulary (`Tokenizer`) and the way back to text (`TokenTextDecoder`);
//   - the preparation of a text (`CorpusBuilder`): two readings in pieces of a megabyte, into token files that are a
//     function of text and configuration alone, and whose SHA-256 says whether two machines learn from the same data;
//   - the token files in memory (`MappedTokens`);
//   - the schedules (`TrainingSchedule`, `EvaluationSchedule`): which tokens a shard reads in a step, as pure functions
//     of configuration, token file, seed and step. Workers come and go; which of them asks changes nothing.
//
// It must never know of networks, weights, workers or messages, and it holds no state between steps.
