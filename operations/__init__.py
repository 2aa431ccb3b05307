"""What the owner runs on a live stack, beside `pulumi up`: recover, drift, adopt. Nothing imports this package."""
