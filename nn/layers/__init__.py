"""The layers, one file a kind; `nn` exports them."""
