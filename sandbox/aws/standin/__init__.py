"""A stand-in for `pulumi-resource-aws`: real requests to an account that is moto, and no invented success.

It takes the place of the official plugin where that cannot be downloaded. What it does not implement it refuses by
name: types, properties, and values that the pinned SDK's typed classes do not allow.
"""
