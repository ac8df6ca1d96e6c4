"""The running program: settings, wiring, delivery, the command line."""
