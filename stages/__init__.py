"""The pipeline's stages: one module a stage, each of them `python -m stages.NAME`."""
