"""Signs for ops that everybody knows one for."""

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
