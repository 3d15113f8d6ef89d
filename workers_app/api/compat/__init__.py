"""The dialects of earlier systems, a folder each, so that each can be deleted in one move."""
