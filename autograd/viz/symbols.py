"""The usual signs of ops."""

GLYPHS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "matmul": "@",
    "negative": "−",
    "power": "**",
    "square": "x²",
    "sqrt": "√",
    "transpose": "ᵀ",
}
