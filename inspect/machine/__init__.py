"""What the machine is, and what that means for the bundle it is to run."""
