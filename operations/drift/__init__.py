"""What somebody changed by hand, named: Pulumi looks, and what it found is told in plain words."""
