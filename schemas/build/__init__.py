"""Compilers that turn public type definitions into ``schemas/data``. Nothing at run time imports this."""
