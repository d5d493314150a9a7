"""Max and average pooling, adaptive pooling, max unpooling."""
