"""The account itself: moto on the laptop's loopback, for as long as the sandbox is up.

It keeps everything in memory: one that is started anew is empty.
"""

import signal
import socket
import sys

from moto.server import ThreadedMotoServer

from sandbox.aws.lifecycle import HOST, NAME, PORT
from sandbox.dell import daemon
from sandbox.dell.site import Site


def main(site: Site) -> None:
    """Answer until somebody ends the process; it is enrolled only once it can be asked.

    Raises:
        OSError: the port is taken, by another account of this sandbox.
    """
    with socket.create_server((HOST, PORT)):
        pass  # moto's own attempt, in its thread, would end that thread alone, and then we would wait for ever
    ThreadedMotoServer(HOST, PORT, verbose=False).start()
    daemon.enrol(site, NAME)
    signal.pause()


if __name__ == "__main__":
    main(Site(sys.argv[1]))
