"""The pure core: what the owner says, the addresses and rules that follow, the proof. Never imports pulumi."""
