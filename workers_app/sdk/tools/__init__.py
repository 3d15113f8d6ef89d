"""Tools that a worker can put to work without a handler of its own: Claude, or any command-line agent."""
