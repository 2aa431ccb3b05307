"""Packets as proof: guests that stand in every node, the tries between them, and a plain lab that needs no libvirt."""
