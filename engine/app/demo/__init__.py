"""The demo's story: starts an emulator, runs the real commands, plays the colleague who edits in the portal."""
