"""Azure Resource Manager and its token authority on this machine, driven by the compiled facts."""
