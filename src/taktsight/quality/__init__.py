"""Statistics a plant can sign for: rates with bounds. The unit is the part, never the crop."""
