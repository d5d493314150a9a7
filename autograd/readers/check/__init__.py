"""check: a model, its data, loss and optimizer, looked at before a training run."""
