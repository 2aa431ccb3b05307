"""The Pulumi program: read what the owner wants, build it on the stack's substrate, export what came of it."""

import gc

gc.disable()  # of a run this short, a tenth would go into looking for garbage among what is imported

from pathlib import Path

import pulumi

from components.config import read_config
from components.substrate import build

deployment = read_config(Path(__file__).resolve().parent)
for name, value in build(deployment).items():
    pulumi.export(name, value)
