"""What people see of a part: frames as tiles, maps, contours and examples, by names that tell nothing."""
