"""How fast the review bench answers: searches and queues over many parts, and the next picture."""
