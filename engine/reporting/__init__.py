"""Plans and results in the reader's words. Pure; decides nothing."""
