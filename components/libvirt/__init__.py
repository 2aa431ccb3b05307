"""libvirt on the host: networks, storage pools, and what pulumi-libvirt cannot say by itself."""
