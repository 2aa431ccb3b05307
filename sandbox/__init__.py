"""The twin: a closed world on one machine in which the real program is run and measured."""
