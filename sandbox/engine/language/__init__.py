"""The Python language host of a built engine. Its files are copied beside `pulumi` and run as plain scripts."""
