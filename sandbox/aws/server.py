"""The account itself: moto, on the laptop's loopback, for as long as the sandbox is up.

It keeps everything in memory. Whoever starts it anew has an empty account.
"""

import signal
import sys

from moto.server import ThreadedMotoServer

from sandbox.dell import daemon
from sandbox.dell.site import Site

PORT = 4566
NAME = "server"

if __name__ == "__main__":
    server = ThreadedMotoServer("127.0.0.1", PORT, verbose=False)
    server.start()
    daemon.enrol(Site(sys.argv[1]), NAME)
    signal.pause()
