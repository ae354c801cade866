"""The scoring formula as pure kernels over columns: no I/O, no clock."""
