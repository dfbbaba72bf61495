"""Recorded markets in and out: importers, the Parquet catalogue, bars and exports of it."""
