"""``python -m engine`` is ``trueup``."""

from engine.app.cli import main

raise SystemExit(main())
