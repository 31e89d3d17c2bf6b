"""Generated pictures beside real ones: what looks at them, every score, people."""
