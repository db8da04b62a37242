"""One module per verb: ``add_arguments(parser)`` and ``run(args, settings) -> exit code``.

A verb's module is imported only when that verb is called; what is heavy it imports inside ``run``.
"""
