"""The usual signs of ops, and their public names."""

GLYPHS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "matmul": "@",
    "negative": "−",
    "power": "xⁿ",
    "square": "x²",
    "sqrt": "√",
    "transpose": "ᵀ",
}

PUBLIC = {
    "affine": "linear",
    "conv_bias": "conv",
    "gru_scan": "GRU",
    "lstm_scan": "LSTM",
    "rnn_scan": "RNN",
}
"""Names of ops as users know them."""
