"""The sandbox of the provider's own tests: beside the checkout's, so that neither finds the other's policy."""

from sandbox.dell.site import Site
from sandbox.paths import checkout_id, content_key

SITE = Site(content_key(checkout_id(), "providers")[:8])
