"""The monitor: what can be seen of a pipeline from outside, also while its workers are down."""
