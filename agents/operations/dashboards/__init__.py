"""Grafana's dashboards: each is a list of rows of panels; `python -m agents.operations.dashboards DIR` writes them."""
