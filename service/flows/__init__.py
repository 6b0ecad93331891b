"""What happens, a module for each. A flow that takes `db` never commits: its door does."""
