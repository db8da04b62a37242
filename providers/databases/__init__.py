"""Users of database servers through the servers' own clients; no statement is made anywhere but in ``statements``."""
