"""The proof: what each cell should be, what was measured, and where they differ. Knows the model and nothing else."""
