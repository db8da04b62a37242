"""Facts as data: what each ARM type and each ASO kind allows. Knows nothing of the engine."""
