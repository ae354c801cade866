"""Faust, extended at its own plug-in points: whole-fetch chunks, columns as state, exact under any failure.

Reading order: `chunk` and `steps` (what a stage sees), `partition`, `barrier`, `changelog` and `restore`,
`fencing`, `transport` and `store` (what Faust sees), `engine` (how it is put together).
"""
