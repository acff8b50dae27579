"""The agents that write samples: what they are asked, in which words, and what they may answer."""
