"""Measurements that are too noisy or too long for tests; every figure is a ratio within one run."""
