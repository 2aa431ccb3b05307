"""Rendered nft rules broken one line at a time, and whether packets notice (P3)."""
