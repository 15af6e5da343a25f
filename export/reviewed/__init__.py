"""From what people decided at the review bench to a version of a data set."""
