"""From results to what a reader sees: figures, tables, numbers and one page, none of which identifies anyone."""
