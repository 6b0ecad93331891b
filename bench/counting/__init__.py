"""A folder to put first on PYTHONPATH: Python runs the `sitecustomize` in it before anything else."""
