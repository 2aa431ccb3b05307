"""From a machine as the owner says it to what its first boot is told."""
