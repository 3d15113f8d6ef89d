"""What every admin of CPDS has in common: lists, pages, sections, display."""
