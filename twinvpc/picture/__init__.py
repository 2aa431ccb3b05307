"""Pictures of a stack: segments, addresses, and an arrow for each cell that permits something."""
