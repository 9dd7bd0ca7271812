"""Dashboards and Prometheus rules as code."""
