"""What an operator needs: the catalogue of all metrics, dashboards, the monitor, capacity, and a doctor."""
