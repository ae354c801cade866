"""The stages, wired to the engine: actor, target, emission, sweep, calibration. They wire; the model computes."""
