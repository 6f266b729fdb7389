"""What an escaping worker does: programs for the inside of a cell, with nothing but the standard library."""
