"""Python that runs on the host, by the host's own interpreter (3.9 or later) and firewalld's own modules.

Each module stands alone and travels as text; nothing of this project is imported there.
"""
