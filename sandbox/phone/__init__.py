"""The on-screen phone: what members see, and where to answer as one of them."""
