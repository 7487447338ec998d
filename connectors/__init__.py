"""I/O with providers: address books and calendars are read and written here, nothing is decided."""
