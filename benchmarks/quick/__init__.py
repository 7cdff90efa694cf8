"""A farm whose devices do nothing, for proofs about what is remembered: all else is the real thing."""
