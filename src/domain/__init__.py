"""What a case is and how it may change: facts, decisions, calendars and clocks; pure."""
