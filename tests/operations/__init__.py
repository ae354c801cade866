"""Tests of the operator's side: metrics, rules, dashboards, manifests, commands."""
