"""After a run that was killed: the lock taken away, what was pending cleared, what was made adopted by name."""
