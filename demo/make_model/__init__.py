"""How the mini model was made: tokenizer, architecture, pre-training on a GPU, planted weaknesses, proof."""
