"""What an AWS network lets through, judged from its resources or from the account. Knows nothing of who rendered it."""
