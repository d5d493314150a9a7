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

GATES = {
    "gru_scan": {"r": "reset gate r", "z": "update gate z", "n": "candidate n"},
    "lstm_scan": {
        "i": "input gate i",
        "f": "forget gate f",
        "g": "cell candidate g",
        "o": "output gate o",
    },
}
"""For each op with gates, what those are called that its reference names by a letter."""
