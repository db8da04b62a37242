"""CEL by the C++ engine; expressions and values in, plain data or an engine error out. Reads and writes nothing."""
