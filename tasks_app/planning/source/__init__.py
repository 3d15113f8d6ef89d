"""What somebody wrote, where it stood, and what is wrong with it."""
