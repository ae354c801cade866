"""Renown's tests: unit, property, contract, component, integration; `reference` is the slow model."""
