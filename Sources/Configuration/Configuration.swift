// The module Configuration: what a run is told to do.
//
// It owns the keys, their defaults, their limits and the words in which a wrong one is refused. A text goes through
// three forms: YAML or JSON; a `ConfigurationTree`, in which every part knows the line or the override it comes from;
// and `RunConfiguration`, which has types. Overrides are applied to the tree, so that they are checked as the file is.
//
// It must never know what the values are used for: it opens no file, and no other module of Rondo is imported here.
