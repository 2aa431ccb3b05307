"""What a stack costs a month: a dated table of prices, and a bill reckoned from the stack file alone."""
