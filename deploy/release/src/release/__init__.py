"""Deploys and rolls back with Docker Compose, on one host."""
