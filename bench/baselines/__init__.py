"""The usual design of what ours is measured against, where no peer is a product of its own."""
