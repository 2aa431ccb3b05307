"""The base of all components."""

import pulumi


class Component(pulumi.ComponentResource):
    """A component whose children wait for whatever the component itself was told to wait for, and have its hooks.

    Pulumi keeps a component's `depends_on` to the component: its children would be created at once. Hooks it keeps
    there too, where nothing ever fails. Providers are handed down by Pulumi itself.
    """

    def __init__(self, token: str, name: str, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(token, name, None, opts)
        self._after = opts.depends_on if opts else None
        self._hooks = opts.hooks if opts else None

    def child(self) -> pulumi.ResourceOptions:
        """What the options of every child start from."""
        return pulumi.ResourceOptions(parent=self, depends_on=self._after, hooks=self._hooks)
