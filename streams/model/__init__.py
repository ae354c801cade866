"""The scoring formula as pure kernels over columns: no I/O, no clock, no knowledge of where events come from."""
