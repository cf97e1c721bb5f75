def _auto_fit_max_model_len() -> None:
    """The worker looks whether it is there."""
