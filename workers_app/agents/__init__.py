"""Claude: asked, its answers judged, its price known. Only ``messages_api`` imports anthropic."""
