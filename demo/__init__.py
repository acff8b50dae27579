"""The mini world: a demo that uses the product as any user does, and imports none of its apps."""
