"""Compilers of the emulator's tables from recorded Azure traffic. Not needed, and not imported, at run time."""
